"""A sign that somebody wants to write to a SQLite database, or does: a shared lock on the folder that it lies in.

Invariants: the lock is the operating system's, so it goes with whoever gave it. Nobody waits for it: it only tells a
large writer that others wait (``registry.catalog.turns``). A folder that can't be locked gives no sign.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def asking(folder: Path | None) -> Iterator[None]:
    """Give the sign for as long as this lasts; for None, none."""
    with contextlib.ExitStack() as stack:
        if folder is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(stack.enter_context(_opened(folder)), fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield


def asked(folder: Path) -> bool:
    """Whether anybody gives it; whoever looks may not give it meanwhile."""
    with contextlib.suppress(OSError), _opened(folder) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
