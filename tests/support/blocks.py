"""What a disk does to a block of the embedded store, behind the store's back."""

from __future__ import annotations

from registry.content.stores.embedded import EmbeddedStore
from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockStore


def overwrite(store: BlockStore, cid: CID, data: bytes) -> bytes:
    """Put other bytes where a block lies, as many as fit there, zeros if they are fewer; what lay there before."""
    assert isinstance(store, EmbeddedStore)
    store.flush()
    place = store.place(cid)
    assert place is not None
    path, offset, length = place
    with path.open("r+b") as handle:
        handle.seek(offset)
        before = handle.read(length)
        handle.seek(offset)
        handle.write(data[:length].ljust(length, b"\0"))
    return before


def lose(store: BlockStore, cid: CID) -> None:
    """Forget a block, whatever speaks of it."""
    assert isinstance(store, EmbeddedStore)
    store.flush()
    store._index.remove([cid.multihash], 1 << 60)
