"""Blocks in an S3-compatible bucket that any number of machines share: packs of many, and a history of commits.

Invariants: ``flush`` writes the packs, then one commit that names them: all of it shows to every machine at once, and a
process that dies before leaves packs that nobody knows, which garbage collection removes. Flushes of several threads
become one commit. A block is read from its pack by its range and hashed; bytes that came wrong are asked for once more
before the block counts as damaged. The service must honour conditional writes (``If-None-Match``): one that does not is
refused when the bucket is first used.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from registry.content.stores.index import Place
from registry.content.stores.read_ahead import AT_ONCE, ReadAhead
from registry.content.stores.removal import Roots, doomed
from registry.content.stores.s3.bucket import Bucket
from registry.content.stores.s3.collect import Collector, verify_packs
from registry.content.stores.s3.commits import Commit, Commits, new_commit
from registry.content.stores.s3.known import Known
from registry.content.stores.s3.marks import Marks, repository_name
from registry.content.stores.s3.pack import Pack, PackName
from registry.content.stores.verified import VerifiedStore
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, IDENTITY, matches, raw_cid
from registry.core.ipld.dag import check_present
from registry.core.ports.store import Problem

_AT_ONCE = 2  # packs that are being written while the next one fills
_READERS = 8  # packs that are read at the same time
_OLD = 1800  # seconds after which a written pack is looked for again before it is committed


class S3Store(VerifiedStore):
    """Implements ``registry.core.ports.store.BlockStore``."""

    where = "in the bucket"

    def __init__(self, bucket: Bucket, cache: Path, grace: int = 3600) -> None:
        """``cache``: a folder for what can be worked out again; ``grace``: seconds that a new block is safe from gc."""
        self._bucket, self._grace = bucket, grace
        self._known = Known(cache / f"{repository_name(bucket)}.sqlite")
        self._commits, self._marks = Commits(bucket, self._known), Marks(bucket)
        self._guard, self._flushing = threading.RLock(), threading.Lock()
        self._pack, self._full = Pack(), list[Pack]()  # what takes blocks, and what waits to be committed
        self._again, self._damaged = set[bytes](), set[bytes]()
        self._writers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pack")
        self._writing: list[Future[PackName]] = []
        self._readers, self._ahead = ThreadPoolExecutor(_READERS, thread_name_prefix="packs"), ReadAhead()

    def close(self) -> None:
        """Let go of the cache. What was not flushed is not kept."""
        for pool in (self._writers, self._readers):
            pool.shutdown(cancel_futures=True)
        self._known.close()

    def _waiting(self, multihash: bytes) -> Pack | None:
        """The pack with a block that was not committed yet."""
        with self._guard:
            return next((one for one in (self._pack, *self._full) if multihash in one.rows), None)

    def holds(self, cid: CID) -> bool:
        """Whether the bucket has a block, or it waits here; what others committed meanwhile is looked for."""
        multihash = cid.multihash
        return bool(self._waiting(multihash) or self._known.find(multihash)) or (
            bool(self._commits.catch_up()) and self._known.find(multihash) is not None
        )

    def missing(self, cids: Sequence[CID]) -> list[CID]:
        """Those that are not here, in their order; one look for what others committed."""
        self._commits.catch_up()
        return [
            cid
            for cid in cids
            if cid.hash_code != IDENTITY and not (self._waiting(cid.multihash) or self._known.find(cid.multihash))
        ]

    def find(self, cid: CID) -> bytes | None:
        """A block's bytes as they came; None where there are none."""
        waiting = self._waiting(cid.multihash)
        if waiting is not None and (held := waiting.find(cid.multihash)) is not None:
            return held
        if waiting is not None and waiting.written is not None:
            return self._bucket.read(waiting.name, *waiting.rows[cid.multihash])
        if (ahead := self._ahead.find(cid)) is not None:
            return ahead
        place = self._known.find(cid.multihash)
        data = self._bucket.read(*place) if place else None
        if data is None and self._commits.catch_up():  # a pack that is gone was rewritten
            place = self._known.find(cid.multihash)
            data = self._bucket.read(*place) if place else None
        if data is not None:
            self._ahead.keep(cid, data)
        elif place is not None:
            self._damaged.add(cid.multihash)
        return data

    def find_again(self, cid: CID) -> bytes | None:
        """Once more, as what came was not the block: it may have been changed on the way."""
        self._ahead.forget(cid)
        data = self.find(cid)
        if data is not None and not matches(cid, data):
            self._ahead.forget(cid)
            self._damaged.add(cid.multihash)
        return data

    def prefetch(self, cids: Sequence[CID]) -> None:
        """Read blocks that are about to be asked for, of each pack with one request where they lie close together."""
        wanted: dict[str, list[tuple[CID, Place]]] = {}
        size = 0
        for cid in cids:
            place = None if self._ahead.find(cid) is not None else self._known.find(cid.multihash)
            if place is not None and size + place.length <= AT_ONCE:
                wanted.setdefault(place.pack, []).append((cid, place))
                size += place.length
        if sum(map(len, wanted.values())) > 1:
            list(self._readers.map(self._read_ahead, wanted.items()))

    def _read_ahead(self, one: tuple[str, list[tuple[CID, Place]]]) -> None:
        with contextlib.suppress(Unavailable):  # whoever asks for the block is told
            found = self._bucket.read_many(one[0], [(place.offset, place.length) for _, place in one[1]])
            for (cid, _), data in zip(one[1], found or [], strict=False):
                self._ahead.keep(cid, data)

    def write_block(self, cid: CID, data: bytes) -> bool:
        """Take a block as it is, until ``flush`` for this process alone; whether this machine did not know it."""
        multihash = cid.multihash
        if self._waiting(multihash):
            return False
        known = multihash not in self._damaged and self._known.find(multihash) is not None
        with self._guard:
            if known:
                self._again.add(multihash)
                return False
            self._pack.add(cid, data)
            self._damaged.discard(multihash)
            full = self._pack.full
            if full:
                self._next_pack()
        if full:
            self._wait_for_writers()
        return True

    def _next_pack(self) -> None:
        """Begin to write the pack that is full, and take another one."""
        self._full.append(self._pack)
        self._writing.append(self._writers.submit(self._pack.write, self._bucket))
        self._pack = Pack()

    def _wait_for_writers(self) -> None:
        """Hold whoever writes faster than the service takes."""
        with self._guard:
            self._writing = [one for one in self._writing if not one.done()]
            oldest = self._writing[0] if len(self._writing) > _AT_ONCE else None
        if oldest is not None:
            oldest.exception()  # flush tries again what failed, and tells

    def flush(self) -> None:
        """What was put is in the bucket after this, and shows to every machine."""
        with self._flushing:
            with self._guard:
                if self._pack.rows:
                    self._full.append(self._pack)
                    self._pack = Pack()
                packs, again = list(self._full), frozenset(self._again)
            if packs or again:
                self._commit(packs, again)
            with self._guard:
                self._full = [one for one in self._full if one not in packs]
                self._again -= again

    def _commit(self, packs: Sequence[Pack], again: frozenset[bytes]) -> None:
        written = list(self._writers.map(lambda one: one.write(self._bucket), packs))
        for pack in packs:
            if time.monotonic() - pack.begun > _OLD and self._bucket.size(pack.name) is None:
                raise Unavailable("a pack was deleted before it was committed", code="s3_lost", hint="do this again.")

        def check(_: list[Commit]) -> None:
            gone = {one for one in again if self._known.find(one) is None}
            if gone:
                with self._guard:
                    self._again -= gone
                raise Unavailable(
                    "a block was deleted as garbage while it was being stored again", hint="run the same command again."
                )

        rows = [[(multihash, *place) for multihash, place in pack.rows.items()] for pack in packs]
        self._commits.add(new_commit(written, again), rows, check)

    def cids(self) -> Iterator[CID]:
        """Every flushed block, as a raw version 1 CID (the store keeps multihashes)."""
        self._commits.catch_up()
        return map(raw_cid, self._known.multihashes())

    def pin(self, cid: CID) -> None:
        """Keep a closure; its pin appears only after all of it was found here and flushed."""
        if self._marks.is_pinned(cid):
            return
        check_present(self, [cid])
        self.flush()
        self._marks.set_pin(cid, True)

    def unpin(self, cid: CID) -> None:
        """Forget a pin."""
        self._marks.set_pin(cid, False)

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        return self._marks.pins()

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The newest entry of an issuer's log that was put here."""
        return self._marks.log_head(issuer)

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember it; it only goes forward."""
        self._marks.set_log_head(issuer, seq, entry)

    def verify(self) -> Iterator[Problem]:
        """Read every block, pack by pack; yields those that do not hash to their names."""
        self._commits.catch_up()
        return verify_packs(self._bucket, self._known)

    def stat(self) -> dict[str, int]:
        """Counts of blocks, bytes and pins; what the packs take in the bucket."""
        self._commits.catch_up()
        count, size = self._known.counts()
        packs = self._known.packs()
        pins = sum(1 for _ in self.pins())
        return {"blocks": count, "bytes": size, "pins": pins, "packs": len(packs), "disk": sum(one[1] for one in packs)}

    def gc(self, listed: Iterable[CID], denied: Collection[bytes] = ()) -> dict[str, int]:
        """As ``EmbeddedStore.gc``. Other machines may always be writing, so blocks newer than the grace stay, but for
        those that are denied."""
        self.flush()
        return Collector(self, self._bucket, self._known, self._commits, self._grace).collect(listed, denied)

    def remove(self, denied: Sequence[CID], listed: Roots) -> int:
        """Delete what is taken back. A pack whose removal was cut off is deleted by the next collection."""
        self.flush()
        self._commits.catch_up()
        gone = doomed(self, denied, listed)
        for cid in gone:
            self._ahead.forget(cid)
        return Collector(self, self._bucket, self._known, self._commits, self._grace).remove(gone)
