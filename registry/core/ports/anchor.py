"""The port to an anchor: a place that proves when a log entry existed.

Every adapter passes ``tests/provenance/anchor_contract.py``.

An anchor covers a log entry and all entries before it. The digest that is anchored is the sha2-256
digest of the entry's CID. An anchor proves time, not truth, and nobody can exclude a second identity.

Invariants: ``submit`` is idempotent for a digest; an ``Anchor`` that says one of ``FINAL`` never goes
back (``attested`` may become ``finalized``); a place that can't be reached is ``Unavailable``, never ``none``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import msgspec

from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID
from registry.core.records import Evidence

# Of a chain: signed, sent, included, finalized. Of an authority: pending, stamped (it signed the time). Of Bitcoin by
# OpenTimestamps: pending, attested (a calendar names the block, whose header nobody here has), finalized.
STATUSES = ("none", "journal", "pending", "signed", "sent", "included", "attested", "stamped", "finalized")
PROVEN = frozenset({"attested", "stamped", "finalized"})  # there is evidence that others can check
FINAL = PROVEN | {"journal"}  # as final as the place can make it with what this machine knows


class AnchorProof(msgspec.Struct, frozen=True, kw_only=True):
    """What shows that a digest is anchored, whatever the place: what ``registry.core.records.Evidence`` remembers."""

    kind: str  # evm, journal, rfc3161, opentimestamps, witness
    statement: Mapping[str, Any]  # what it claims, by kind, as a record holds it; of kind evm a ``Block``
    proof: bytes | None = None  # what checks without asking the place again


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a digest's anchor stands. ``proof`` is None until there is something to show."""

    digest: bytes
    status: str  # one of STATUSES
    chain: str  # CAIP-2 such as "eip155:31337"; "journal"; of what stamps its kind and host, "rfc3161:tsa.example/tsr"
    contract: str | None = None
    publisher: str | None = None  # lower-case 0x address, the issuer's
    transaction: str | None = None  # 0x-prefixed hex, from when it was signed
    time: str | None = None  # RFC 3339, UTC, seconds
    proof: AnchorProof | None = None


def evidence_of(entry: CID, anchor: Anchor) -> Evidence:
    """What the anchor of an entry is remembered as. ``Unavailable`` where there is nothing to show yet."""
    if anchor.proof is None:
        raise Unavailable("nothing shows where the anchor lies", hint="try again.")
    proof = anchor.proof
    return Evidence(entry=bytes(entry), kind=proof.kind, statement=dict(proof.statement), proof=proof.proof)


class Anchors(Protocol):
    """A place to anchor digests under one publisher (the key it was made with)."""

    @property
    def chain(self) -> str:
        """CAIP-2 name of the chain, ``journal``, or the kind and host of a service that stamps."""
        ...

    @property
    def contract(self) -> str | None:
        """Lower-case 0x address of the contract, None of anything else."""
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
