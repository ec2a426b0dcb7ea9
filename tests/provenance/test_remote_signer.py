"""A key that lies elsewhere signs transactions: an honest signer, and each way in which one can misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3 import EthereumTesterProvider

from registry.core.errors import Conflict, EmotionetError, Unavailable, Untrusted, UsageError
from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.ethereum import Web3Node
from registry.provenance.anchors.remote_signer import RemoteKey
from tests.provenance.anchor_contract import digest
from tests.provenance.test_ethereum import adapter, key
from tests.support.anchors.outbox import MemoryOutbox
from tests.support.anchors.remote_signer import Signer, signing

LIES = {
    "signs more value": "another transaction",
    "signs another nonce": "another transaction",
    "signs for another chain": "another transaction",
    "signs an access list": "another transaction",
    "signs with another account": "signed as 0x",
    "answers nothing": "no transaction",
    "answers junk": "no transaction",
}
FAULTS = {
    "answers a web page": "web page",
    "answers text": "no JSON-RPC",
    "answers without end": "more than",
    "is busy": "status 503",
    "is elsewhere": "status 404",
    "stalls": "can't be reached",
}


@pytest.fixture
def signer() -> Iterator[Signer]:
    with signing(1) as made:
        yield made


@pytest.fixture(scope="module")
def chain() -> tuple[EthereumTesterProvider, str]:
    provider = EthereumTesterProvider()
    return provider, adapter(provider, None, 1).deploy()


def through(signer: Signer, chain: tuple[EthereumTesterProvider, str], outbox: MemoryOutbox) -> Chain:
    provider, contract = chain
    return Chain(Web3Node(provider), contract, lambda: RemoteKey(signer.url, key(1).address, 0.3), outbox)


@pytest.mark.parametrize("how", ["honest", "like geth"])
def test_a_transaction_that_is_signed_elsewhere_is_the_one_that_is_signed_here(
    signer: Signer, chain: tuple[EthereumTesterProvider, str], how: str
) -> None:
    signer.how = how
    outbox = MemoryOutbox()
    anchor = through(signer, chain, outbox).submit(digest(how))
    assert (anchor.status, anchor.publisher) == ("finalized", key(1).address)
    assert len(signer.asked) == 1
    (sent,) = outbox.rows(anchor.chain, key(1).address)
    assert sent.transaction == anchor.transaction


@pytest.mark.parametrize(("how", "said"), [*LIES.items(), *FAULTS.items(), ("refuses", "refuses: denied")])
def test_a_signer_that_misbehaves_is_named_and_nothing_of_it_is_kept(
    signer: Signer, chain: tuple[EthereumTesterProvider, str], how: str, said: str
) -> None:
    signer.how, outbox = how, MemoryOutbox()
    anchors = through(signer, chain, outbox)
    with pytest.raises(EmotionetError, match=said) as caught:
        anchors.submit(digest(how))
    assert isinstance(caught.value, Untrusted if how in LIES else Conflict if how == "refuses" else Unavailable)
    assert "127.0.0.1" in str(caught.value)
    assert "hush" not in f"{caught.value} {caught.value.hint}"
    assert outbox.rows(anchors.chain, key(1).address) == []
    assert anchors.status(digest(how)).status == "none"
    signer.how = "honest"
    assert anchors.submit(digest(how)).status == "finalized"


def test_doctor_is_told_whether_the_signer_holds_the_key(signer: Signer) -> None:
    assert RemoteKey(signer.url, key(1).address).check().startswith("the signer 127.0.0.1")
    with pytest.raises(Conflict, match="does not hold the key") as caught:
        RemoteKey(signer.url, key(2).address).check()
    assert caught.value.code == "signer_lacks_key"


def test_an_address_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="EMOTIONET_SIGNER"):
        RemoteKey("signer.example:9000", key(1).address)
