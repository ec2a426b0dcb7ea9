"""The outbox: what is kept survives, and one process decides at a time; fees of transactions, and sending them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from Crypto.Hash import keccak
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

import contracts_abi
from registry.catalog.database.database import Catalog
from registry.catalog.transactions import CatalogOutbox
from registry.core.errors import Conflict
from registry.provenance.anchors.outbox import Decide, Outbox, Sent
from registry.provenance.anchors.sending import Receipt, Sending
from registry.provenance.anchors.transactions import ANCHOR, TIP, Fees, bumped, fees_for, most_paid, sign
from tests.catalog.databases import KINDS, migrated
from tests.support.anchors.outbox import Kept, MemoryOutbox

CHAIN = "eip155:31337"
TO = "0x" + "11" * 20


class FixedKey:
    """A key for tests."""

    def __init__(self, number: int = 7**91) -> None:
        self._secret = number.to_bytes(32, "big")
        self.address = Account.from_key(self._secret).address.lower()

    def private_bytes(self) -> bytes:
        return self._secret


def sent(nonce: int = 0, *, purpose: str = "a", chain: str = CHAIN, base: int = 10) -> Sent:
    return sign(FixedKey(), purpose, chain=chain, nonce=nonce, fees=fees_for(base), gas=21_000, to=TO, data=b"\x01")


WHO = FixedKey().address


@pytest.fixture(params=[*KINDS, "memory"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outbox]:
    """Each outbox that there is: in both databases, and the one of these tests."""
    if request.param == "memory":
        yield MemoryOutbox()
        return
    with migrated(request.param, tmp_path, request) as url, closing(Catalog(url)) as catalog:
        yield CatalogOutbox(lambda: catalog)


def keep(outbox: Outbox, one: Sent) -> None:
    outbox.add(one.chain, one.sender, lambda rows: one)


def test_rows_are_kept_in_order(outbox: Outbox) -> None:
    assert outbox.rows(CHAIN, WHO) == []
    kept = [sent(nonce) for nonce in (2, 0, 1)]
    for one in kept:
        keep(outbox, one)
    assert outbox.rows(CHAIN, WHO) == kept


def test_rows_of_another_chain_or_sender_are_not_among_them(outbox: Outbox) -> None:
    other = sign(FixedKey(7), "a", chain=CHAIN, nonce=0, fees=fees_for(10), gas=21_000, to=TO, data=b"\x01")
    for one in (sent(), sent(chain="eip155:1"), other):
        keep(outbox, one)
    assert outbox.rows(CHAIN, WHO) == [sent()]
    assert outbox.rows("eip155:1", WHO) == [sent(chain="eip155:1")]
    assert outbox.rows(CHAIN, other.sender) == [other]


def test_who_decides_sees_what_is_kept_and_may_keep_nothing(outbox: Outbox) -> None:
    keep(outbox, sent(0))
    seen: list[Sequence[Sent]] = []

    def decide(rows: Sequence[Sent]) -> Sent | None:
        seen.append(rows)
        return None

    assert outbox.add(CHAIN, WHO, decide) is None
    assert seen == [[sent(0)]]
    assert outbox.rows(CHAIN, WHO) == [sent(0)]


def test_what_fails_while_it_is_decided_keeps_nothing(outbox: Outbox) -> None:
    def decide(rows: Sequence[Sent]) -> Sent | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outbox.add(CHAIN, WHO, decide)
    assert outbox.rows(CHAIN, WHO) == []
    keep(outbox, sent())
    assert outbox.rows(CHAIN, WHO) == [sent()]


def test_one_decides_at_a_time(outbox: Outbox) -> None:
    """Each takes the nonce after those that it sees; none is taken twice, none is left out."""

    def work() -> None:
        outbox.add(CHAIN, WHO, lambda rows: sent(len(rows)))

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(work) for _ in range(24)]:
            one.result()
    assert [one.nonce for one in outbox.rows(CHAIN, WHO)] == list(range(24))


def test_looking_makes_no_database(tmp_path: Path) -> None:
    def none() -> Catalog:
        raise AssertionError("nothing is opened")

    assert CatalogOutbox(none, lambda: False).rows(CHAIN, WHO) == []


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    outbox = Kept(tmp_path / "a.sqlite")
    keep(outbox, sent())
    outbox.catalog.close()
    secret = FixedKey().private_bytes()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret not in data
    assert secret.hex().encode() not in data


def selector(signature: str) -> bytes:
    return keccak.new(digest_bits=256, data=signature.encode()).digest()[:4]


def test_the_call_is_the_contracts() -> None:
    assert selector("anchor(bytes32)") == ANCHOR
    assert ANCHOR.hex() in contracts_abi.deployed_bytecode()


@settings(max_examples=50, deadline=None)
@given(
    base=st.integers(0, 10**13), now=st.integers(0, 10**13), value=st.integers(0, 10**20), data=st.binary(max_size=90)
)
def test_a_bump_says_the_same_for_enough_more(base: int, now: int, value: int, data: bytes) -> None:
    first = sign(FixedKey(), "p", chain=CHAIN, nonce=3, fees=fees_for(base), gas=90_000, to=TO, data=data, value=value)
    again = bumped(FixedKey(), first, fees_for(now))
    assert (again.nonce, again.purpose, again.chain) == (3, "p", CHAIN)
    assert again.transaction != first.transaction
    assert most_paid(again) >= max(most_paid(first) * 1.1, fees_for(now).most)
    assert Account.recover_transaction(again.raw).lower() == FixedKey().address
    assert Account.recover_transaction(first.raw).lower() == FixedKey().address


def test_signing_again_gives_the_same_transaction() -> None:
    assert sent() == sent()
    assert fees_for(100) == Fees(200 + TIP, TIP)


class Simulated:
    """A node that takes what it is told, mines when told, drops when told."""

    chain = CHAIN

    def __init__(self) -> None:
        self.base, self.rich, self.mined = 10, 10**18, 0
        self.pool: list[bytes] = []
        self.received: list[bytes] = []

    def next_nonce(self, address: str, block: str) -> int:
        return self.mined + (len(self.pool) if block == "pending" else 0)

    def base_fee(self) -> int:
        return self.base

    def balance(self, address: str) -> int:
        return self.rich

    def receipt(self, transaction: str) -> Receipt | None:
        return None

    def send(self, raw: bytes) -> None:
        self.received.append(raw)
        if raw not in self.pool:
            self.pool.append(raw)


def needed() -> bool:
    return True


@pytest.fixture
def node() -> Simulated:
    return Simulated()


@pytest.fixture
def kept() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def sending(node: Simulated, kept: MemoryOutbox) -> Sending:
    return Sending(node, FixedKey(), kept)


def test_nonces_count_up_over_what_is_kept(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    for name in "abc":
        sending.send(name, TO, b"", 50_000, needed)
    node.pool.clear()  # the node forgot everything; the outbox did not
    sending.send("d", TO, b"", 50_000, needed)
    assert [row.nonce for row in kept.rows(CHAIN, WHO)] == [0, 1, 2, 3]


def test_what_was_dropped_is_sent_again_in_the_order_of_nonces(
    node: Simulated, kept: MemoryOutbox, sending: Sending
) -> None:
    for name in "abc":
        sending.send(name, TO, b"", 50_000, needed)
    rows = kept.rows(CHAIN, WHO)
    node.pool.clear()
    node.received.clear()
    node.mined = 1
    sending.resend_pending()
    assert node.received == [bytes.fromhex(row.raw[2:]) for row in rows[1:]]
    assert kept.rows(CHAIN, WHO) == rows
    assert [sending.can_be_mined(name) for name in "abc"] == [False, True, True]


def test_what_no_block_would_take_is_paid_better_and_every_hash_is_kept(
    node: Simulated, kept: MemoryOutbox, sending: Sending
) -> None:
    sending.send("a", TO, b"", 50_000, needed)
    node.base = most_paid(kept.rows(CHAIN, WHO)[0]) + 1
    sending.resend_pending()
    first, second = kept.rows(CHAIN, WHO)
    assert (first.nonce, first.purpose) == (second.nonce, second.purpose)
    assert most_paid(second) > node.base
    assert node.received[-1].hex() == second.raw[2:]
    sending.resend_pending()
    assert len(kept.rows(CHAIN, WHO)) == 2, "it pays enough: no third"


def test_rows_of_another_chain_are_left_alone(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    keep(kept, sent(5, chain="eip155:1"))
    sending.resend_pending()
    sending.send("a", TO, b"", 50_000, needed)
    assert [row.nonce for row in sending.signed_transactions()] == [0]
    assert len(node.received) == 1


def test_a_key_that_can_not_pay_signs_nothing(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    node.rich = 50_000 * fees_for(node.base).most - 1
    with pytest.raises(Conflict) as caught:
        sending.send("a", TO, b"", 50_000, needed)
    assert caught.value.code == "no_gas"
    assert FixedKey().address in str(caught.value)
    assert kept.rows(CHAIN, WHO) == []


def test_what_is_kept_for_a_purpose_is_not_signed_again(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    for _ in range(2):
        sending.send("a", TO, b"", 50_000, needed)
    assert [row.nonce for row in kept.rows(CHAIN, WHO)] == [0]
    node.mined = 1  # its nonce is used up, and nothing came of it
    node.pool.clear()
    sending.send("a", TO, b"", 50_000, needed)
    assert [row.nonce for row in kept.rows(CHAIN, WHO)] == [0, 1]


def test_what_is_no_longer_needed_is_not_signed(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    sending.send("a", TO, b"", 50_000, lambda: False)
    assert kept.rows(CHAIN, WHO) == []
    assert node.received == []


def meanwhile(kept: MemoryOutbox, work: Callable[[], object]) -> MemoryOutbox:
    """An outbox where another process does something just before the first one decides."""

    class Meanwhile(MemoryOutbox):
        busy = False

        def rows(self, chain: str, sender: str) -> list[Sent]:
            return kept.rows(chain, sender)

        def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
            if not self.busy:
                self.busy = True
                work()
            return kept.add(chain, sender, decide)

    return Meanwhile()


def test_another_process_signs_first_and_is_killed(node: Simulated, kept: MemoryOutbox) -> None:
    """Its nonce is not given again, and what it did not get to send is sent before."""
    outbox = meanwhile(kept, lambda: keep(kept, sent(0, purpose="b")))
    Sending(node, FixedKey(), outbox).send("a", TO, b"", 50_000, needed)
    rows = kept.rows(CHAIN, WHO)
    assert [(row.purpose, row.nonce) for row in rows] == [("b", 0), ("a", 1)]
    assert node.received == [bytes.fromhex(row.raw[2:]) for row in rows]


def test_another_process_signs_the_same_first(node: Simulated, kept: MemoryOutbox) -> None:
    outbox = meanwhile(kept, lambda: keep(kept, sent(0, purpose="a")))
    Sending(node, FixedKey(), outbox).send("a", TO, b"", 50_000, needed)
    assert kept.rows(CHAIN, WHO) == [sent(0, purpose="a")]
    assert node.received == [bytes.fromhex(sent(0, purpose="a").raw[2:])]


def test_two_processes_pay_better_for_one_nonce_once(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    sending.send("a", TO, b"", 50_000, needed)
    node.base = most_paid(kept.rows(CHAIN, WHO)[0]) + 1
    Sending(node, FixedKey(), meanwhile(kept, sending.resend_pending)).resend_pending()
    first, second = kept.rows(CHAIN, WHO)
    assert first.nonce == second.nonce == 0
    assert node.received[-1].hex() == second.raw[2:]
