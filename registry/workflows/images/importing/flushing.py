"""A store to which many blocks are given, and which is told to flush them now and then."""

from __future__ import annotations

from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockStore

BLOCKS = 10_000  # between two flushes: of each that was not flushed a store holds something in memory


class Flushing:
    """A sink. What it was given last still has to be flushed."""

    def __init__(self, store: BlockStore) -> None:
        self._store, self._waiting = store, 0

    def put_own(self, cid: CID, data: bytes) -> None:
        """Into the store."""
        self._store.put_own(cid, data)
        self._waiting += 1
        if self._waiting == BLOCKS:
            self._store.flush()
            self._waiting = 0
