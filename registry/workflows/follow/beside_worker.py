"""Bring followed logs up to date beside a worker.

Invariant: nothing waits for it, and an hour in which it can't be done ends nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from registry.core.errors import EmotionetError
from registry.workflows.follow.keep_up import bring_all_up_to_date
from registry.workflows.parts import Parts

FIRST = 5.0  # seconds
_log = logging.getLogger("registry.follow")


@contextmanager
def kept_up_to_date(parts: Parts, *, first: float = FIRST) -> Iterator[None]:
    """Ask in a thread for all logs whose time has come (``pace``), ``first`` seconds from now and then every
    EMOTIONET_FOLLOW_SECONDS."""
    over = threading.Event()

    def work() -> None:
        wait = first
        while not over.wait(wait):
            wait = parts.settings.follow_seconds
            try:
                for one in bring_all_up_to_date(parts, due=True):
                    _log.info("%s is %s: %s entries", one["issuer"], one["state"], one["entries"])
            except EmotionetError as error:
                _log.warning("followed logs were not brought up to date: %s", error)
            except Exception:  # a thread that died would be missed by nobody
                _log.exception("followed logs were not brought up to date")

    thread = threading.Thread(target=work, daemon=True, name="follow")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
