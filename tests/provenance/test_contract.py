"""The committed contract: compiled again it is the same byte for byte, and on an EVM it does what it says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_tester.exceptions import TransactionFailed
from web3 import EthereumTesterProvider, Web3

import contracts_abi
from tests.conftest import ROOT

FOLDER = ROOT / "contracts_abi"
A, B = b"\x01" * 32, b"\x02" * 32


@pytest.mark.solc
def test_compiling_again_gives_the_committed_bytes(solc: Path) -> None:
    done = subprocess.run(
        ["node", str(FOLDER / "compile.mjs"), str(solc)], capture_output=True, check=True, timeout=120
    )
    assert done.stdout == (FOLDER / "Anchor.json").read_bytes()


@pytest.mark.solc
def test_another_setting_gives_other_bytes(solc: Path, tmp_path: Path) -> None:
    for name in ("compile.mjs", "Anchor.sol", "settings.json"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    settings = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    settings["evmVersion"] = "paris"
    (tmp_path / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    command = ["node", str(tmp_path / "compile.mjs"), str(solc)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert json.loads(done.stdout)["deployedBytecode"] != contracts_abi.deployed_bytecode()


def test_the_versions_named_are_one() -> None:
    parts = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
    compiler = json.loads((FOLDER / "Anchor.json").read_text(encoding="utf-8"))["compiler"]
    assert parts["solc"] == compiler
    assert f"pragma solidity {compiler};" in (FOLDER / "Anchor.sol").read_text(encoding="utf-8")
    assert all(version[0].isdigit() for version in parts.values()), "exact versions only"


def test_there_is_nothing_but_anchoring() -> None:
    named = {(part["type"], part["name"]) for part in contracts_abi.abi()}
    assert named == {
        ("function", "anchor"),
        ("function", "anchoredAt"),
        ("event", "Anchored"),
        ("error", "AlreadyAnchored"),
    }
    code = bytes.fromhex(contracts_abi.deployed_bytecode()[2:])
    assert contracts_abi.deployed_bytecode()[2:] in contracts_abi.bytecode()
    assert {0xF4, 0xFF, 0xF2, 0xF1, 0xF0, 0xF5}.isdisjoint(opcodes(code)), "no calls, no creation, no self-destruction"


def opcodes(code: bytes) -> set[int]:
    """The operations of EVM code, the data that PUSH brings left out, up to the metadata that ends the code."""
    found, at = set(), 0
    end = len(code) - 2 - int.from_bytes(code[-2:], "big")
    while at < end:
        found.add(code[at])
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
    return found


class Chain:
    """The contract on py-evm, and what its calls cost."""

    def __init__(self) -> None:
        self.web3 = Web3(EthereumTesterProvider())
        factory = self.web3.eth.contract(abi=contracts_abi.abi(), bytecode=contracts_abi.bytecode())
        self.receipt = self.web3.eth.wait_for_transaction_receipt(factory.constructor().transact())
        self.me, self.you = self.web3.eth.accounts[:2]
        self.contract = self.web3.eth.contract(address=self.receipt["contractAddress"], abi=contracts_abi.abi())

    def anchor(self, digest: bytes, sender: str) -> Any:
        sent = self.contract.functions.anchor(digest).transact({"from": sender})
        return self.web3.eth.wait_for_transaction_receipt(sent)

    def time(self, publisher: str, digest: bytes) -> int:
        return int(self.contract.functions.anchoredAt(publisher, digest).call())


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_the_deployed_code_is_the_committed_one(chain: Chain) -> None:
    assert Web3.to_hex(chain.web3.eth.get_code(chain.contract.address)) == contracts_abi.deployed_bytecode()


def test_it_keeps_the_block_time_under_sender_and_digest(chain: Chain) -> None:
    receipt = chain.anchor(A, chain.me)
    stamp = chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
    assert chain.time(chain.me, A) == stamp > 0
    assert (chain.time(chain.me, B), chain.time(chain.you, A)) == (0, 0)
    (event,) = chain.contract.events.Anchored().process_receipt(receipt)
    assert dict(event["args"]) == {"publisher": chain.me, "digest": A, "time": stamp}


def test_a_duplicate_reverts_and_changes_nothing(chain: Chain) -> None:
    chain.anchor(A, chain.me)
    first = chain.time(chain.me, A)
    chain.web3.provider.ethereum_tester.mine_blocks(3)
    with pytest.raises(TransactionFailed) as caught:
        chain.anchor(A, chain.me)
    selector = Web3.keccak(text="AlreadyAnchored(uint256)")[:4]
    assert str(bytes(selector + first.to_bytes(32, "big"))) in str(caught.value)
    assert chain.time(chain.me, A) == first


def test_nobody_squats_on_anothers_digest(chain: Chain) -> None:
    chain.anchor(A, chain.you)
    chain.web3.provider.ethereum_tester.mine_blocks(3)
    chain.anchor(A, chain.me)
    assert chain.time(chain.me, A) > chain.time(chain.you, A)


def test_an_anchor_costs_what_the_documents_say(chain: Chain) -> None:
    costs = {int(chain.anchor(bytes([number]) * 32, chain.me)["gasUsed"]) for number in range(1, 20)}
    assert max(costs) <= 47_000, costs
    assert max(costs) - min(costs) < 400  # only the digest's zero bytes differ
    assert int(chain.receipt["gasUsed"]) < 200_000


def test_money_sent_along_is_refused(chain: Chain) -> None:
    with pytest.raises(TransactionFailed):
        chain.web3.eth.send_transaction(
            {"from": chain.me, "to": chain.contract.address, "value": Web3.to_wei(1, "wei")}
        )
