"""A chain's node that lies or stalls: each way ends in a sentence, nothing is anchored twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from web3 import HTTPProvider

from registry.core.errors import EmotionetError, Unavailable, Untrusted, UsageError
from registry.core.ports.anchor import Anchor
from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.ethereum import BoundedProvider, Web3Node
from tests.conftest import development_chain
from tests.provenance.anchor_contract import digest
from tests.provenance.test_ethereum import adapter, key
from tests.support.anchors import chain
from tests.support.anchors.lying_node import FAULTS, LIES, LyingNode, lying
from tests.support.anchors.outbox import MemoryOutbox

SAID_OF_FAULTS = {
    "a_web_page": "web page",
    "text": "no JSON-RPC",
    "a_list": "no JSON-RPC",
    "nested": "no JSON-RPC",
    "busy": "status 503",
    "gone": "status 404",
    "moved": "status 302",
    "huge": "more than",
    "a_byte_at_a_time": "too slow",
    "silent": "can't be reached",
}
STALLS = ("a_byte_at_a_time", "silent")
SAID_OF_AN_ANCHOR = {  # lies that are found out while an anchor is looked at
    "one_false_hash_everywhere": "another hash than the block after it",
    "another_block_than_asked": "answers with block 0",
    "receipts_of_other_transactions": "answers with the receipt of",
    "another_hash_of_a_block": "changing its newest blocks",
    "a_time_that_none_is": "changing its newest blocks",
    "a_hash_of_one_byte": "can't be read",
}


class Place(NamedTuple):
    """A development chain, a node in front of it that may lie, and the contract."""

    node: LyingNode
    upstream: str
    contract: str

    def through(self, outbox: MemoryOutbox, *, how: str = "honest", reads_only: bool = False) -> Chain:
        node = Web3Node(BoundedProvider(self.node.url, 0.4 if how in STALLS else 10.0))
        return Chain(node, self.contract, lambda: key(1), MemoryOutbox() if reads_only else outbox)

    def truth(self, name: str) -> Anchor:
        """As a stranger finds it who asks the honest node."""
        return adapter(HTTPProvider(self.upstream), self.contract, 1).status(digest(name))

    def events(self, name: str) -> int:
        found = Web3Node(HTTPProvider(self.upstream)).digests(self.contract, key(1).address)
        return found.count(digest(name))

    def settle(self) -> None:
        chain.mine(self.upstream, 4)


@pytest.fixture(scope="module")
def shared(anvil_program: str) -> Iterator[Place]:
    with development_chain(anvil_program) as upstream, lying(upstream) as node:
        for number in (1, 2):
            chain.fund(upstream, key(number).address)
        contract = adapter(HTTPProvider(upstream), None, 1).deploy()
        yield Place(node, upstream, contract)


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    shared.node.how = "honest"
    shared.node.asked.clear()
    yield shared
    shared.node.how = "honest"


def tried(node: LyingNode, how: str, work: Chain, value: bytes) -> EmotionetError | Anchor:
    """What submitting came to while the node misbehaves."""
    node.how, found = how, None
    try:
        return work.submit(value)
    except EmotionetError as error:
        found = error
    finally:
        node.how = "honest"
    told = f"{found} {found.hint}"
    assert not any(secret in told for secret in ("hush", "/key"))
    return found


@pytest.mark.anvil
@pytest.mark.parametrize("how", [*LIES, *FAULTS])
def test_an_anchor_that_a_node_lied_about_is_made_once_when_it_tells_the_truth(place: Place, how: str) -> None:
    outbox, name = MemoryOutbox(), f"sent {how}"
    place.through(outbox).submit(digest("before"))
    for _ in range(2):
        found = tried(place.node, how, place.through(outbox, how=how), digest(name))
        assert isinstance(found, Anchor | Unavailable | Untrusted), found
        place.settle()
    if how in SAID_OF_FAULTS:
        assert isinstance(found, Unavailable)
        assert SAID_OF_FAULTS[how] in str(found)
    again = place.through(outbox)
    again.submit(digest(name))
    place.settle()
    final = again.wait(digest(name), 5)
    assert final == place.truth(name)
    assert final.status == "finalized"
    assert place.events(name) == 1
    assert again.submit(digest(f"after {how}")).status in {"included", "finalized"}, "no nonce was left out"


def told_of(anchor: Anchor) -> dict[str, object]:
    """Without what shows it, which a node may keep back."""
    return {"status": anchor.status, **(anchor.proof.statement if anchor.proof else {})}


@pytest.mark.anvil
@pytest.mark.parametrize("how", [*LIES, *FAULTS])
def test_what_a_lying_node_says_of_a_final_anchor_is_an_error_or_the_truth(place: Place, how: str) -> None:
    outbox, name = MemoryOutbox(), f"looked at {how}"
    place.through(outbox).submit(digest(name))
    place.settle()
    truth = place.truth(name)
    for reads_only in (False, True):
        work = place.through(outbox, how=how, reads_only=reads_only)
        place.node.how = how
        for _ in range(2):  # answers may change
            try:
                found = work.status(digest(name), key(1).address)
            except (Unavailable, Untrusted) as error:
                said = str(error)
            else:
                said = ""
                now_and_then = how in {"an_anchor_now_and_then", "a_final_block_now_and_then"}
                assert told_of(found) == told_of(truth) or now_and_then or how == "another_chain"
            if how in SAID_OF_AN_ANCHOR and not (reads_only and how == "receipts_of_other_transactions"):
                assert SAID_OF_AN_ANCHOR[how] in said
        place.node.how = "honest"
        assert place.through(outbox).status(digest(name), key(1).address).status == "finalized"


@pytest.mark.anvil
def test_an_anchor_that_never_was_is_denied_by_the_state_of_its_block(place: Place) -> None:
    place.through(MemoryOutbox()).submit(digest("some"))
    place.settle()
    place.node.how = "an_anchor_that_never_was"
    with pytest.raises(Untrusted, match="the state of its block 1 denies") as caught:
        place.through(MemoryOutbox()).status(digest("never"), key(1).address)
    assert caught.value.code == "node_lies"
    assert "EMOTIONET_CHAIN_RPC" in str(caught.value.hint)


@pytest.mark.anvil
def test_events_of_others_are_refused(place: Place) -> None:
    place.through(MemoryOutbox()).submit(digest("some"))
    place.node.how = "an_event_of_another"
    with pytest.raises(Untrusted, match="another anchor than it was asked for") as caught:
        place.through(MemoryOutbox()).anchored_by(key(1).address)
    assert caught.value.code == "node_lies"


@pytest.mark.anvil
def test_no_fee_is_offered_that_no_anchor_is_worth(place: Place) -> None:
    outbox = MemoryOutbox()
    found = tried(place.node, "a_base_fee_beyond_all_means", place.through(outbox), digest("dear"))
    assert isinstance(found, Unavailable)
    assert found.code == "base_fee"
    assert outbox.rows("eip155:31337", key(1).address) == []


@pytest.mark.anvil
def test_a_nonce_that_a_node_invents_does_not_stop_the_key(place: Place) -> None:
    """The transaction behind the gap stays kept, and the anchor is signed again with the nonce that is free."""
    outbox, who = MemoryOutbox(), key(1).address
    start = int(chain.rpc(place.upstream, "eth_getTransactionCount", who, "latest"), 16)
    tried(place.node, "nonces_that_were_never_used", place.through(outbox), digest("a gap"))
    assert [row.nonce - start for row in outbox.rows("eip155:31337", who)] == [7]
    place.through(outbox).submit(digest("a gap"))
    assert [row.nonce - start for row in outbox.rows("eip155:31337", who)] == [7, 0]
    for number in range(6):
        place.through(outbox).submit(digest(f"one of six {number}"))
    place.settle()
    nonces = [row.nonce - start for row in outbox.rows("eip155:31337", who)]
    assert nonces == [7, *range(7)]
    assert place.events("a gap") == 1


def test_a_node_without_an_http_address_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="EMOTIONET_CHAIN_RPC"):
        BoundedProvider("ipc:/tmp/geth", 1)
