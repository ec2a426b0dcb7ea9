"""An issuer's log as a tree, in memory, served as tiles by an issuer who may lie in every way."""

from __future__ import annotations

from collections.abc import Sequence

from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.tlog import issuer_log, merkle, tiles
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.proof import Proof
from tests.support.anchors.signer import MemorySigner


def entries(count: int, story: str = "") -> list[CID]:
    """CIDs of entries; another ``story`` gives others."""
    return [cid_of(f"{story}{at}".encode(), DAG_CBOR) for at in range(count)]


class TreeLog:
    """What one issuer signs and serves. ``cids`` is what it says that its log is, and may be replaced by a lie."""

    def __init__(self, count: int, number: int = 7) -> None:
        self.signer, self.cids = MemorySigner(number), entries(count)
        self.seed = number.to_bytes(32, "big")
        self.shown: Signed | None = None  # an older checkpoint that is served in place of the newest
        self.tiles_of: Sequence[CID] | None = None  # what tiles are made of, where they are of another tree
        self.cut = 0  # bytes that are missing at the end of tiles
        self.silent = False

    @property
    def leaves(self) -> list[bytes]:
        return issuer_log.leaves(self.cids)

    def signed(self) -> Signed:
        """The checkpoint of what the log is now said to be."""
        leaves = self.leaves
        return issuer_log.sign(self.signer, self.seed, self.signer.did, len(leaves), merkle.root(leaves))

    def proof(self, at: int) -> Proof:
        return Proof(at, tuple(merkle.inclusion(self.leaves, at)), self.signed().note)

    def get(self, url: str) -> bytes:
        """What this log answers, for ``services.read_log``."""
        if self.silent:
            raise Unavailable(f"{url} can't be reached")
        if url.endswith("/checkpoint"):
            return str((self.shown or self.signed()).note).encode()
        tile = tiles.read_tile(url.partition("/tile/")[2])
        leaves = issuer_log.leaves(self.tiles_of or self.cids)
        data = tiles.tile_bytes(tile, leaves[tile.start : tile.end])
        return data[: len(data) - self.cut]
