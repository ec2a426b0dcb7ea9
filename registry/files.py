"""The only one who writes files and folders that appear whole or not at all.

``whole_file`` and ``whole_tree`` are for what people name: no two writers share a temporary file, no file of another
name is touched; a link is followed, and what is there and is no regular file (a pipe, /dev/null) is written to as it
is, never replaced. ``single_writer_file`` is for this program's own files, which one process at a time writes.

Invariants: only what goes wrong with this file is told of it (``Unavailable``); nothing that was begun is left, unless
the process is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from registry.core.errors import UsageError, not_written


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


PROBE_BYTES = 1 << 16


def check_writable(folder: Path) -> None:
    """``Unavailable`` (``disk_full``, ``not_written``) where nothing can be written into a folder now."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            sync_file(probe)
    except OSError as error:
        raise not_written(folder, error) from error


def sync_file(handle: IO[bytes]) -> None:
    """Make what was written to an open file survive a crash (its name: ``sync_folder``)."""
    handle.flush()
    os.fsync(handle.fileno())


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
    """A file whose failing writes are told of ``path``; a new one is made with the bits ``made``."""

    def __init__(self, place: Path, mode: str, path: Path, made: int = 0o666) -> None:
        super().__init__(place, mode, opener=lambda name, flags: os.open(name, flags, made))
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
        _drop(stream, None if straight else place)


@contextlib.contextmanager
def single_writer_file(path: Path, *, mode: int = 0o666, durable: bool = True) -> Iterator[Stream]:
    """The same for a file of this program's own, of which the caller is the only writer (it holds a lock, or the
    folder is its own): what a killed writer left is removed, not added to.

    ``durable``: a machine that loses its power has the old file or the new one. A new file never has more of the bits
    ``mode``, not even for a moment.
    """
    place = path.with_name(f"{path.name}.tmp")
    with _told(path):
        place.unlink(missing_ok=True)
        stream = Stream(_Raw(place, "xb", path, mode))
    try:
        yield stream
        with _told(path):
            if durable:
                sync_file(stream)
            stream.close()
            place.replace(path)
            if durable:
                sync_folder(path.parent)
    finally:
        _drop(stream, place)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock in this file, which is made: one process at a time, and a thread of it; a killed one lets go."""
    with _told(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with _told(path):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _drop(stream: Stream, place: Path | None) -> None:
    """Let go of a stream and of what lies at ``place``."""
    with contextlib.suppress(Exception):  # what it still held is told already, or unwanted
        stream.close()
    if place is not None:
        with contextlib.suppress(OSError):
            place.unlink()


@contextlib.contextmanager
def whole_tree(path: Path) -> Iterator[Path]:
    """Where to make the file or the folder that shall be ``path``, where nothing is yet; folders above it are made.

    ``Unavailable`` where the system refuses, also while the caller makes it.
    """
    with _told(path):
        with contextlib.suppress(FileExistsError):  # a file there is told of as what it is: no folder
            path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".emotionet-") as scratch:
            place = Path(scratch) / "content"
            yield place
            place.replace(path)
