"""What a Kubo node finds among its peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.content.stores.verified import VerifiedSource, verified_block
from registry.core.ipld.cid import CID

if TYPE_CHECKING:
    from registry.content.stores.kubo import KuboStore


class KuboNetwork(VerifiedSource):
    """Implements ``registry.core.ports.store.BlockReader``: what the node finds among its peers, verified.

    A block that nobody has is a wait of ``SECONDS``, then ``Unavailable``.
    """

    def __init__(self, store: KuboStore) -> None:
        self._store = store

    def fetch_block(self, cid: CID) -> bytes:
        """What the node finds."""
        return verified_block(
            cid, self._store.fetch_block(cid, offline=False), "the IPFS node", "fetch it from elsewhere."
        )
