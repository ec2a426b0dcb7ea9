"""What is done again and again beside a worker.

Invariants: nothing waits for it, and a time at which it can't be done ends nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from registry.core.errors import EmotionetError


@contextmanager
def repeated(
    name: str, work: Callable[[], object], log: logging.Logger, failed: str, *, first: float, pause: float
) -> Iterator[None]:
    """Do it in a thread, ``first`` seconds from now and then every ``pause`` seconds. ``failed``: what did not happen
    where it raises one of this project's errors."""
    over = threading.Event()

    def loop() -> None:
        wait = first
        while not over.wait(wait):
            wait = pause
            try:
                work()
            except EmotionetError as error:
                log.warning("%s: %s", failed, error)
            except Exception:  # a thread that died would be missed by nobody
                log.exception("%s", failed)

    thread = threading.Thread(target=loop, daemon=True, name=name)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
