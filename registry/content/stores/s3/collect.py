"""Deletes what nothing reaches: packs with dead blocks are written anew without them, small ones are joined.

Invariants: live blocks are verified, written and committed before the old pack is removed, so a reader finds every live
block throughout. A block that another machine put again since the walk stays, with its pack, until the next time. A
pack with a live block that does not verify stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from registry.content.stores.compaction import OVERHEAD
from registry.content.stores.s3.bucket import Bucket
from registry.content.stores.s3.commits import Commit, Commits, new_commit
from registry.content.stores.s3.known import Known
from registry.content.stores.s3.pack import FOLDER, PACK_BYTES, Pack, Row
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, matches, raw_cid
from registry.core.ipld.dag import walk_held, walk_present
from registry.core.ports.store import BlockStore, Problem

SLICE = 8 << 20  # bytes that are read of a pack at once
SMALL, FEW = PACK_BYTES // 4, 8  # packs below this size are joined where there are more than so many


@dataclass
class _Rewrite:
    """One pack that goes, what of it lives, and what of it dies."""

    name: str
    live: list[Row]
    dead: set[bytes] = field(default_factory=set)


class Collector:
    """One collection of one store."""

    def __init__(self, store: BlockStore, bucket: Bucket, known: Known, commits: Commits, grace: int) -> None:
        self._store, self._bucket, self._known, self._commits, self._grace = store, bucket, known, commits, grace

    def collect(self, listed: Iterable[CID], denied: Collection[bytes]) -> dict[str, int]:
        """The report of ``EmbeddedStore.gc``."""
        self._commits.catch_up()
        pinned = {
            cid.multihash for cid in walk_present(self._store, self._store.pins(), lambda cid: cid.multihash in denied)
        }
        absent: list[CID] = []
        kept = {cid.multihash for cid in walk_held(self._store, listed, absent, denied)}
        unlisted = {one for one in self._known.multihashes() if one not in pinned and one not in kept}
        before = time.time() - self._grace
        dead = {one for one in unlisted if one in denied or (self._known.added(one) or 0) <= before}
        sizes = self._rewrite(dead, thorough=bool(denied))
        self._remove_orphans(before)
        return {
            "blocks": len(sizes),
            "bytes": sum(sizes.values()),
            "unlisted": len(unlisted),
            "unpinned": len(kept - pinned),
            "missing": len({one.multihash for one in absent}),
            "left": len(dead & set(denied)) - len(sizes.keys() & set(denied)),
        }

    def remove(self, gone: Iterable[CID]) -> int:
        """Delete these blocks, however new they are; how many there were."""
        dead = {cid.multihash for cid in gone}
        return len(self._rewrite(dead, thorough=True)) if dead else 0

    def _chosen(self, dead: set[bytes], thorough: bool) -> list[_Rewrite]:
        """Packs that are worth it: with much that is dead, or anything at all where ``thorough``; and many small."""
        found, small = list[_Rewrite](), list[_Rewrite]()
        for name, size in self._known.packs():
            rows = self._known.blocks_of(name)
            one = _Rewrite(name, [row for row in rows if row[0] not in dead], {row[0] for row in rows} & dead)
            waste = size - sum(row[2] + OVERHEAD for row in one.live)
            if one.dead and (thorough or not one.live or waste > size // 16):
                found.append(one)
            elif size < SMALL:
                small.append(one)
        return found + (small if len(small) > FEW else [])

    def _rewrite(self, dead: set[bytes], thorough: bool) -> dict[bytes, int]:
        """Sizes of the blocks that were deleted."""
        chosen = self._chosen(dead, thorough)
        packs, copied = self._copy(chosen)
        if not copied:
            return {}
        deleted = set().union(*(one.dead for one in copied))
        sizes = {row[0]: row[2] for one in copied for row in self._known.blocks_of(one.name) if row[0] in deleted}
        names = [one.name for one in copied]

        def check(found: list[Commit]) -> None:
            if any(set(one.gone) & set(names) or set(one.again) & deleted for one in found):
                raise Unavailable("what was to be deleted is in use again", code="s3_busy", hint="run it again.")

        try:
            written = [one.write(self._bucket) for one in packs]
            rows = [[(multihash, *place) for multihash, place in one.rows.items()] for one in packs]
            self._commits.add(new_commit(written, gone=names), rows, check)
        except Unavailable:
            self._bucket.delete(one.name for one in packs)
            raise
        self._bucket.delete(names)
        return sizes

    def _copy(self, chosen: list[_Rewrite]) -> tuple[list[Pack], list[_Rewrite]]:
        """New packs of what lives, and the old ones that they stand for."""
        packs, copied = list[Pack](), list[_Rewrite]()
        for one in chosen:
            blocks = list(self._blocks(one))
            if None in blocks:
                continue
            for block in blocks:
                if not packs or packs[-1].full:
                    if packs:
                        packs[-1].write(self._bucket)
                    packs.append(Pack())
                if block is not None and block[0].multihash not in packs[-1].rows:
                    packs[-1].add(*block)
            copied.append(one)
        return packs, copied

    def _blocks(self, one: _Rewrite) -> Iterator[tuple[CID, bytes] | None]:
        """Live blocks of a pack, None for one that does not verify."""
        for row, data in read_rows(self._bucket, one.name, one.live):
            cid = raw_cid(row[0])
            yield (cid, data) if data is not None and matches(cid, data) else None

    def _remove_orphans(self, before: float) -> None:
        """Packs that no commit names: a process died before it committed them, or after it had replaced them."""
        known = {name for name, _ in self._known.packs()}
        old = [one.name for one in self._bucket.list(FOLDER) if one.name not in known and one.modified < before]
        self._bucket.delete(old)


def read_rows(bucket: Bucket, pack: str, rows: list[Row]) -> Iterator[tuple[Row, bytes | None]]:
    """A pack's blocks, many with one request; None for what can't be read there."""
    waiting, size = list[Row](), 0
    for row in [*rows, None]:
        if row is not None and (size + row[2] <= SLICE or not waiting):
            waiting.append(row)
            size += row[2]
            continue
        found = bucket.read_many(pack, [(one[1], one[2]) for one in waiting])
        for place, one in enumerate(waiting):
            yield one, found[place] if found else None
        waiting, size = ([row], row[2]) if row is not None else ([], 0)


def verify_packs(bucket: Bucket, known: Known) -> Iterator[Problem]:
    """Every block of every pack; yields those that do not hash to their names."""
    for pack, _ in known.packs():
        for (multihash, _, length), data in read_rows(bucket, pack, known.blocks_of(pack)):
            cid = raw_cid(multihash)
            if data is None or len(data) < length:
                yield Problem(cid, f"{pack} ends before it, or is gone")
            elif not matches(cid, data):
                yield Problem(cid, "does not hash to its name")
