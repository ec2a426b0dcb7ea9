"""The contract lies at one address on every chain, is deployed once, and whoever can't pay is told so."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account
from web3 import EthereumTesterProvider, HTTPProvider

import contracts_abi
from registry.core.errors import Conflict
from registry.core.evm_state import keccak
from registry.provenance.anchors.deploying import (
    PROXY,
    PROXY_CODE,
    PROXY_DEPLOYER,
    PROXY_TRANSACTION,
    contract_address,
)
from registry.provenance.anchors.ethereum import Web3Node
from tests.provenance.test_ethereum import adapter, key
from tests.support.anchors import chain
from tests.support.anchors.outbox import Kept, MemoryOutbox


def test_the_keyless_transaction_is_the_proxys() -> None:
    assert Account.recover_transaction(PROXY_TRANSACTION).lower() == PROXY_DEPLOYER
    made = keccak(b"\xd6\x94" + bytes.fromhex(PROXY_DEPLOYER[2:]) + b"\x80")[12:]  # CREATE by the nonce 0
    assert "0x" + made.hex() == PROXY


def test_two_keys_on_two_chains_deploy_to_one_address() -> None:
    first, second = EthereumTesterProvider(), EthereumTesterProvider()
    outbox = MemoryOutbox()
    assert adapter(first, None, 1, outbox).deploy() == contract_address()
    assert adapter(second, None, 2).deploy() == contract_address()
    node = Web3Node(first)
    assert (node.code(PROXY), node.code(contract_address())) == (PROXY_CODE, contracts_abi.deployed_bytecode())
    sent = len(outbox.rows(node.chain, key(1).address))
    assert adapter(first, None, 1, outbox).deploy() == contract_address()
    assert len(outbox.rows(node.chain, key(1).address)) == sent


def test_an_empty_account_is_named_with_what_it_needs_and_goes_on_once_it_has_it(
    quick_anvil: str, tmp_path: Path
) -> None:
    outbox = Kept(tmp_path / "outbox" / "a.sqlite")
    poor = adapter(HTTPProvider(quick_anvil), None, 77, outbox)
    with pytest.raises(
        Conflict, match=r"0x[0-9a-f]{40} has too little on eip155:31337 .* it needs [0-9]+ wei"
    ) as caught:
        poor.deploy()
    assert caught.value.code == "no_gas"
    assert key(77).address in str(caught.value)
    assert outbox.all_rows() == []
    chain.fund(quick_anvil, key(77).address)
    assert poor.deploy() == contract_address()


@pytest.mark.parametrize("depth", [1, 2, 5, 12, 20])
def test_a_reorganisation_of_any_depth_moves_an_anchor_and_loses_none(
    quick_anvil: str, tmp_path: Path, depth: int
) -> None:
    chain.fund(quick_anvil, key(1).address)
    contract = adapter(HTTPProvider(quick_anvil), None, 1).deploy()
    anchors = adapter(HTTPProvider(quick_anvil), contract, 1, Kept(tmp_path / "outbox" / "a.sqlite"))
    fork = chain.rpc(quick_anvil, "evm_snapshot")
    before = anchors.submit(b"\1" * 32)
    chain.mine(quick_anvil, depth - 1)
    chain.rpc(quick_anvil, "evm_revert", fork)
    chain.rpc(quick_anvil, "anvil_dropAllTransactions")
    chain.mine(quick_anvil, depth)
    assert anchors.status(b"\1" * 32).status == "signed"
    anchors.submit(b"\1" * 32)
    chain.mine(quick_anvil, 3)
    after = anchors.wait(b"\1" * 32, 20)
    assert (after.status, after.transaction) == ("finalized", before.transaction)
    assert after.proof is not None
    assert before.proof is not None
    assert after.proof.statement["blockHash"] != before.proof.statement["blockHash"]
    assert after.proof.proof
