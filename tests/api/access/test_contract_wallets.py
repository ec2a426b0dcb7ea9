"""Contract wallets sign in where their contract, asked on the one chain, says so (ERC-1271)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from web3 import HTTPProvider, Web3

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog import accounts
from registry.settings import read_settings
from tests.api.access.test_sign_in import HERE, at, enter, terms
from tests.api.conftest import Client, picture, problem, register, send
from tests.support.described import Described
from tests.support.solidity import compiled
from tests.support.wallets import message_of, personal_sign, wallet

OWNER, OTHER = wallet(7), wallet(8)
CHAIN = 31337
MORE = "c0ffee"  # behind the owner's signature: no key gives one of this length

pytestmark = pytest.mark.solc


class Place(NamedTuple):
    """A registry whose node is of the chain that wallets sign in on, and the contracts there, all of them accounts."""

    home: Home
    client: Client
    url: str
    addresses: dict[str, str]

    def signed(self, name: str = "ContractWallet", **changes: Any) -> tuple[str, str]:
        """A message of a contract wallet and the signature that its owner made."""
        message = message_of({**terms(self.client), **changes}, self.addresses[name], at())
        return message, personal_sign(OWNER, message) + MORE


@pytest.fixture
def place(quick_anvil: str, solc: Path, tmp_path: Path) -> Iterator[Place]:
    contracts = compiled(solc, Path(__file__).parent / "ContractWallet.sol")
    web3: Any = Web3(HTTPProvider(quick_anvil))
    addresses = {}
    for name, made in contracts.items():
        factory = web3.eth.contract(abi=made["abi"], bytecode=made["evm"]["bytecode"]["object"])
        owner = [OWNER.address] if name == "ContractWallet" else []
        sent = factory.constructor(*owner).transact({"from": web3.eth.accounts[0]})
        addresses[name] = str(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"])
    addresses["nothing"] = OTHER.address
    given = {"EMOTIONET_CHAIN_RPC": quick_anvil, "EMOTIONET_SIGN_IN_CHAIN": str(CHAIN)}
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home"), **given}))
    with home.catalog.write() as db:
        for address in addresses.values():
            accounts.add(db, address, ["images:write"], home.now())
    with Described(create_app(home), raise_server_exceptions=False) as client:
        yield Place(home, client, quick_anvil, addresses)
    home.close()


def test_a_contract_wallet_signs_in_once_and_its_name_says_its_chain(place: Place) -> None:
    message, signature = place.signed()
    answer = enter(place.client, message, signature)
    assert answer.status_code == 201, answer.text
    did = f"did:pkh:eip155:{CHAIN}:{place.addresses['ContractWallet'].lower()}"
    assert answer.json()["contributor"] == did
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    (cid,) = send(place.client, headers, [picture(0)])
    register(place.client, headers, [{"cid": str(cid), "label": "feliz"}])
    assert [one["contributor"] for one in place.client.get(f"/api/v1/images/{cid}").json()["history"]] == [did]


def test_a_contract_wallets_message_counts_once(place: Place) -> None:
    signed = place.signed()
    assert enter(place.client, *signed).status_code == 201
    problem(enter(place.client, *signed), 401, "bad_nonce")


def test_what_the_contract_does_not_call_its_own_is_refused(place: Place) -> None:
    message, signature = place.signed()
    problem(enter(place.client, message, personal_sign(OTHER, message) + MORE), 401, "bad_signature")
    problem(enter(place.client, message, signature[:100]), 401, "bad_signature")  # the call reverts
    other, _ = place.signed()
    problem(enter(place.client, other, signature), 401, "bad_signature")  # of another nonce
    for name in ("EndlessWallet", "LooseWallet", "nothing"):
        problem(enter(place.client, *place.signed(name)), 401, "bad_signature")
    assert enter(place.client, message, signature).status_code == 201  # the nonce was still good


def test_a_signature_counts_for_no_other_domain_and_on_no_other_chain(place: Place) -> None:
    for changes, code in (
        ({"domain": "elsewhere.example"}, "wrong_domain"),
        ({"uri": "http://elsewhere.example/signin"}, "wrong_uri"),
        ({"chain_id": 1}, "wrong_chain"),
    ):
        problem(enter(place.client, *place.signed(**changes)), 401, code)
    place.home.settings = dataclasses.replace(place.home.settings, sign_in_chain=1)  # the node is of another
    problem(enter(place.client, *place.signed()), 409, "other_chain")


def test_without_a_node_that_answers_nothing_is_believed(place: Place) -> None:
    signed = place.signed()
    place.home.settings = dataclasses.replace(place.home.settings, chain_rpc="http://127.0.0.1:9")
    problem(enter(place.client, *signed), 503, "unavailable")
    place.home.settings = dataclasses.replace(place.home.settings, chain_rpc=None)
    assert "EMOTIONET_CHAIN_RPC" in problem(enter(place.client, *place.signed()), 401, "bad_signature")["detail"]


def test_a_key_signs_in_as_before_where_contracts_are_asked(place: Place) -> None:
    message = message_of(terms(place.client), OTHER.address, at())
    answer = place.client.post(
        "/api/v1/session", json={"message": message, "signature": personal_sign(OTHER, message)}, headers=HERE
    )
    assert answer.json()["contributor"] == f"did:pkh:eip155:1:{OTHER.address.lower()}"
