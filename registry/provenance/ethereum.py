"""Anchors on an EVM chain through the contract in contracts_abi; the only importer of web3.

Invariants: a transaction is signed and kept before it is sent; whatever the node answers, the contract's own
state decides what is anchored; "finalized" is the chain's own tag; the code at the contract's address must be
the committed one. Foreign exceptions are translated here, once: what can't be reached is ``Unavailable``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

import requests
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import BaseProvider

import contracts_abi
from registry.core.anchor import Anchor
from registry.core.errors import Conflict, EmotionetError, InvalidInput, Unavailable, Untrusted, UsageError
from registry.provenance.outbox import FileOutbox, Outbox, Sent
from registry.settings import Settings

POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 20.0
GAS = 100_000  # an anchor took 46,890


class PrivateKey(Protocol):
    """What signs transactions."""

    @property
    def address(self) -> str: ...
    def private_bytes(self) -> bytes: ...


@contextmanager
def translated() -> Iterator[None]:
    """Foreign exceptions as this project's."""
    try:
        yield
    except EmotionetError:
        raise
    except (requests.RequestException, ConnectionError, TimeoutError) as error:
        raise Unavailable("the chain's node can't be reached: check EMOTIONET_CHAIN_RPC, then try again") from error
    except Web3Exception as error:
        raise Unavailable(f"the chain's node refused: {_said(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"the chain's node gave an answer that can't be read ({type(error).__name__})") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def check_digest(digest: bytes) -> None:
    """``InvalidInput`` unless there are 32 bytes."""
    if len(digest) != 32:
        raise InvalidInput(f"a digest to anchor has 32 bytes, not {len(digest)}", code="bad_digest")


class Ethereum:
    """Implements ``registry.core.anchor.Anchors``. ``key`` is asked for only where something is published."""

    def __init__(
        self, provider: BaseProvider, contract: str | None, key: Callable[[], PrivateKey], outbox: Outbox
    ) -> None:
        self._web3 = Web3(provider)
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        self._address, self._key, self._outbox = contract, key, outbox

    @cached_property
    def chain(self) -> str:
        """CAIP-2 name of the chain."""
        with translated():
            return f"eip155:{self._web3.eth.chain_id}"

    @property
    def contract(self) -> str:
        """Lower-case address of the contract."""
        if self._address is None:
            raise UsageError("no contract is set up: run `emotionet anchor deploy`, then set EMOTIONET_CHAIN_CONTRACT")
        return self._address.lower()

    @cached_property
    def _contract(self) -> Any:
        """The contract, its code compared with the committed one."""
        with translated():
            try:
                address = Web3.to_checksum_address(self.contract)
            except ValueError as error:
                raise UsageError(
                    f"{self.contract!r} is no contract's address: check EMOTIONET_CHAIN_CONTRACT"
                ) from error
            code = Web3.to_hex(self._web3.eth.get_code(address))
            if code != contracts_abi.deployed_bytecode():
                raise Untrusted(f"the code at {self.contract} is not the anchor contract's", code="contract_code")
            return self._web3.eth.contract(address=address, abi=contracts_abi.abi())

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """Where a digest stands, as the contract says."""
        check_digest(digest)
        who = (publisher or self._key().address).lower()
        with translated():
            stamp = self._contract.functions.anchoredAt(Web3.to_checksum_address(who), digest).call()
            if not stamp:
                return self._unanchored(digest, who)
            transaction, block = self._where(digest, who)
            final = block["number"] <= self._final_block()
        return Anchor(
            digest=digest,
            status="finalized" if final else "included",
            chain=self.chain,
            contract=self.contract,
            publisher=who,
            transaction=transaction,
            block_hash=Web3.to_hex(block["hash"]).lower(),
            block_number=int(block["number"]),
            time=datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _unanchored(self, digest: bytes, who: str) -> Anchor:
        mine = [sent for sent in self._outbox.rows() if sent.digest == "0x" + digest.hex()]
        state, transaction = "none", None
        if mine and who == self._key().address:
            state, transaction = "signed", mine[-1].transaction
            for sent in mine:
                with suppress(TransactionNotFound):
                    self._web3.eth.get_transaction(sent.transaction)
                    state, transaction = "sent", sent.transaction
        return Anchor(
            digest=digest,
            status=state,
            chain=self.chain,
            contract=self.contract,
            publisher=who,
            transaction=transaction,
        )

    def _where(self, digest: bytes, who: str) -> tuple[str, Any]:
        """The transaction and the block of an anchor, from the contract's event."""
        found = self._contract.events.Anchored().get_logs(
            from_block=0, argument_filters={"publisher": Web3.to_checksum_address(who), "digest": digest}
        )
        if not found:
            raise Unavailable("the chain's node knows the anchor but not its block: ask a node that keeps its logs")
        return Web3.to_hex(found[-1]["transactionHash"]).lower(), self._web3.eth.get_block(found[-1]["blockNumber"])

    def _final_block(self) -> int:
        try:
            return int(self._web3.eth.get_block("finalized")["number"])
        except BlockNotFound:
            return -1

    def submit(self, digest: bytes) -> Anchor:
        """Sign, keep, send; what was kept already is sent again in the order of nonces."""
        check_digest(digest)
        with self._outbox.lock():
            known = self.status(digest)
            if known.status in {"included", "finalized"}:
                return known
            with translated():
                self._send_again()
                if not self._waits(digest):
                    self._send_new(digest)
        return self.status(digest)

    def _mined(self) -> int:
        return int(self._web3.eth.get_transaction_count(Web3.to_checksum_address(self._key().address), "latest"))

    def _waits(self, digest: bytes) -> bool:
        """Whether a transaction of this digest can still be mined."""
        mined = self._mined()
        return any(sent.digest == "0x" + digest.hex() and sent.nonce >= mined for sent in self._outbox.rows())

    def _send_again(self) -> None:
        """Every kept transaction whose nonce is not used up; a reorganisation or a crash may have dropped it."""
        mined = self._mined()
        for sent in sorted(self._outbox.rows(), key=lambda one: one.nonce):
            if sent.nonce >= mined:
                self._send(sent)

    def _send(self, sent: Sent) -> None:
        try:
            self._web3.eth.send_raw_transaction(bytes.fromhex(sent.raw[2:]))
        except (Web3Exception, ValueError) as error:
            text = _said(error).lower()
            if not any(word in text for word in ("nonce too low", "already known", "already imported", "underpriced")):
                raise Unavailable(f"the chain's node refused the transaction: {_said(error)}") from error

    def _send_new(self, digest: bytes) -> None:
        key = self._key()
        sender = Web3.to_checksum_address(key.address)
        kept = [sent.nonce + 1 for sent in self._outbox.rows() if sent.nonce >= self._mined()]
        nonce = max([int(self._web3.eth.get_transaction_count(sender, "pending")), *kept])
        base = int(self._web3.eth.get_block("latest").get("baseFeePerGas", 0))
        tip = 1_000_000_000
        transaction = self._contract.functions.anchor(digest).build_transaction(
            {
                "from": sender,
                "nonce": nonce,
                "gas": GAS,
                "maxFeePerGas": 2 * base + tip,
                "maxPriorityFeePerGas": tip,
                "chainId": int(self.chain.split(":")[1]),
            }
        )
        if self._web3.eth.get_balance(sender) < GAS * (2 * base + tip):
            raise Conflict(
                f"{key.address} has too little on {self.chain} to pay for an anchor: send it some", code="no_gas"
            )
        signed = Account.sign_transaction(transaction, key.private_bytes())
        sent = Sent(
            "0x" + digest.hex(), nonce, Web3.to_hex(signed.hash).lower(), Web3.to_hex(signed.raw_transaction).lower()
        )
        self._outbox.add(sent)
        self._send(sent)

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """Until finalized. ``Unavailable`` after ``timeout`` seconds, or where nobody submitted it."""
        check_digest(digest)
        until = time.monotonic() + timeout
        while True:
            anchor = self.status(digest)
            if anchor.status == "finalized":
                return anchor
            if time.monotonic() > until:
                raise Unavailable(f"the anchor is {anchor.status} after {timeout:g} s: try again later")
            time.sleep(POLL_SECONDS)

    def deploy(self) -> str:
        """Deploy the contract with the key; returns its lower-case address."""
        key = self._key()
        with translated():
            sender = Web3.to_checksum_address(key.address)
            factory = self._web3.eth.contract(abi=contracts_abi.abi(), bytecode=contracts_abi.bytecode())
            nonce = self._web3.eth.get_transaction_count(sender, "pending")
            transaction = factory.constructor().build_transaction({"from": sender, "nonce": nonce})
            signed = Account.sign_transaction(transaction, key.private_bytes())
            sent = self._web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = self._web3.eth.wait_for_transaction_receipt(sent, timeout=120, poll_latency=POLL_SECONDS)
            if not receipt["status"]:
                raise Conflict(
                    "the chain refused the contract's code: is its EVM older than Cancun?", code="deploy_failed"
                )
            self._address = str(receipt["contractAddress"]).lower()
        return self._address


def connect(settings: Settings, key: Callable[[], PrivateKey]) -> Ethereum:
    """The chain that the settings name."""
    provider = HTTPProvider(settings.chain_rpc, request_kwargs={"timeout": TIMEOUT_SECONDS})
    outbox = FileOutbox(settings.home / "outbox" / "transactions.jsonl")
    return Ethereum(provider, settings.chain_contract, key, outbox)


def deploy_contract(settings: Settings, key: PrivateKey) -> str:
    """Deploy to the chain that the settings name; returns the contract's address."""
    return connect(settings, lambda: key).deploy()
