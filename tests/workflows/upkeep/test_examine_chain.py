"""What `emotionet doctor` says of a chain: no node, no key, no means, other code, a signer that lacks the key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from web3 import HTTPProvider

from registry.assembly import Home, open_home
from registry.settings import read_settings
from registry.workflows.upkeep.examine_home import examine
from tests.provenance.test_ethereum import adapter, key
from tests.support.anchors.chain import fund
from tests.support.anchors.remote_signer import signing


@contextmanager
def home(folder: Path, **settings: str) -> Iterator[Home]:
    names = {f"EMOTIONET_{name}": value for name, value in settings.items()}
    opened = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home"), **names}))
    yield opened
    opened.close()


def told(opened: Home) -> tuple[bool, str]:
    [found] = [one for one in examine(opened) if one["name"] == "chain"]
    return found["ok"], found["detail"]


def test_a_home_without_a_chain_says_what_is_not_set(tmp_path: Path) -> None:
    with home(tmp_path) as one:
        assert told(one) == (True, "none: EMOTIONET_CHAIN_RPC names no node")
    with home(tmp_path, CHAIN_RPC="http://127.0.0.1:9") as one:
        assert told(one) == (True, "without EMOTIONET_CHAIN_CONTRACT nothing is anchored there")
    with home(tmp_path, CHAIN_RPC="http://me:hush@127.0.0.1:9", CHAIN_CONTRACT="0x" + "11" * 20) as one:
        _ = one.key
        fine, said = told(one)
        assert (fine, "can't be reached" in said, "hush" in said) == (False, True, False)


@pytest.mark.anvil
def test_doctor_says_what_the_key_and_its_signer_can_do_on_the_chain(quick_anvil: str, tmp_path: Path) -> None:
    fund(quick_anvil, key(1).address)
    contract = adapter(HTTPProvider(quick_anvil), None, 1).deploy()
    with home(tmp_path, CHAIN_RPC=quick_anvil, CHAIN_CONTRACT=contract) as one:
        assert told(one) == (True, "eip155:31337; there is no key yet that could pay for an anchor")
        assert not one.settings.home.exists(), "an examination makes nothing"
        address, secret = one.key.address, one.key.private_bytes()
        fine, said = told(one)
        assert (fine, said.startswith(f"{address} has too little on eip155:31337")) == (False, True)
        fund(quick_anvil, address)
        assert told(one) == (
            True,
            f"eip155:31337, contract {contract}; {address} can pay for 1,000 or more anchors",
        )
    with signing(1) as signer, home(tmp_path, CHAIN_RPC=quick_anvil, CHAIN_CONTRACT=contract, SIGNER=signer.url) as one:
        fine, said = told(one)
        assert (fine, f"does not hold the key of {address}" in said, "hush" in said) == (False, True, False)
        signer.secret = secret
        fine, said = told(one)
        assert (fine, said.endswith(f"the signer {signer.url.partition('@')[2].rstrip('/')} signs")) == (True, True)
    with home(tmp_path, CHAIN_RPC=quick_anvil, CHAIN_CONTRACT=address) as one:
        assert told(one) == (False, f"the code at {address} is not the anchor contract's")
