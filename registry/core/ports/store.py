"""The port to a block store. Every adapter passes ``tests/content/stores/store_contract.py``.

Invariants every implementation keeps:

* A block is returned only after it was hashed again and agreed with its CID; a corrupt or empty
  block counts as missing (``Untrusted`` from ``verify``, ``NotFound`` from ``get``), never as data.
* ``put`` of a block that is there is a no-op; bytes that do not hash to the CID are ``Untrusted``.
* What was put is visible to this process at once; after ``flush`` it is visible to every process of the
  same home and survives a crash. A process that dies before leaves nothing that anyone sees.
* ``pin`` commits only when the whole closure (all that links reach) is present and flushed.
* A log's head is a hint that outlives the database: it only goes forward, and is set after its entry was put.
* Identity CIDs are answered from the CID itself and are never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from registry.core.ipld.cid import CID

FLUSH_BYTES = 32 << 20  # that a long transfer puts between two flushes: what is done again after a crash
WITHDRAWN = "withdrawn"  # code of a reader's ``NotFound`` where the source says why it has it no more


class BlockReader(Protocol):
    """The reading half: all that verification needs."""

    def has(self, cid: CID) -> bool:
        """Whether the block is stored; its bytes are verified when it is read."""
        ...

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` if absent or corrupt; ``Unavailable`` if unreadable."""
        ...


@runtime_checkable
class AsksTogether(Protocol):
    """What a store elsewhere has beside ``BlockReader``: one journey for many blocks."""

    def missing(self, cids: Sequence[CID]) -> list[CID]:
        """Those that it does not hold, in their order."""
        ...

    def prefetch(self, cids: Sequence[CID]) -> None:
        """Fetch blocks that are about to be read, as many of them as is sensible; what fails is found when they are."""
        ...


def read_ahead(store: BlockReader, cids: Sequence[CID]) -> None:
    """Tell a store which blocks are about to be read, where that helps it."""
    if len(cids) > 1 and isinstance(store, AsksTogether):
        store.prefetch(cids)


def missing_from(store: BlockReader, cids: Sequence[CID]) -> list[CID]:
    """Those that a store does not hold, in their order; asked for together where it can be."""
    return store.missing(cids) if isinstance(store, AsksTogether) else [cid for cid in cids if not store.has(cid)]


@dataclass(frozen=True)
class Problem:
    """A block that does not verify."""

    cid: CID
    reason: str

    def __str__(self) -> str:
        return f"{self.cid}: {self.reason}"


class BlockStore(BlockReader, Protocol):
    """A place that keeps blocks and pins."""

    def put(self, cid: CID, data: bytes) -> None:
        """Keep one block (at most 2 MiB). Wrong bytes: ``Untrusted``. Again: no-op."""
        ...

    def put_own(self, cid: CID, data: bytes) -> None:
        """The same for a block whose CID this process has just made from these very bytes: not hashed again."""
        ...

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> int:
        """Keep many blocks and flush once; returns how many were new."""
        ...

    def flush(self) -> None:
        """What was put before this call survives a crash after it."""
        ...

    def cids(self) -> Iterator[CID]:
        """Every block's CID (raw-codec CIDv1 where the store keeps multihashes only), in no order."""
        ...

    def pin(self, cid: CID) -> None:
        """Keep the closure of ``cid`` from garbage collection. ``NotFound`` names a missing block."""
        ...

    def unpin(self, cid: CID) -> None:
        """Forget a pin; no-op if there is none."""
        ...

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        ...

    def remove(self, denied: Sequence[CID], listed: Callable[[], Iterable[CID]]) -> int:
        """Delete these blocks at once, whatever pins reach them, and those below them to which nothing else leads: no
        pin, and none of ``listed`` (asked for only where it matters). Their bytes are gone from the disk then. Pins
        stay, without them. Again: no-op, which finishes what was cut off. Returns how many blocks went."""
        ...

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The place and the CID of the newest entry that ``set_log_head`` was told of for this issuer; None where
        nothing that can be read was kept."""
        ...

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember the newest entry of an issuer's log. No-op where a later place, or this one, is known already."""
        ...


@runtime_checkable
class UpkeptStore(BlockStore, Protocol):
    """A store whose upkeep is ours; a Kubo node has its own."""

    def verify(self) -> Iterator[Problem]:
        """Read every block; yields those that do not hash to their names."""
        ...

    def stat(self) -> dict[str, int]:
        """Counts of ``blocks``, ``bytes``, ``pins`` and ``packs``, and the bytes that the packs take (``disk``)."""
        ...

    def gc(self, listed: Iterable[CID], denied: Collection[bytes] = ()) -> dict[str, int]:
        """Delete every block that neither a pin nor ``listed`` reaches, and those that only ``denied`` (multihashes)
        reach: as ``registry.content.stores.embedded.EmbeddedStore.gc``."""
        ...
