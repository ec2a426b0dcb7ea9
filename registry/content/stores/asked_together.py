"""A store that answers one block a request: asked for several at a time, and for none twice in a row.

Invariant: no more than ``AT_ONCE`` requests are under way for one call, whatever it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

from registry.content.stores.read_ahead import ReadAhead
from registry.content.stores.verified import VerifiedStore, check_block
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID, IDENTITY
from registry.core.ipld.dag import TOGETHER

AT_ONCE = 8


class AskedTogether(VerifiedStore):
    """``find`` of a store that builds on this looks into ``_ahead`` first, and keeps there what it fetched."""

    def __init__(self) -> None:
        self._ahead = ReadAhead()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="blocks")
        self._damaged: set[bytes] = set()  # multihashes of blocks that were found damaged, and must be put again

    def close(self) -> None:
        """Let go of the connections for many requests."""
        self._pool.shutdown(cancel_futures=True)

    def missing(self, cids: Sequence[CID]) -> list[CID]:
        """Those that are not held, in their order."""
        return [cid for cid, held in zip(cids, self._pool.map(self.has, cids), strict=True) if not held]

    def prefetch(self, cids: Sequence[CID]) -> None:
        """Fetch blocks that are about to be read."""
        list(self._pool.map(self._prefetch, cids))

    def _prefetch(self, cid: CID) -> None:
        with suppress(NotFound, Unavailable):  # whoever reads the block is told
            if cid.hash_code != IDENTITY:
                self.find(cid)

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> int:
        """Keep many blocks and flush; returns how many were not held, of which each is asked for."""
        new, coming = 0, iter(blocks)
        while some := list(islice(coming, TOGETHER)):
            missing = {cid.multihash for cid in self.missing([cid for cid, _ in some])}
            new += len(missing)
            for cid, data in some:
                if cid.multihash in missing or cid.multihash in self._damaged:
                    self.put(cid, data)
                else:
                    check_block(cid, data)
        self.flush()
        return new
