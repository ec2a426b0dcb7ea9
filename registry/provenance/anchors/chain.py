"""Anchors in the contract of contracts_abi, on the chain of the configured node.

Invariants: the contract's own state decides what is anchored, not a node's answer about a transaction; "finalized"
is the chain's own tag; the code at the contract's address must be the committed one. What can't be reached or
read is ``Unavailable``, never ``none``. A node that lies consistently can't be found out by asking it alone.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import contracts_abi
from registry.core.errors import InvalidInput, Unavailable, Untrusted, UsageError
from registry.core.evm_state import OTHER_STATE
from registry.core.ports.anchor import Anchor, AnchorProof
from registry.core.records import EVM, Block, to_value
from registry.provenance.anchors import deploying, sending
from registry.provenance.anchors.answers import lie, time_in
from registry.provenance.anchors.outbox import Outbox
from registry.provenance.anchors.sending import Place, Sending
from registry.provenance.anchors.transactions import ANCHOR, TransactionKey, fees_for
from registry.provenance.evidence.evm import check_proof

_log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
GAS = 100_000  # an anchor takes 46,890


class Node(sending.Node, Protocol):
    """What anchoring asks of a chain's node beyond sending."""

    def code(self, address: str) -> str:
        """What lies at an address; 0x where nothing does."""
        ...

    def anchored_at(self, contract: str, publisher: str, digest: bytes) -> int:
        """Unix seconds; 0 if never."""
        ...

    def event(self, contract: str, publisher: str, digest: bytes) -> Place | None:
        """Where the contract said that it anchored a digest."""
        ...

    def digests(self, contract: str, publisher: str) -> list[bytes]:
        """All that the contract said that this publisher anchored."""
        ...

    def block(self, number: int) -> tuple[str, int]:
        """The hash and the unix seconds of the block that has this number now."""
        ...

    def parent_of(self, number: int) -> str | None:
        """The hash that a block names as the one before it; None while there is no such block."""
        ...

    def final_block(self) -> int:
        """The newest block that the chain calls finalized; -1 before there is one."""
        ...

    def proof(self, contract: str, publisher: str, digest: bytes, number: int) -> bytes:
        """Bytes that show an anchor by the state after a block; see ``registry.provenance.evidence.evm``."""
        ...

    def knows(self, transaction: str) -> bool:
        """Whether it is mined or waits to be."""
        ...


