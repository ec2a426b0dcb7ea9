"""The adapter on two real EVMs: py-evm in this process and anvil as a node of its own; then what only a node can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from coincurve import PrivateKey
from web3 import EthereumTesterProvider, HTTPProvider
from web3.providers import BaseProvider

from registry.core.anchor import Anchor, Anchors
from registry.provenance.chain import Chain
from registry.provenance.ethereum import Web3Node
from registry.provenance.keys import Key
from registry.provenance.outbox import FileOutbox, MemoryOutbox, Outbox
from tests.provenance.anchor_contract import AnchorContract, Reopen
from tests.support import chain

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def key(number: int) -> Key:
    """The same key for the same number, from 1."""
    return Key(PrivateKey(number.to_bytes(32, "big")), Path("none"), created=False)


def adapter(provider: BaseProvider, contract: str | None, number: int, outbox: Outbox | None = None) -> Chain:
    return Chain(Web3Node(provider), contract, lambda: key(number), outbox or MemoryOutbox())


class TestOnEthTester(AnchorContract):
    """py-evm: every transaction is a block, every block is final."""

    @pytest.fixture
    def provider(self) -> BaseProvider:
        return EthereumTesterProvider()

    @pytest.fixture
    def contract(self, provider: BaseProvider) -> str:
        return adapter(provider, None, 1).deploy()

    @pytest.fixture
    def anchors(self, provider: BaseProvider, contract: str, tmp_path: Path) -> Anchors:
        return adapter(provider, contract, 1, FileOutbox(tmp_path / "outbox" / "a.jsonl"))

    @pytest.fixture
    def reopen(self, provider: BaseProvider, contract: str, tmp_path: Path) -> Reopen:
        return lambda: adapter(provider, contract, 1, FileOutbox(tmp_path / "outbox" / "a.jsonl"))

    @pytest.fixture
    def other(self, provider: BaseProvider, contract: str) -> Anchors:
        return adapter(provider, contract, 2)

    @pytest.fixture
    def unreachable(self) -> Anchors:
        return adapter(HTTPProvider(NOWHERE), "0x" + "11" * 20, 1)


@pytest.mark.anvil
class TestOnAnvil(TestOnEthTester):
    """A node of its own: a block a second, final two blocks later."""

    @pytest.fixture
    def provider(self, anvil: str) -> BaseProvider:
        self.url = anvil
        for number in (1, 2):
            chain.fund(anvil, key(number).address)
        return HTTPProvider(anvil)

    def settle(self, anchors: Anchors, value: bytes) -> Anchor:
        """Quicker than the clock: the block that holds it, and two after it."""
        chain.mine(self.url, 3)
        return anchors.wait(value, self.TIMEOUT)
