"""The port to a place that proves when something was said. Passed by ``tests/provenance/anchor_contract.py``.

An anchor covers a log entry and all entries before it. The digest that is anchored is the sha2-256
digest of the entry's CID. An anchor proves time, not truth, and nobody can exclude a second identity.

Invariants: ``submit`` is idempotent for a digest; an ``Anchor`` that says ``finalized`` never goes
back; a place that can't be reached is ``Unavailable``, never ``none``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec

STATUSES = ("none", "journal", "signed", "sent", "included", "finalized")


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a digest's anchor stands. ``block_hash`` and ``transaction`` are 0x-prefixed hex or None."""

    digest: bytes
    status: str  # one of STATUSES
    chain: str  # CAIP-2 such as "eip155:31337", or "journal"
    contract: str | None = None
    publisher: str | None = None  # lower-case 0x address, the issuer's
    transaction: str | None = None
    block_hash: str | None = None
    block_number: int | None = None
    time: str | None = None  # RFC 3339, UTC, seconds


class Anchors(Protocol):
    """A place to anchor digests under one publisher (the key it was made with)."""

    @property
    def chain(self) -> str:
        """CAIP-2 name of the chain, or ``journal``."""
        ...

    @property
    def contract(self) -> str | None:
        """Lower-case 0x address of the contract, None for the journal."""
        ...

    def submit(self, digest: bytes) -> Anchor:
        """Anchor 32 bytes; returns at once with the state reached. Again: the same anchor."""
        ...

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """Where this digest stands; status ``none`` if nobody anchored it as ``publisher``."""
        ...

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """Block until the anchor is as final as this place can make it; ``Unavailable`` after timeout seconds."""
        ...

    def anchored_by(self, publisher: str) -> Collection[bytes]:
        """Digests that this publisher (a 0x address) anchored, at least those that were not submitted through here.

        ``Unavailable`` where that can't be known now.
        """
        ...
