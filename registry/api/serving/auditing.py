"""Audits that go on after the answer that began them: each noted, in a thread of its own, watched by its id.

Invariants: at most ``AT_ONCE`` are under way in this process; a slot that was taken is given back when its audit has
ended, however it ended; what ends one is kept, and read where the audit is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from registry.api.problems import HttpProblem
from registry.api.serving import heavy
from registry.api.serving.computing import AT_ONCE, computing
from registry.assembly import Home
from registry.core.errors import EmotionetError

AUDITS = threading.BoundedSemaphore(AT_ONCE)
BUSY = "other audits are under way: try again in a moment"
_log = logging.getLogger("registry.api")


def take(slots: threading.BoundedSemaphore, busy: str = BUSY) -> None:
    """One of ``slots``. ``HttpProblem`` 503 if none is free within a second."""
    if not slots.acquire(timeout=1):
        raise HttpProblem(503, busy, headers={"Retry-After": "10"})


def start(home: Home, begin: Callable[[], str], asked: heavy.Asked, ended: Callable[[], object] = lambda: None) -> str:
    """Begin an audit, which holds the slot of ``AUDITS`` that was taken; its id, as ``begin`` noted it."""

    def work() -> None:
        try:
            computing.run(home, heavy.carry_out_audit, audit, asked)
        except EmotionetError:
            pass  # what ended it is kept, and said where it is read
        except Exception as error:
            _log.error("audit %s ended because of a defect", audit, exc_info=error)
        finally:
            AUDITS.release()
            ended()

    try:
        audit = begin()
    except BaseException:
        AUDITS.release()
        ended()
        raise
    threading.Thread(target=work, name=f"audit-{audit}", daemon=True).start()
    return audit
