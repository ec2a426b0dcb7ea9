"""The outbox: what is kept survives, what a crash cut off was never sent, damage is found; fees of transactions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from Crypto.Hash import keccak
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import contracts_abi
from registry.core.errors import Conflict, Unavailable, Untrusted
from registry.provenance.anchors.outbox import FileOutbox, MemoryOutbox, Outbox, Sent
from registry.provenance.anchors.sending import Receipt, Sending
from registry.provenance.anchors.transactions import ANCHOR, TIP, Fees, bumped, fees_for, most_paid, sign

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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "transactions.jsonl"


@pytest.fixture(params=["file", "memory"])
def outbox(request: pytest.FixtureRequest, path: Path) -> Outbox:
    return FileOutbox(path) if request.param == "file" else MemoryOutbox()


def test_rows_are_kept_in_order(outbox: Outbox) -> None:
    assert outbox.rows() == []
    kept = [sent(nonce) for nonce in (2, 0, 1)]
    with outbox.lock():
        for one in kept:
            outbox.add(one)
    assert outbox.rows() == kept


def test_another_process_sees_them(path: Path) -> None:
    with FileOutbox(path).lock():
        FileOutbox(path).add(sent())
    assert FileOutbox(path).rows() == [sent()]


def test_asking_makes_no_file(path: Path) -> None:
    assert FileOutbox(path).rows() == []
    assert not path.parent.exists()


def test_no_secret_is_in_it(path: Path) -> None:
    with FileOutbox(path).lock():
        FileOutbox(path).add(sent())
    assert FixedKey().private_bytes().hex() not in path.read_text()
    assert path.parent.stat().st_mode & 0o077 == 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(min_value=1, max_value=10_000))
def test_a_line_that_a_crash_cut_off_is_dropped(path: Path, cut: int) -> None:
    path.unlink(missing_ok=True)
    outbox = FileOutbox(path)
    with outbox.lock():
        outbox.add(sent(0))
        whole = path.stat().st_size
        outbox.add(sent(1))
        os.truncate(path, whole + cut % (path.stat().st_size - whole))
        assert outbox.rows() == [sent(0)]
        outbox.add(sent(2))
    assert outbox.rows() == [sent(0), sent(2)]


@pytest.mark.parametrize("line", ["{}", "[]", "nonsense", '{"nonce": "x"}', "\xff"])
def test_a_damaged_line_is_untrusted(path: Path, line: str) -> None:
    with FileOutbox(path).lock():
        FileOutbox(path).add(sent(0))
    path.write_bytes(line.encode("latin-1") + b"\n" + path.read_bytes())
    with pytest.raises(Untrusted) as caught:
        FileOutbox(path).rows()
    assert caught.value.code == "outbox_damaged"


def test_a_place_that_can_not_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable), FileOutbox(tmp_path / "file" / "rows").lock():
        pass
    with pytest.raises(Unavailable):
        FileOutbox(tmp_path / "folder").rows()
    with pytest.raises(Unavailable):
        FileOutbox(tmp_path / "folder").add(sent())


def test_one_submitter_at_a_time_among_processes(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from registry.provenance.anchors.outbox import FileOutbox\n"
        "with FileOutbox(Path(sys.argv[1])).lock():\n  print('in', flush=True); time.sleep(30)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"in\n"
        threading.Timer(0.5, holder.kill).start()
        begin = time.monotonic()
        with FileOutbox(path).lock():  # a killed holder lets go
            assert time.monotonic() - begin > 0.3


def test_one_submitter_at_a_time_among_threads(path: Path) -> None:
    inside: list[int] = []

    def work(number: int) -> None:
        with FileOutbox(path).lock():
            inside.append(number)
            time.sleep(0.02)
            assert inside[-1] == number

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(inside) == list(range(8))


def selector(signature: str) -> bytes:
    return keccak.new(digest_bits=256, data=signature.encode()).digest()[:4]


def test_the_call_is_the_contracts() -> None:
    assert selector("anchor(bytes32)") == ANCHOR
    assert ANCHOR.hex() in contracts_abi.deployed_bytecode()


@settings(max_examples=50, deadline=None)
@given(
    base=st.integers(0, 10**13), now=st.integers(0, 10**13), to=st.sampled_from([None, TO]), data=st.binary(max_size=90)
)
def test_a_bump_says_the_same_for_enough_more(base: int, now: int, to: str | None, data: bytes) -> None:
    first = sign(FixedKey(), "p", chain=CHAIN, nonce=3, fees=fees_for(base), gas=90_000, to=to, data=data)
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
        sending.send(name, TO, b"", 50_000)
    node.pool.clear()  # the node forgot everything; the outbox did not
    sending.send("d", TO, b"", 50_000)
    assert [row.nonce for row in kept.rows()] == [0, 1, 2, 3]


def test_what_was_dropped_is_sent_again_in_the_order_of_nonces(
    node: Simulated, kept: MemoryOutbox, sending: Sending
) -> None:
    for name in "abc":
        sending.send(name, TO, b"", 50_000)
    rows = kept.rows()
    node.pool.clear()
    node.received.clear()
    node.mined = 1
    sending.send_kept()
    assert node.received == [bytes.fromhex(row.raw[2:]) for row in rows[1:]]
    assert kept.rows() == rows
    assert [sending.can_be_mined(name) for name in "abc"] == [False, True, True]


def test_what_no_block_would_take_is_paid_better_and_every_hash_is_kept(
    node: Simulated, kept: MemoryOutbox, sending: Sending
) -> None:
    sending.send("a", TO, b"", 50_000)
    node.base = most_paid(kept.rows()[0]) + 1
    sending.send_kept()
    first, second = kept.rows()
    assert (first.nonce, first.purpose) == (second.nonce, second.purpose)
    assert most_paid(second) > node.base
    assert node.received[-1].hex() == second.raw[2:]
    sending.send_kept()
    assert len(kept.rows()) == 2, "it pays enough: no third"


def test_rows_of_another_chain_are_left_alone(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    kept.add(sent(5, chain="eip155:1"))
    sending.send_kept()
    sending.send("a", TO, b"", 50_000)
    assert [row.nonce for row in sending.kept()] == [0]
    assert len(node.received) == 1


def test_a_key_that_can_not_pay_signs_nothing(node: Simulated, kept: MemoryOutbox, sending: Sending) -> None:
    node.rich = 50_000 * fees_for(node.base).most - 1
    with pytest.raises(Conflict) as caught:
        sending.send("a", TO, b"", 50_000)
    assert caught.value.code == "no_gas"
    assert FixedKey().address in str(caught.value)
    assert kept.rows() == []
