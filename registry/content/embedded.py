"""The block store on disk that needs no server: one file a block, below two-digit folders, by multihash.

Invariants: every read is hashed again; a corrupt or empty file counts as missing and is named by
``verify``; a block's file appears by rename, whole or not at all; ``flush`` makes all that this process
put survive a crash (files are flushed, then their folders, once a batch); a pin is a file that appears
only after its closure was read and flushed. Several processes may use one folder; ``pin`` and ``gc``
take one lock, so that nothing is freed between.

One file a block serves tens of thousands of images; pack files, which later ones need, replace this
module behind the same port.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.core.cid import CID, IDENTITY, RAW, hash_function, verify
from registry.core.dag import walk_closure
from registry.core.errors import InvalidInput, NotFound, Unavailable, Untrusted

MAX_BLOCK = 2 << 20
_COUNTER = itertools.count()


@dataclass(frozen=True)
class Problem:
    """A block that does not verify."""

    cid: CID
    reason: str

    def __str__(self) -> str:
        return f"{self.cid}: {self.reason}"


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EmbeddedStore:
    """Implements ``registry.core.store.BlockStore`` on a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks, self._pinned, self._scratch = folder / "blocks", folder / "pins", folder / "tmp"
        self._unflushed: set[Path] = set()
        self._guard = threading.Lock()
        try:
            for made in (self._blocks, self._pinned, self._scratch):
                made.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"the block store {folder} can't be made: {error.strerror}") from error

    def _path(self, cid: CID) -> Path:
        name = cid.multihash.hex()
        return self._blocks / name[-2:] / name

    def has(self, cid: CID) -> bool:
        """Whether a block lies here (its bytes are checked when it is read)."""
        return cid.hash_code == IDENTITY or self._path(cid).exists()

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` if absent or corrupt, ``Unavailable`` if unreadable."""
        if cid.hash_code == IDENTITY:
            return cid.digest
        try:
            data = self._path(cid).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"block {cid} is not held here: import it, or a CAR file of it") from None
        except OSError as error:
            raise Unavailable(f"block {cid} can't be read: {error.strerror}") from error
        try:
            verify(cid, data)
        except Untrusted as error:
            raise NotFound(
                f"block {cid} is damaged here and counts as missing: import it again", code="damaged"
            ) from error
        return data

    def _sound(self, cid: CID, path: Path, size: int) -> bool:
        """Whether a block is there already; one that is damaged is written again."""
        try:
            if path.stat().st_size != size:
                return False
            verify(cid, path.read_bytes())
        except (OSError, Untrusted):
            return False
        return True

    def put(self, cid: CID, data: bytes) -> None:
        """Keep one block. Wrong bytes: ``Untrusted``. Again: no-op."""
        self._put(cid, data)

    def _put(self, cid: CID, data: bytes) -> bool:
        if len(data) > MAX_BLOCK:
            raise InvalidInput(f"block {cid} is larger than 2 MiB", code="block_too_large")
        verify(cid, data)
        path = self._path(cid)
        if cid.hash_code == IDENTITY or self._sound(cid, path, len(data)):
            return False
        temporary = self._scratch / f"{os.getpid()}-{threading.get_ident()}-{next(_COUNTER)}"
        try:
            temporary.write_bytes(data)
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Unavailable(f"block {cid} can't be written: {error.strerror}") from error
        with self._guard:
            self._unflushed.add(path)
        return True

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> int:
        """Keep many blocks and flush once; returns how many were new."""
        new = sum(self._put(cid, data) for cid, data in blocks)
        self.flush()
        return new

    def flush(self) -> None:
        """What this process put survives a crash after this call."""
        with self._guard:
            paths, self._unflushed = self._unflushed, set()
        try:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):  # collected meanwhile
                    _fsync(path)
            for folder in {path.parent for path in paths}:
                _fsync(folder)
            if paths:
                _fsync(self._blocks)
        except OSError as error:
            with self._guard:
                self._unflushed |= paths
            raise Unavailable(f"the block store can't be flushed: {error.strerror}") from error

    def _files(self) -> Iterator[Path]:
        for folder in sorted(self._blocks.iterdir()):
            yield from folder.iterdir()

    def cids(self) -> Iterator[CID]:
        """Every block, as a raw version 1 CID (the store keeps multihashes)."""
        for path in self._files():
            yield CID.decode(b"\x01" + bytes([RAW]) + bytes.fromhex(path.name))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def pin(self, cid: CID) -> None:
        """Keep a closure; its pin appears only after all of it was read and flushed."""
        with self._lock():
            if (self._pinned / str(cid)).exists():
                return
            for _ in walk_closure(self.get, [cid]):
                pass
            self.flush()
            (self._pinned / str(cid)).touch()
            _fsync(self._pinned)

    def unpin(self, cid: CID) -> None:
        """Forget a pin."""
        with self._lock():
            (self._pinned / str(cid)).unlink(missing_ok=True)

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        for path in sorted(self._pinned.iterdir()):
            yield CID.parse(path.name)

    def verify(self) -> Iterator[Problem]:
        """Read every block; yields those that do not hash to their names."""
        for cid in self.cids():
            function = hash_function(cid.hash_code)
            try:
                data = self._path(cid).read_bytes()
            except OSError as error:
                yield Problem(cid, f"can't be read: {error.strerror}")
                continue
            if function is None or function(data) != cid.digest:
                yield Problem(cid, "empty" if not data else "does not hash to its name")

    def stat(self) -> dict[str, Any]:
        """Counts of blocks, bytes and pins."""
        sizes = [path.stat().st_size for path in self._files()]
        return {"blocks": len(sizes), "bytes": sum(sizes), "pins": sum(1 for _ in self.pins())}

    def gc(self, roots: Iterable[CID]) -> dict[str, int]:
        """Free every block that neither a pin nor ``roots`` reach. A closure that is not whole stops it all."""
        with self._lock():
            kept = {cid.multihash for cid, _ in walk_closure(self.get, [*self.pins(), *roots])}
            freed = count = 0
            for path in self._files():
                if bytes.fromhex(path.name) not in kept:
                    freed += path.stat().st_size
                    count += 1
                    path.unlink()
        return {"blocks": count, "bytes": freed}
