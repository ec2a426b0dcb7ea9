"""A file for people that appears whole or not at all, or one sentence on why it can't.

Invariants: no two writers share a temporary file, and no file of another name is touched; a link is followed, and
what is there and is no regular file (a pipe, /dev/null) is written to as it is, never replaced; only what goes wrong
with this file is told of it.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.core.errors import UsageError, not_written


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_written(path, error) from error


def _mode(path: Path) -> int | None:
    """Of what is there, a link followed."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


class _Raw(io.FileIO):
    """A file whose failing writes are told of ``path``."""

    def __init__(self, place: Path, mode: str, path: Path) -> None:
        super().__init__(place, mode)
        self._path = path

    def write(self, data: Any, /) -> int:
        with _told(self._path):
            return super().write(data)


class Stream(io.BufferedWriter):
    """Where to write bytes; ``size`` counts them."""

    size = 0

    def write(self, data: Any, /) -> int:
        done = super().write(data)
        self.size += done
        return done


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Stream]:
    """Where to write what shall be ``path``: a file in its folder, which takes its name at the end and else is removed.

    It is made at once, so that a place where nothing can be written is known before the work, with the mode of the
    file that it replaces, or else of any new file. ``UsageError`` for a path that is no file's, ``Unavailable`` where
    the system refuses to write.
    """
    with _told(path):
        mode = _mode(path)
        if path.name in ("", "..") or (mode is not None and stat.S_ISDIR(mode)):
            raise UsageError(f"{str(path)!r} is a folder", hint="name a file.")
        straight = mode is not None and not stat.S_ISREG(mode)
        final = path if straight else Path(os.path.realpath(path))
        place = final if straight else final.with_name(f".emotionet-{secrets.token_hex(8)}")
        stream = Stream(_Raw(place, "wb" if straight else "xb", path))
    try:
        with _told(path):
            if mode is not None and not straight:
                place.chmod(stat.S_IMODE(mode))
        yield stream
        with _told(path):
            stream.close()
            if not straight:
                place.replace(final)
    finally:
        with contextlib.suppress(Exception):  # what it still held is told already, or unwanted
            stream.close()
        if not straight:
            with contextlib.suppress(OSError):
                place.unlink()
