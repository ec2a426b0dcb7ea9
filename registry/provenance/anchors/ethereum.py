"""JSON-RPC client of an EVM node; the only importer of web3.

Invariants: foreign exceptions are translated here, once: what can't be reached, or answers with what can't be
read, is ``Unavailable``; the node's address is in no message, because it may hold an API key.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import BaseProvider
from web3.providers.base import JSONBaseProvider

import contracts_abi
from registry.core.errors import Conflict, EmotionetError, Unavailable
from registry.core.evm_state import slot_of
from registry.provenance.anchors import answers, block_header, json_rpc
from registry.provenance.anchors.answers import hash_in, hexed, number_in
from registry.provenance.anchors.block_header import unhex
from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.outbox import Outbox
from registry.provenance.anchors.sending import Place, Receipt
from registry.provenance.anchors.transactions import TransactionKey
from registry.provenance.asking import host_of
from registry.provenance.evidence.evm import make_proof
from registry.settings import Settings

sys.setrecursionlimit(1000)  # Python's own: py_ecc raises it a hundredfold, and hostile nesting would kill us

TIMEOUT_SECONDS = 20.0
LIMIT = 16 << 20  # bytes of an answer: the events of about 20,000 anchors
ASKED_GAS = 3_000_000  # for what a stranger's contract computes when it is asked
# What nodes say of a transaction that they or the chain have, or have another of its nonce.
POOR = ("insufficient funds", "cannot afford")  # and of one whose sender can't pay for it
KNOWN = ("nonce too low", "already known", "already imported", "underpriced", "invalid transaction nonce")


@contextmanager
def translated() -> Iterator[None]:
    """Foreign exceptions as this project's."""
    try:
        yield
    except EmotionetError:
        raise
    except OSError as error:  # those of requests are
        raise Unavailable(
            "the chain's node can't be reached", hint="check EMOTIONET_CHAIN_RPC, then try again."
        ) from error
    except Web3Exception as error:
        raise Unavailable(f"the chain's node refused: {_said(error)}") from error
    except Exception as error:  # web3, its codecs and its providers raise from several unrelated trees
        raise Unavailable(f"the chain's node gave an answer that can't be read ({type(error).__name__})") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


class BoundedProvider(JSONBaseProvider):  # type: ignore[misc]  # web3 is read without its types
    """A node at an http address, each answer of which is bounded in bytes and in seconds."""

    def __init__(self, url: str, seconds: float, limit: int = LIMIT) -> None:
        super().__init__()
        host_of(url, "EMOTIONET_CHAIN_RPC")
        self._url, self._seconds, self._limit = url, seconds, limit

    def make_request(self, method: Any, params: Any) -> Any:
        """The answer, as it stands."""
        body: bytes = self.encode_rpc_request(method, params)
        name, hint = "the chain's node", "check EMOTIONET_CHAIN_RPC, then try again."
        return json_rpc.call(self._url, body, name=name, limit=self._limit, seconds=self._seconds, hint=hint)


