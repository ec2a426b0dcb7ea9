"""Where thumbnails are kept: a folder of the home by side and sha256, all of which may be deleted at any time.

Invariants: the folder stays below ``MAX_BYTES`` and ``MAX_FILES``, whoever writes into it: what was made first goes
first. A picture that can't be kept is only made again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from registry.core.errors import Unavailable
from registry.files import whole_file

SIDES = (160, 320, 640)
MAX_BYTES = 512 << 20
MAX_FILES = 100_000
_LEFT = 0.9  # of both limits, after the oldest were deleted


class KeptThumbnails:
    """The thumbnails of one home. Threads may share it."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "thumbnails"
        self._lock = threading.Lock()
        self._size: tuple[int, int] | None = None  # bytes and files, as far as this object knows

    def _path(self, sha256: str, side: int) -> Path:
        return self._folder / str(side) / sha256[:2] / f"{sha256}.webp"

    def find(self, sha256: str, side: int) -> bytes | None:
        """What was kept; None for nothing."""
        try:
            return self._path(sha256, side).read_bytes()
        except OSError:
            return None

    def keep(self, sha256: str, side: int, data: bytes) -> None:
        """Write an image's thumbnail to the cache; beyond the cache's bounds the oldest are deleted, and
        where the disk has no room nothing is raised."""
        path = self._path(sha256, side)
        with self._lock, suppress(Unavailable, OSError):
            size, files = self._size or _measure(self._folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as stream:
                stream.write(data)
            self._size = (size + len(data), files + 1)
            if self._size[0] > MAX_BYTES or self._size[1] > MAX_FILES:
                self._size = _evict(self._folder)

    def forget(self, sha256s: Iterable[str]) -> None:
        """Delete those of images whose bytes are deleted."""
        for sha256 in sha256s:
            for side in SIDES:
                with suppress(OSError):
                    self._path(sha256, side).unlink()


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            else:
                yield entry


def _measure(folder: Path) -> tuple[int, int]:
    sizes = [entry.stat().st_size for entry in _files(folder)]
    return sum(sizes), len(sizes)


def _evict(folder: Path) -> tuple[int, int]:
    """Delete the oldest until both limits are kept; what is left, as ``_measure`` gives it."""
    found = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in _files(folder))
    size, files = sum(one[1] for one in found), len(found)
    for _, length, path in found:
        if size <= MAX_BYTES * _LEFT and files <= MAX_FILES * _LEFT:
            break
        with suppress(FileNotFoundError):
            Path(path).unlink()
        size, files = size - length, files - 1
    return size, files