class Chain:
    """Implements ``registry.core.ports.anchor.Anchors``. ``key`` is asked for only where something is published."""

    def __init__(self, node: Node, contract: str | None, key: Callable[[], TransactionKey], outbox: Outbox) -> None:
        self._node, self._address, self._key, self._outbox = node, contract, key, outbox

    @property
    def chain(self) -> str:
        """CAIP-2 name of the chain."""
        return self._node.chain

    @property
    def contract(self) -> str:
        """Lower-case address of the contract."""
        if self._address is None:
            raise UsageError(
                "no contract is set up", hint="run `emotionet anchor deploy`, then set EMOTIONET_CHAIN_CONTRACT."
            )
        return self._address.lower()

    @cached_property
    def _checked(self) -> str:
        """The contract's address, once the code there was compared with the committed one."""
        if not re.fullmatch("0x[0-9a-f]{40}", self.contract):
            raise UsageError(f"{self.contract!r} is no contract's address", hint="check EMOTIONET_CHAIN_CONTRACT.")
        if self._node.code(self.contract) != contracts_abi.deployed_bytecode():
            raise Untrusted(f"the code at {self.contract} is not the anchor contract's", code="contract_code")
        return self.contract

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """Where a digest stands, as the contract says."""
        _check(digest)
        who = (publisher or self._key().address).lower()
        final = self._node.final_block()  # asked for first: what is final then stays so
        stamp = self._node.anchored_at(self._checked, who, digest)
        if not stamp:
            return self._unanchored(digest, who)
        place = self._place(digest, who)
        if self._node.block(place.block_number) != (place.block_hash, stamp):
            raise Unavailable("the chain is changing its newest blocks", hint="try again.")
        block = Block(
            chain=self.chain,
            contract=self.contract,
            transaction=place.transaction,
            block_number=place.block_number,
            block_hash=place.block_hash,
            time=time_in(stamp),
        )
        is_final = place.block_number <= final
        if is_final and self._node.parent_of(place.block_number + 1) not in (None, place.block_hash):
            raise lie(f"gives block {place.block_number}, which is final, another hash than the block after it")
        proof = self._proof(block, digest, who) if is_final else None
        return Anchor(
            digest=digest,
            status="finalized" if is_final else "included",
            chain=self.chain,
            contract=self.contract,
            publisher=who,
            transaction=block.transaction,
            time=block.time,
            proof=AnchorProof(kind=EVM, statement=to_value(block), proof=proof),
        )

    def _proof(self, block: Block, digest: bytes, who: str) -> bytes | None:
        """What shows the anchor to those who trust its block; None where the node has no such proof, or gives one that
        does not verify: it forgets the state of old blocks, and some chains make headers in another way.
        ``Untrusted`` (``node_lies``) where the block's state verifies and holds no such anchor."""
        try:
            proof = self._node.proof(block.contract, who, digest, block.block_number)
            check_proof(proof, block, digest, who)
        except (Unavailable, Untrusted) as error:
            if error.code == OTHER_STATE:
                raise lie(f"tells of an anchor that the state of its block {block.block_number} denies") from error
            _log.info("no proof of an anchor in block %d of %s: %s", block.block_number, block.chain, error)
            return None
        return proof

    def _unanchored(self, digest: bytes, who: str) -> Anchor:
        mine = sending.signed_transactions(self._outbox, self.chain, who, self._purpose(digest))
        state, transaction = "none", None
        if mine:
            transaction = next((sent.transaction for sent in mine if self._node.knows(sent.transaction)), None)
            state, transaction = ("sent", transaction) if transaction else ("signed", mine[-1].transaction)
        return Anchor(
            digest=digest,
            status=state,
            chain=self.chain,
            contract=self.contract,
            publisher=who,
            transaction=transaction,
        )

    def _place(self, digest: bytes, who: str) -> Place:
        """From the receipt if it was sent from here, else from the contract's event."""
        for sent in sending.signed_transactions(self._outbox, self.chain, who, self._purpose(digest)):
            receipt = self._node.receipt(sent.transaction)
            if receipt and receipt.done and receipt.sender == who:
                return receipt.place
        place = self._node.event(self._checked, who, digest)
        if place is None:
            raise Unavailable(
                "the chain's node knows the anchor but not its block", hint="ask a node that keeps its logs."
            )
        return place

    def anchored_by(self, publisher: str) -> list[bytes]:
        """From the contract's events; nothing is asked where every transaction of this publisher is in the outbox."""
        who = publisher.lower()
        sent = [one.nonce for one in self._outbox.rows(self.chain, who)]
        if self._node.next_nonce(who, "latest") <= max(sent, default=-1) + 1:
            return []
        return self._node.digests(self._checked, who)

    def _purpose(self, digest: bytes) -> str:
        return f"{self.contract}:0x{digest.hex()}"

    def submit(self, digest: bytes) -> Anchor:
        """Sign, keep, send; what was kept already is sent again in the order of nonces."""
        _check(digest)
        known = self.status(digest)
        if known.status in {"included", "finalized"}:
            return known
        contract, who = self._checked, self._key().address
        sender = Sending(self._node, self._key(), self._outbox)
        sender.resend_pending()
        sender.send(
            self._purpose(digest),
            contract,
            ANCHOR + digest,
            GAS,
            needed=lambda: not self._node.anchored_at(contract, who, digest),
        )
        return self.status(digest)

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """Until finalized, over outages, and sending again what was dropped.

        ``Unavailable`` after ``timeout`` seconds, or where nobody submitted it.
        """
        _check(digest)
        until = time.monotonic() + timeout
        while True:
            try:
                anchor = self.status(digest)
                if anchor.status == "signed":
                    anchor = self.submit(digest)
                if anchor.status == "finalized":
                    return anchor
                problem = Unavailable(f"the anchor is {anchor.status} after {timeout:g} s", hint="try again later.")
            except Unavailable as error:
                problem = error
            if time.monotonic() + POLL_SECONDS > until:
                raise problem
            time.sleep(POLL_SECONDS)

    def payable(self, who: str) -> int:
        """How many anchors an address can pay for at the present fee, once the contract's code was compared."""
        self._checked  # noqa: B018 - it raises
        return self._node.balance(who) // (GAS * fees_for(self._node.base_fee()).most)

    def deploy(self) -> str:
        """The contract's lower-case address, the same on every chain, once it lies there; see ``deploying``."""
        self._address = deploying.deploy(self._node, Sending(self._node, self._key(), self._outbox))
        return self._address


def _check(digest: bytes) -> None:
    if len(digest) != 32:
        raise InvalidInput(f"a digest to anchor has 32 bytes, not {len(digest)}", code="bad_digest")
