"""What the database's planner knows of the tables, kept up beside a worker.

Invariant: nothing waits for it, and an hour in which it can't be done ends nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from registry.core.errors import EmotionetError
from registry.workflows.parts import Parts

FIRST, PAUSE = 60.0, 3600.0  # seconds
_log = logging.getLogger("registry.upkeep")


@contextmanager
def kept_statistics(parts: Parts, *, first: float = FIRST, pause: float = PAUSE) -> Iterator[None]:
    """Have the planner told in a thread, ``first`` seconds from now and then every ``pause`` seconds."""
    over = threading.Event()

    def work() -> None:
        wait = first
        while not over.wait(wait):
            wait = pause
            try:
                parts.catalog.analyze()
            except EmotionetError as error:
                _log.info("the planner was not told of the tables: %s", error)

    thread = threading.Thread(target=work, daemon=True, name="statistics")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
