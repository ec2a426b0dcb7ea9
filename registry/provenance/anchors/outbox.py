"""The port to the outbox: transactions are kept before they are sent, so that a crash neither loses nor doubles one.

Invariants: a transaction is committed to it before it leaves; none is ever removed; every hash that a nonce was sent
under is kept (a fee bump is another transaction of the same nonce). What ``add`` decides is decided by one process at a
time among all that send as this sender, on whatever machine. No key is in it: raw transactions are public.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sent:
    """One signed transaction. All hex is 0x-prefixed and lower-case."""

    chain: str  # CAIP-2: transactions of other chains are never sent to this one
    sender: str  # the address that signed it
    purpose: str  # the digest that it anchors, after the contract's address and a colon; or "deploy:" and where
    nonce: int
    transaction: str
    raw: str


Decide = Callable[[Sequence[Sent]], Sent | None]


class Outbox(Protocol):
    """Where signed transactions are kept."""

    def rows(self, chain: str, sender: str) -> list[Sent]:
        """All that were kept for one sender on one chain, oldest first."""
        ...

    def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
        """Keep what ``decide`` signs once it has seen all that is kept; it survives a crash after this call.

        ``decide`` must not take long: other processes wait for it.
        """
        ...
