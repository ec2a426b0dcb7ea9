"""A block store in memory, which misbehaves on demand; and a sink that keeps nothing.

Passes the same contract as every store. ``lose`` and ``flip`` do what disks do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.core.errors import InvalidInput, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, IDENTITY, RAW, verify
from registry.core.ipld.dag import walk_present

MAX_BLOCK = 2 << 20


class NullSink:
    """Takes blocks and forgets them: a dry run."""

    def put_own(self, cid: CID, data: bytes) -> None:
        """Nothing is kept."""


class MemoryStore:
    """Blocks by multihash; implements ``registry.core.ports.store.BlockStore``."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, bytes] = {}
        self._pins: dict[CID, None] = {}
        self._heads: dict[str, tuple[int, CID]] = {}
        self.broken = False  # while True, every read is Unavailable

    def has(self, cid: CID) -> bool:
        """Whether it lies here."""
        return cid.hash_code == IDENTITY or cid.multihash in self._blocks

    def get(self, cid: CID) -> bytes:
        """The verified bytes; ``NotFound`` if absent or corrupt."""
        if self.broken:
            raise Unavailable("the store can't be read", hint="try again.")
        if cid.hash_code == IDENTITY:
            return cid.digest
        data = self._blocks.get(cid.multihash)
        if data is None:
            raise NotFound(f"block {cid} is not held here")
        try:
            verify(cid, data)
        except Untrusted as error:
            raise NotFound(f"block {cid} is damaged here and counts as missing") from error
        return data

    def put(self, cid: CID, data: bytes) -> None:
        """Keep one block."""
        if len(data) > MAX_BLOCK:
            raise InvalidInput(f"block {cid} is larger than 2 MiB", code="block_too_large")
        verify(cid, data)
        if cid.hash_code != IDENTITY:
            self._blocks[cid.multihash] = data

    put_own = put

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> int:
        """Keep many; returns how many were new."""
        before = len(self._blocks)
        for cid, data in list(blocks):
            self.put(cid, data)
        return len(self._blocks) - before

    def flush(self) -> None:
        """Nothing to do."""

    def cids(self) -> Iterator[CID]:
        """Every block, as a raw version 1 CID."""
        for multihash in list(self._blocks):
            yield CID.decode(b"\x01" + bytes([RAW]) + multihash)

    def pin(self, cid: CID) -> None:
        """Keep a closure."""
        for _ in walk_present(self, [cid]):
            pass
        self._pins[cid] = None

    def unpin(self, cid: CID) -> None:
        """Forget a pin."""
        self._pins.pop(cid, None)

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        yield from list(self._pins)

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
