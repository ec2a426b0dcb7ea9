"""The port to where stamps are kept: what was asked for, and the proofs that came.

Invariants: what is asked for is kept before anybody is asked, so that a crash or a silent authority loses nothing;
what is final stays as it is. No key is in it: proofs are public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

PENDING = "pending"


@dataclass(frozen=True)
class Stamp:
    """Where a digest's stamp stands at one place."""

    place: str  # as ``Anchors.chain`` names it
    publisher: str  # lower-case 0x address
    digest: bytes
    status: str = PENDING  # a word of ``registry.core.ports.anchor.STATUSES``
    statement: Mapping[str, Any] = field(default_factory=dict)  # as evidence states it; empty while there is no proof
    proof: bytes | None = None


class KeptStamps(Protocol):
    """Where stamps are kept."""

    def get(self, place: str, publisher: str, digest: bytes) -> Stamp | None:
        """What is kept of one; None where it was never asked for."""
        ...

    def keep(self, stamp: Stamp) -> Stamp:
        """Keep it, committed when this returns, unless what is kept is final; returns what is kept now."""
        ...

    def of(self, place: str, publisher: str) -> list[Stamp]:
        """All of one publisher at one place, oldest first."""
        ...
