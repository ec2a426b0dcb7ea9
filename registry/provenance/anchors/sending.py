"""Getting a key's transactions mined, over crashes, lost connections, rising fees and reorganisations.

Invariants: signed, kept, then sent; one submitter at a time (the caller holds the outbox's lock); what was kept
and can still be mined is sent again in the order of nonces before anything new is signed; no nonce is left out;
every row of a nonce is kept, because any of them may be the one that is mined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from registry.core.errors import Conflict
from registry.provenance.anchors.outbox import Outbox, Sent
from registry.provenance.anchors.transactions import PrivateKey, bumped, fees_for, most_paid, sign


@dataclass(frozen=True)
class Place:
    """Where a transaction was mined."""

    transaction: str
    block_number: int
    block_hash: str


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction."""

    place: Place
    done: bool  # not reverted
    sender: str
    contract: str | None  # the one that it made


class Node(Protocol):
    """What sending asks of a chain's node. All hex is 0x-prefixed and lower-case; errors are this project's."""

    @property
    def chain(self) -> str:
        """CAIP-2."""
        ...

    def next_nonce(self, address: str, block: str) -> int:
        """The nonce to use as of ``latest`` or ``pending``: those before it are used up."""
        ...

    def base_fee(self) -> int:
        """The newest block's, wei a unit of gas."""
        ...

    def balance(self, address: str) -> int:
        """Wei."""
        ...

    def receipt(self, transaction: str) -> Receipt | None:
        """None while it is not mined."""
        ...

    def send(self, raw: bytes) -> None:
        """Hand a transaction over; no error if the node or the chain has it, or another of its nonce, already."""
        ...


class Sending:
    """A key's transactions on one chain."""

    def __init__(self, node: Node, key: PrivateKey, outbox: Outbox) -> None:
        self._node, self._key, self._outbox = node, key, outbox

    def kept(self, purpose: str | None = None) -> list[Sent]:
        """This chain's rows, oldest first; of one purpose if given."""
        return kept(self._outbox, self._node.chain, purpose)

    def can_be_mined(self, purpose: str) -> bool:
        """Whether a kept transaction of this purpose has a nonce that is not used up."""
        mined = self._mined()
        return any(sent.nonce >= mined for sent in self.kept(purpose))

    def send_kept(self) -> None:
        """Send again what a crash or a reorganisation may have dropped; better paid if no block would take it now."""
        mined, base = self._mined(), self._node.base_fee()
        newest = {sent.nonce: sent for sent in self.kept() if sent.nonce >= mined}
        for nonce in sorted(newest):
            sent = newest[nonce]
            if most_paid(sent) < base:
                sent = bumped(self._key, sent, fees_for(base))
                self._outbox.add(sent)
            self._node.send(bytes.fromhex(sent.raw[2:]))

    def send(self, purpose: str, to: str | None, data: bytes, gas: int) -> None:
        """Sign, keep and send something new. ``Conflict`` (``no_gas``) if it can't be paid for."""
        fees = fees_for(self._node.base_fee())
        if self._node.balance(self._key.address) < gas * fees.most:
            raise Conflict(
                f"{self._key.address} has too little on {self._node.chain} to pay for this",
                code="no_gas",
                hint="send it some.",
            )
        sent = sign(
            self._key, purpose, chain=self._node.chain, nonce=self._free(), fees=fees, gas=gas, to=to, data=data
        )
        self._outbox.add(sent)
        self._node.send(bytes.fromhex(sent.raw[2:]))

    def _mined(self) -> int:
        return self._node.next_nonce(self._key.address, "latest")

    def _free(self) -> int:
        """A nonce that neither the node nor the outbox has a use for."""
        mined = self._mined()
        kept = [sent.nonce + 1 for sent in self.kept() if sent.nonce >= mined]
        return max([self._node.next_nonce(self._key.address, "pending"), *kept])


def kept(outbox: Outbox, chain: str, purpose: str | None = None) -> list[Sent]:
    """A chain's rows of an outbox, oldest first; of one purpose if given."""
    return [sent for sent in outbox.rows() if sent.chain == chain and purpose in {None, sent.purpose}]
