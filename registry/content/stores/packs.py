"""Pack files: blocks one after the other, each with its CID, as a CAR file has them.

Invariants: a pack is only ever appended to, by one process at a time, which holds its lock; what was
written after the last commit is cut off by the next writer; a pack can be read by any tool that reads CAR
files, so that the blocks outlive the index.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from registry.content.stores.index import Index
from registry.core.errors import not_written
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID
from registry.core.ipld.varint import encode_varint
from registry.files import sync_folder

PACK_BYTES = 1 << 30  # a pack that is larger gets no more blocks
WRITE_BYTES = 4 << 20  # what is gathered before it is written
EARLY_BYTES = 64 << 20  # after so many written bytes the disk is told to begin
_PIECES = 512  # that one call of the system takes
_SEEN = 8  # so many packs are tried before a new one is made
_HEADER = encoding.encode({"roots": [], "version": 1})
HEADER = encode_varint(len(_HEADER)) + _HEADER


class Descriptor:
    """An open file that is closed when nobody reads it any more."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self.number = os.open(path, flags | os.O_CLOEXEC, 0o644)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


class PackReader:
    """Reads pieces of packs, of which it keeps some open."""

    def __init__(self, folder: Path, most: int = 64) -> None:
        self._folder, self._most = folder, most
        self._open: OrderedDict[str, Descriptor] = OrderedDict()
        self._guard = threading.Lock()

    def read(self, pack: str, offset: int, length: int) -> bytes:
        """The bytes there, fewer if the file ends before. ``OSError`` if the pack is gone."""
        with self._guard:
            found = self._open.get(pack) or Descriptor(self._folder / pack)
            self._open[pack] = found
            self._open.move_to_end(pack)
            if len(self._open) > self._most:
                self._open.popitem(last=False)
        return os.pread(found.number, length, offset)

    def forget(self, pack: str) -> None:
        """Close a pack that was removed."""
        with self._guard:
            self._open.pop(pack, None)


class PackWriter:
    """The end of one pack, locked; make one with ``open_pack``."""

    def __init__(self, folder: Path, name: str, descriptor: Descriptor, size: int) -> None:
        self.name, self.size = name, size  # with what is gathered
        self._folder, self._file = folder, descriptor
        self._gathered: list[bytes] = []
        self._waiting = 0  # bytes gathered
        self._since = 0  # bytes written since the last early flush
        self._early: list[Future[None]] = []

    def start(self) -> None:
        """Begin a new pack."""
        self._gathered, self._waiting, self.size = [HEADER], len(HEADER), len(HEADER)

    def append(self, cid: CID, data: bytes) -> int:
        """Add a block; returns where its bytes begin. ``Unavailable`` (disk full) adds nothing."""
        if self._waiting >= WRITE_BYTES:
            self.write()
        name = bytes(cid)
        head = encode_varint(len(name) + len(data)) + name
        offset = self.size + len(head)
        self._gathered += (head, data)
        self._waiting += len(head) + len(data)
        self.size = offset + len(data)
        return offset

    def write(self) -> None:
        """Hand what was gathered to the system; readers see it after this."""
        pieces, self._gathered = self._gathered, []
        try:
            while pieces:
                done = os.writev(self._file.number, pieces[:_PIECES])
                self._waiting -= done
                self._since += done
                while pieces and done >= len(pieces[0]):
                    done -= len(pieces.pop(0))
                if done:
                    pieces[0] = pieces[0][done:]
        except OSError as error:
            raise not_written("the block store", error) from error
        finally:
            self._gathered = pieces  # what was not written waits for the next try
        if self._since >= EARLY_BYTES:
            self._since = 0
            self._early.append(_flusher().submit(_flush_early, self._file))

    def flush(self) -> None:
        """What was appended survives a crash after this."""
        self.write()
        early, self._early = self._early, []
        try:
            for one in early:
                one.result()
            os.fsync(self._file.number)
        except OSError as error:
            raise not_written("the block store", error) from error


@cache
def _flusher() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "flush")


def _flush_early(file: Descriptor) -> None:
    """Let the disk begin while more is being written; an error here fails the flush at the end.

    What is on disk leaves the page cache: a bulk import shall not push out what others read, and the pages that it
    frees serve the next write (on virtual machines new pages were four times as slow as the disk).
    """
    os.fdatasync(file.number)
    os.posix_fadvise(file.number, 0, 0, os.POSIX_FADV_DONTNEED)


def open_pack(folder: Path, index: Index) -> PackWriter:
    """The newest pack that has room and no writer, or a new one."""
    try:
        for name, size in index.packs()[:_SEEN]:
            if size < PACK_BYTES and (found := _take(folder, name, index)) is not None:
                return found
        return new_pack(folder)
    except OSError as error:
        raise not_written(f"the block store {folder}", error) from error


def new_pack(folder: Path) -> PackWriter:
    """A pack that nobody knows yet, locked."""
    name = f"{secrets.token_hex(8)}.car"
    made = Descriptor(folder / name, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
    fcntl.flock(made.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    sync_folder(folder)
    writer = PackWriter(folder, name, made, 0)
    writer.start()
    return writer


def lock_pack(folder: Path, name: str) -> Descriptor | None:
    """A pack's lock and file, None if another process writes it, or it is gone."""
    try:
        found = Descriptor(folder / name, os.O_RDWR | os.O_APPEND)
        fcntl.flock(found.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = (folder / name).stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
            return None
        raise
    return found if os.fstat(found.number).st_ino == there.st_ino else None


def _take(folder: Path, name: str, index: Index) -> PackWriter | None:
    found = lock_pack(folder, name)
    size = dict(index.packs()).get(name)  # read under the lock: another process may just have committed
    if found is None or size is None or os.fstat(found.number).st_size < size:  # cut short: verify names its blocks
        return None
    os.ftruncate(found.number, size)  # what nobody committed
    return PackWriter(folder, name, found, size)