class Web3Node:
    """Implements ``registry.provenance.anchors.chain.Node``."""

    def __init__(self, provider: BaseProvider) -> None:
        self._web3: Any = Web3(provider)
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)

    @cached_property
    def chain(self) -> str:
        """CAIP-2."""
        with translated():
            number = int(self._web3.eth.chain_id)
            if not 0 < number < 10**32:  # CAIP-2 allows 32 characters
                raise ValueError(number)
            return f"eip155:{number}"

    def next_nonce(self, address: str, block: str) -> int:
        """The nonce to use as of ``latest`` or ``pending``."""
        with translated():
            return number_in(self._web3.eth.get_transaction_count(Web3.to_checksum_address(address), block))

    def base_fee(self) -> int:
        """The newest block's; 0 before London."""
        with translated():
            return answers.base_fee_in(self._web3.eth.get_block("latest"))

    def balance(self, address: str) -> int:
        """Wei."""
        with translated():
            return answers.wei_in(self._web3.eth.get_balance(Web3.to_checksum_address(address)))

    def code(self, address: str) -> str:
        """What lies at an address."""
        with translated():
            return hexed(self._web3.eth.get_code(Web3.to_checksum_address(address)))

    def ask(self, address: str, data: bytes) -> bytes | None:
        """What a contract answers to a call that changes nothing, as of the newest block; None where it
        reverts, or burns ``ASKED_GAS``."""
        asked = {"to": Web3.to_checksum_address(address), "data": hexed(data), "gas": ASKED_GAS}
        with translated():
            try:
                return bytes(self._web3.eth.call(asked, "latest"))
            except ContractLogicError:
                return None
            except Web3RPCError as error:
                if "gas" in _said(error).lower():  # all of it was burnt: each node says so in its own words
                    return None
                raise

    def knows(self, transaction: str) -> bool:
        """Whether it is mined or waits to be."""
        with translated():
            try:
                return bool(self._web3.eth.get_transaction(transaction))
            except TransactionNotFound:
                return False

    def receipt(self, transaction: str) -> Receipt | None:
        """None while it is not mined."""
        with translated():
            try:
                answer = self._web3.eth.get_transaction_receipt(transaction)
            except TransactionNotFound:
                return None
            return answers.receipt_in(answer, transaction)

    def block(self, number: int) -> tuple[str, int]:
        """Hash and unix seconds."""
        with translated():
            try:
                answer = self._web3.eth.get_block(number)
            except BlockNotFound as error:
                raise Unavailable("the chain is changing its newest blocks", hint="try again.") from error
            if number_in(answer["number"]) != number:
                raise answers.lie(f"answers with block {answer['number']}, asked for block {number}")
            return hash_in(answer["hash"]), number_in(answer["timestamp"])

    def parent_of(self, number: int) -> str | None:
        """The hash that a block names as the one before it; None while there is no such block."""
        with translated():
            try:
                return hash_in(self._web3.eth.get_block(number)["parentHash"])
            except BlockNotFound:
                return None

    def final_block(self) -> int:
        """The chain's own tag; eth-tester calls every block final."""
        with translated():
            try:
                return number_in(self._web3.eth.get_block("finalized")["number"])
            except BlockNotFound:
                return -1

    def anchored_at(self, contract: str, publisher: str, digest: bytes) -> int:
        """Unix seconds; 0 if never."""
        with translated():
            who = Web3.to_checksum_address(publisher)
            return number_in(self._contract(contract).functions.anchoredAt(who, digest).call())

    def event(self, contract: str, publisher: str, digest: bytes) -> Place | None:
        """From the node's logs, all blocks."""
        with translated():
            found = self._events(contract, publisher, digest=digest)
            if not found:
                return None
            answers.digest_in(found[-1], contract, publisher, digest)
            return answers.place_in(found[-1])

    def digests(self, contract: str, publisher: str) -> list[bytes]:
        """From the node's logs, all blocks."""
        with translated():
            return [answers.digest_in(one, contract, publisher) for one in self._events(contract, publisher)]

    def _events(self, contract: str, publisher: str, **wanted: bytes) -> Any:
        filters = {"publisher": Web3.to_checksum_address(publisher), **wanted}
        return self._contract(contract).events.Anchored().get_logs(from_block=0, argument_filters=filters)

    def _contract(self, address: str) -> Any:
        return self._web3.eth.contract(address=Web3.to_checksum_address(address), abi=contracts_abi.abi())

    def proof(self, contract: str, publisher: str, digest: bytes, number: int) -> bytes:
        """What shows the anchor by the block with this number; as ``evidence.evm`` describes it, not checked."""
        with translated():
            slot = hexed(slot_of(bytes.fromhex(publisher[2:]), digest))
            header = block_header.encoded(self._raw("eth_getBlockByNumber", hex(number), False))
            said = self._raw("eth_getProof", contract, [slot], hex(number))
            account, (storage,) = said["accountProof"], said["storageProof"]
            return make_proof(publisher, header, list(map(unhex, account)), list(map(unhex, storage["proof"])))

    def _raw(self, method: str, *parameters: Any) -> Any:
        """What the node answers, as it stands."""
        answer = self._web3.provider.make_request(method, list(parameters))
        if answer.get("error") or not answer.get("result"):
            raise Unavailable(f"the chain's node does not answer {method}", hint="ask another node.")
        return answer["result"]

    def send(self, raw: bytes) -> None:
        """Hand a transaction over."""
        with translated():
            try:
                self._web3.eth.send_raw_transaction(raw)
            except OSError:
                raise
            except Exception as error:  # as above
                text = _said(error)
                if any(words in text.lower() for words in POOR):
                    raise Conflict(
                        f"the publishing key has too little on {self.chain} to pay for its transactions",
                        code="no_gas",
                        hint="send some to the address that `emotionet keys show` prints.",
                    ) from error
                if not any(word in text.lower() for word in KNOWN):
                    raise Unavailable(f"the chain's node refused the transaction: {text}") from error


def node_of(settings: Settings) -> Web3Node:
    """The node that the settings name."""
    return Web3Node(BoundedProvider(str(settings.chain_rpc), TIMEOUT_SECONDS))


def connect(settings: Settings, key: Callable[[], TransactionKey], outbox: Outbox) -> Chain:
    """The chain that the settings name."""
    return Chain(node_of(settings), settings.chain_contract, key, outbox)
