"""A block store in memory, which misbehaves on demand; and a sink that keeps nothing.

Passes the same contract as every store. ``lose`` and ``flip`` do what disks do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.content.stores.removal import Roots, doomed
from registry.content.stores.verified import VerifiedStore
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, raw_cid
from registry.core.ipld.dag import check_present


class NullSink:
    """Takes blocks and forgets them: a dry run."""

    def put_own(self, cid: CID, data: bytes) -> None:
        """Nothing is kept."""


class MemoryStore(VerifiedStore):
    """Blocks by multihash; implements ``registry.core.ports.store.BlockStore``."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, bytes] = {}
        self._pins: dict[CID, None] = {}
        self._heads: dict[str, tuple[int, CID]] = {}
        self.broken = False  # while True, every read is Unavailable

    def holds(self, cid: CID) -> bool:
        """Whether bytes lie here."""
        return cid.multihash in self._blocks

    def find(self, cid: CID) -> bytes | None:
        """The bytes as they lie."""
        if self.broken:
            raise Unavailable("the store can't be read", hint="try again.")
        return self._blocks.get(cid.multihash)

    def write_block(self, cid: CID, data: bytes) -> bool:
        """Take a block as it is."""
        new = self._blocks.get(cid.multihash) != data
        self._blocks[cid.multihash] = data
        return new

    def put_own(self, cid: CID, data: bytes) -> None:
        """Verified here, unlike in other stores, so that tests find a wrong CID."""
        self.put(cid, data)

    def flush(self) -> None:
        """Nothing to do."""

    def cids(self) -> Iterator[CID]:
        """Every block, as a raw version 1 CID."""
        yield from map(raw_cid, list(self._blocks))

    def pin(self, cid: CID) -> None:
        """Keep a closure."""
        check_present(self, [cid])
        self._pins[cid] = None

    def unpin(self, cid: CID) -> None:
        """Forget a pin."""
        self._pins.pop(cid, None)

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        yield from list(self._pins)

    def remove(self, denied: Sequence[CID], listed: Roots) -> int:
        """Delete what is taken back."""
        gone = {cid.multihash for cid in doomed(self, denied, listed)}
        return sum(self._blocks.pop(one, None) is not None for one in gone)

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The newest entry of an issuer's log that was put here."""
        return self._heads.get(issuer)

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember it; it only goes forward."""
        if issuer not in self._heads or self._heads[issuer][0] < seq:
            self._heads[issuer] = (seq, entry)

    def lose(self, cid: CID) -> None:
        """Misbehave: forget a block."""
        del self._blocks[cid.multihash]

    def flip(self, cid: CID, bit: int = 0) -> None:
        """Misbehave: change one bit of a block."""
        data = bytearray(self._blocks[cid.multihash])
        data[bit // 8 % len(data)] ^= 1 << bit % 8
        self._blocks[cid.multihash] = bytes(data)
