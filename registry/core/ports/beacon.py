"""The port to a beacon: values that nobody knows before their time, numbered by rounds, one after the other.

Every adapter passes ``tests/provenance/beacon_contract.py``.

Invariants: a round has one value for ever; ``fetch`` returns only what verified by the key that the program or whoever
runs it knows, never by one that came with the answer; ``round_after`` and ``time_of`` follow from the clock of the
network alone and ask nobody. A source that is silent, slow or does not know the round yet is ``Unavailable``; one that
lied is skipped and told by its name, and where nothing but lies came it is ``Untrusted``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from registry.core.records import DrandRound, Note


def tell_nobody(problem: Note) -> None:
    """Nobody listens."""


class Beacons(Protocol):
    """A network of rounds. Of a ``DrandRound``, ``value`` is its 32 bytes."""

    @property
    def name(self) -> str:
        """As a plan names it in ``beacons``: drand:<hash of the network's chain>."""
        ...

    def round_after(self, time: str) -> int:
        """The number of the first round later than this time (RFC 3339, UTC, seconds)."""
        ...

    def time_of(self, number: int) -> str:
        """When a round is published. ``InvalidInput`` for one that no calendar reaches."""
        ...

    def fetch(self, number: int, tell: Callable[[Note], None] = tell_nobody) -> DrandRound:
        """A round. ``Unavailable`` where it is not out yet or nobody answers; ``Untrusted`` where only lies came.

        ``tell`` gets a note on each source that lied.
        """
        ...
