"""A file that keeps a little room on the disk, so that a run which fills it can still be called failed.

Invariant: best effort: without the room for it there is none, and nothing else depends on it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

SIZE = 2 << 20  # bytes: what a database needs to write down how a few jobs ended


def allocate_reserve(path: Path) -> None:
    """Take the room, unless it is taken already."""
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size >= SIZE:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SIZE))  # nothing that a file system could leave out


def free_reserve(path: Path) -> None:
    """Give the room back."""
    with contextlib.suppress(OSError):
        path.unlink()
