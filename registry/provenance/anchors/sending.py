"""Sends a key's transactions until they are mined, over crashes, lost connections, rising fees and reorganisations.

Invariants: signed, kept, then sent; what was kept and can still be mined is sent again in the order of nonces before
and after anything new is signed, whichever process signed it; which nonce is next is decided where one process at a
time decides (``Outbox.add``), so none is left out and none given twice; every transaction of a nonce is kept, because
any of them may be the one that is mined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from registry.core.errors import Conflict
from registry.provenance.anchors.outbox import Outbox, Sent
from registry.provenance.anchors.transactions import TransactionKey, bumped, fees_for, most_paid, sign


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

    def __init__(self, node: Node, key: TransactionKey, outbox: Outbox) -> None:
        self._node, self._key, self._outbox = node, key, outbox

    def signed_transactions(self, purpose: str | None = None) -> list[Sent]:
        """This key's transactions on this chain, oldest first; of one purpose if given."""
        return signed_transactions(self._outbox, self._node.chain, self._key.address, purpose)

    def can_be_mined(self, purpose: str) -> bool:
        """Whether a kept transaction of this purpose has a nonce that is not used up, and none before it is free."""
        mined, waiting = self._mined(), self._waiting()
        return any(sent.purpose == purpose for sent in _reachable(self.signed_transactions(), mined, waiting))

    def resend_pending(self) -> None:
        """Send again what a crash or a reorganisation may have dropped; better paid if no block would take it now."""
        mined, base = self._mined(), self._node.base_fee()
        newest = {sent.nonce: sent for sent in _reachable(self.signed_transactions(), mined, self._waiting())}
        for nonce in sorted(newest):
            sent = newest[nonce]
            if most_paid(sent) < base:
                sent = self._paid_better(nonce, base)
            self._node.send(bytes.fromhex(sent.raw[2:]))

    def _paid_better(self, nonce: int, base: int) -> Sent:
        """The newest transaction of a nonce, bumped unless another process did it by now."""
        while most_paid(newest := self._newest(nonce)) < base:
            made = bumped(self._key, newest, fees_for(base))
            self._add(made, partial(_is_newest, newest))
        return newest

    def _newest(self, nonce: int) -> Sent:
        return [row for row in self.signed_transactions() if row.nonce == nonce][-1]

    def _add(self, made: Sent, still: Callable[[Sequence[Sent]], bool]) -> bool:
        """Keep what was signed if it is ``still`` right once all that is kept by now is seen. It was signed before,
        because a signer elsewhere may be slow, and other processes wait for whoever decides."""
        return self._outbox.add(made.chain, made.sender, lambda rows: made if still(rows) else None) is not None

    def send(self, purpose: str, to: str, data: bytes, gas: int, needed: Callable[[], bool], value: int = 0) -> None:
        """Sign, keep and send something new, unless what was kept for this purpose can still be mined, or it is not
        ``needed`` any more. ``Conflict`` (``no_gas``) if it can't be paid for."""
        mined = self._mined()  # asked for first: what is mined by now is either kept for a later nonce, or not needed
        fees, waiting = fees_for(self._node.base_fee()), self._waiting()
        if _next_nonce(self.signed_transactions(), purpose, mined, waiting) is None or not needed():
            return
        self._check_means(gas * fees.most + value)

        chain = self._node.chain
        while (nonce := _next_nonce(self.signed_transactions(), purpose, mined, waiting)) is not None:
            made = sign(self._key, purpose, chain=chain, nonce=nonce, fees=fees, gas=gas, to=to, data=data, value=value)
            if self._add(made, partial(_is_next, nonce, purpose, mined, waiting)):
                break
        self.resend_pending()  # another process may have kept an earlier nonce, and not sent it

    def _check_means(self, most: int) -> None:
        if self._node.balance(self._key.address) < most:
            raise Conflict(
                f"{self._key.address} has too little on {self._node.chain} to pay for this: it needs {most} wei",
                code="no_gas",
                hint=f"send it {_ether(most)} of the chain's currency, then try again: nothing is lost.",
            )

    def _mined(self) -> int:
        return self._node.next_nonce(self._key.address, "latest")

    def _waiting(self) -> int:
        """The first nonce for which the node knows no transaction."""
        return self._node.next_nonce(self._key.address, "pending")


def _reachable(rows: Sequence[Sent], mined: int, waiting: int) -> list[Sent]:
    """Those that a block can take, in the order of nonces: every nonce before theirs has its transaction, here or at
    the node. What lies behind a free one waits for ever: it was signed while a node told of transactions that are no
    more, or of some that never were."""
    after, found = max(mined, waiting), list[Sent]()
    for row in sorted((row for row in rows if row.nonce >= mined), key=lambda row: row.nonce):
        if row.nonce > after:
            break
        found.append(row)
        after = max(after, row.nonce + 1)
    return found


def _next_nonce(rows: Sequence[Sent], purpose: str, mined: int, waiting: int) -> int | None:
    """The first that neither node nor outbox has a use for; None where the purpose has one that can be mined."""
    live = _reachable(rows, mined, waiting)
    if any(row.purpose == purpose for row in live):
        return None
    return max([mined, waiting, *(row.nonce + 1 for row in live)])


def _is_next(nonce: int, purpose: str, mined: int, waiting: int, rows: Sequence[Sent]) -> bool:
    return _next_nonce(rows, purpose, mined, waiting) == nonce


def _is_newest(sent: Sent, rows: Sequence[Sent]) -> bool:
    return [row for row in rows if row.nonce == sent.nonce][-1] == sent


def _ether(wei: int) -> str:
    """18 digits after the point at most, rounded up to the sixth."""
    millionths = -(-wei // 10**12)
    return f"{millionths // 10**6}.{millionths % 10**6:06}"


def signed_transactions(outbox: Outbox, chain: str, sender: str, purpose: str | None = None) -> list[Sent]:
    """A sender's transactions on one chain, oldest first; of one purpose if given."""
    return [sent for sent in outbox.rows(chain, sender) if purpose in {None, sent.purpose}]
