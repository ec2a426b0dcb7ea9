"""The block store on disk that needs no server: blocks in append-only packs, an index of where they lie.

Invariants: every read is hashed again; a corrupt or empty block counts as missing and is named by
``verify``; ``flush`` makes all that this process put survive a crash, and all of it shows to other
processes at once (packs are flushed, then one transaction of the index); a crash before leaves the state
before; a pin appears only after its closure was found whole and flushed. Several processes may use one folder.
Who writes holds a shared lock to its end, so that garbage collection knows whether it is alone.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from registry.content.stores.batch import Batch
from registry.content.stores.compaction import compact, has_dead
from registry.content.stores.index import Index, Place
from registry.content.stores.packs import Descriptor, PackReader
from registry.content.stores.removal import Places, Roots, doomed
from registry.content.stores.verified import VerifiedStore
from registry.core.errors import Unavailable, not_written
from registry.core.ipld.cid import CID, IDENTITY, matches, raw_cid
from registry.core.ipld.dag import check_present, walk_held, walk_present
from registry.core.ports.store import Problem

GRACE = 3600  # seconds that a new block is safe from gc while others write


class EmbeddedStore(VerifiedStore):
    """Implements ``registry.core.ports.store.BlockStore`` on a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._packs = folder, folder / "packs"
        try:
            self._packs.mkdir(parents=True, exist_ok=True)
            self._lock_file = self._open_lock(folder / "lock")
        except OSError as error:
            raise not_written(f"the block store {folder}", error) from error
        self._index = Index(folder / "index.sqlite")
        self._reader = PackReader(self._packs)
        self._writes = threading.Event()
        self._main = self.batch()

    @staticmethod
    def _open_lock(path: Path) -> Descriptor:
        """To be locked; where nothing can be written nobody writes, and it is opened to be read."""
        try:
            return Descriptor(path, os.O_RDWR | os.O_CREAT)
        except OSError:
            if not path.exists():
                raise
            return Descriptor(path, os.O_RDONLY)

    def close(self) -> None:
        """Let go of the index and the lock. What was not flushed is not kept."""
        self._main.abort()
        self._index.close()
        fcntl.flock(self._lock_file.number, fcntl.LOCK_UN)

    def batch(self) -> Batch:
        """Blocks that are kept together or not at all."""
        return Batch(self._packs, self._index, self._read, self._begin_writing)

    def _begin_writing(self) -> None:
        """From its first block to its end a process holds the store's lock together with other writers."""
        if not self._writes.is_set():
            fcntl.flock(self._lock_file.number, fcntl.LOCK_SH)
            self._writes.set()

    def _read(self, place: Place) -> bytes | None:
        """The bytes at a place, unverified; None where there are none."""
        try:
            return self._reader.read(*place)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"the block store can't be read: {error.strerror}") from error

    def place(self, cid: CID) -> tuple[Path, int, int] | None:
        """Where a block's bytes lie: the pack's path, where they begin, how many."""
        found = self._index.find(cid.multihash)
        return (self._packs / found.pack, found.offset, found.length) if found else None

    def missing(self, cids: Sequence[CID]) -> list[CID]:
        """Those that it does not hold, in their order."""
        asked = [cid for cid in cids if cid.hash_code != IDENTITY]
        held = self._main.held([cid.multihash for cid in asked])
        return [cid for cid in asked if cid.multihash not in held]

    def prefetch(self, cids: Sequence[CID]) -> None:
        """Find out by a few statements where blocks lie that are about to be read."""
        self._index.look_ahead([cid.multihash for cid in cids])

    def holds(self, cid: CID) -> bool:
        """Whether bytes lie here."""
        return self._main.holds(cid)

    def find(self, cid: CID) -> bytes | None:
        """The bytes as they lie."""
        return self._main.find(cid)

    def write_block(self, cid: CID, data: bytes) -> bool:
        """Take a block as it is, until ``flush`` for this process alone."""
        return self._main.write_block(cid, data)

    def flush(self) -> None:
        """What this process put survives a crash after this call, and shows to others."""
        self._main.commit()

    def cids(self) -> Iterator[CID]:
        """Every flushed block, as a raw version 1 CID (the store keeps multihashes)."""
        return map(raw_cid, self._index.multihashes())

    def pin(self, cid: CID) -> None:
        """Keep a closure; its pin appears only after all of it was found here and flushed."""
        if str(cid) in self._index.pins():
            return
        self._begin_writing()
        check_present(self, [cid])
        self.flush()
        self._index.set_pin(str(cid), True)

    def pin_as_it_was(self, cid: CID) -> None:
        """A pin of another copy of this store: its closure may lack what was taken back there."""
        self.flush()
        self._index.set_pin(str(cid), True)

    def unpin(self, cid: CID) -> None:
        """Forget a pin."""
        self._index.set_pin(str(cid), False)

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        return map(CID.parse, self._index.pins())

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The newest entry of an issuer's log that was put here."""
        found = self._index.log_head(issuer)
        return (found[0], CID.parse(found[1])) if found else None

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember it; it only goes forward."""
        self._index.set_log_head(issuer, seq, str(entry))

    def verify(self) -> Iterator[Problem]:
        """Read every block, pack by pack; yields those that do not hash to their names."""
        for pack, _ in self._index.packs():
            for multihash, offset, length in self._index.blocks_of(pack):
                cid = raw_cid(multihash)
                data = self._read(Place(pack, offset, length))
                if data is None or len(data) < length:
                    yield Problem(cid, f"{pack} ends before it")
                elif not matches(cid, data):
                    yield Problem(cid, "does not hash to its name")

    def stat(self) -> dict[str, int]:
        """Counts of blocks, bytes and pins; what the packs take on disk."""
        count, size = self._index.counts()
        packs = self._index.packs()
        disk = sum(size for _, size in packs)
        return {"blocks": count, "bytes": size, "pins": len(self._index.pins()), "packs": len(packs), "disk": disk}

    @contextmanager
    def _collecting(self) -> Iterator[int]:
        """The second before which blocks may be freed: now if nobody else writes, an hour ago otherwise."""
        try:
            fcntl.flock(self._lock_file.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            before = int(time.time()) + 1
        except BlockingIOError:
            before = int(time.time()) - GRACE
        try:
            yield before
        finally:
            fcntl.flock(self._lock_file.number, fcntl.LOCK_SH if self._writes.is_set() else fcntl.LOCK_UN)

    def gc(self, listed: Iterable[CID], denied: Collection[bytes] = ()) -> dict[str, int]:
        """Delete every block that neither a pin nor ``listed`` reaches, and those that only ``denied`` (multihashes)
        reach.

        Nothing is deleted if a pin's closure is incomplete (but for ``denied``) or a block on the way is damaged: what
        hangs below it can't be known. Some of ``listed`` may be absent. While other processes write, blocks newer than
        an hour stay, because a record that names them may be about to be written. Where something is denied, no pack
        keeps bytes of deleted blocks, from now or before.

        Returns ``blocks`` and ``bytes`` that were deleted, and counts of blocks: ``unlisted`` (nothing reaches them;
        those not deleted are new), ``unpinned`` (kept without a pin), ``missing`` (referenced but missing); and
        ``left``: packs that hold bytes of deleted blocks and could not be rewritten.
        """
        self.flush()
        with self._collecting() as before:
            pinned = {cid.multihash for cid in walk_present(self, self.pins(), lambda cid: cid.multihash in denied)}
            absent: list[CID] = []
            kept = {cid.multihash for cid in walk_held(self, listed, absent, denied)}
            dead = [one for one in self._index.multihashes() if one not in pinned and one not in kept]
            count, freed = self._index.remove(dead, before)
            for pack in compact(self._packs, self._index, self._reader, thorough=bool(denied)):
                self._reader.forget(pack)
            left = sum(map(self._holds_dead, self._index.packs())) if denied else 0
        report = {
            "unlisted": len(dead),
            "unpinned": len(kept - pinned),
            "missing": len({one.multihash for one in absent}),
        }
        return {"blocks": count, "bytes": freed, **report, "left": left}

    def remove(self, denied: Sequence[CID], listed: Roots) -> int:
        """Delete what is taken back, whoever writes; finishes what an earlier call began."""
        self.flush()
        places, gone = Places(self._folder), doomed(self, denied, listed)
        count = 0
        if gone:
            multihashes = list(dict.fromkeys(cid.multihash for cid in gone))
            places.note(place for one in multihashes if (place := self._index.find(one)))
            count, _ = self._index.remove(multihashes, int(time.time()) + GRACE)
        if places.read():
            for pack in compact(self._packs, self._index, self._reader, thorough=True):
                self._reader.forget(pack)
            places.overwrite(self._index)
        return count

    def _holds_dead(self, pack: tuple[str, int]) -> bool:
        return has_dead(self._index.blocks_of(pack[0]), pack[1])
