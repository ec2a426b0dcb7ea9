"""The adapter on two real EVMs: py-evm in this process and anvil as a node of its own; then what only a node can do."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from coincurve import PrivateKey
from web3 import EthereumTesterProvider, HTTPProvider
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from registry.core.errors import Conflict, Unavailable, Untrusted, UsageError
from registry.core.ports.anchor import Anchor, Anchors
from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.ethereum import Web3Node
from registry.provenance.anchors.outbox import Decide, Outbox, Sent
from registry.provenance.anchors.transactions import most_paid
from registry.provenance.keys.keys import Key
from tests.provenance.anchor_contract import AnchorContract, Reopen, digest
from tests.support.anchors import chain
from tests.support.anchors.outbox import Kept, MemoryOutbox
from tests.support.processes.together import alone

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
        return adapter(provider, contract, 1, Kept(tmp_path / "outbox" / "a.sqlite"))

    @pytest.fixture
    def reopen(self, provider: BaseProvider, contract: str, tmp_path: Path) -> Reopen:
        return lambda: adapter(provider, contract, 1, Kept(tmp_path / "outbox" / "a.sqlite"))

    @pytest.fixture
    def other(self, provider: BaseProvider, contract: str) -> Anchors:
        return adapter(provider, contract, 2)

    @pytest.fixture
    def unreachable(self) -> Anchors:
        return adapter(HTTPProvider(NOWHERE), "0x" + "11" * 20, 1)


@pytest.mark.anvil
class TestOnAnvil(TestOnEthTester):
    """A node of its own: a block a second, final two blocks later."""

    PROVES = True

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


class Crash(HTTPProvider):  # type: ignore[misc]  # web3 is read without its types
    """Kills its process before or after the node is given a transaction."""

    when: ClassVar[str] = ""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_sendRawTransaction" and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().make_request(method, params)
        if method == "eth_sendRawTransaction" and self.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


class CrashingOutbox(Kept):
    """Kills its process before or after a row is kept."""

    def __init__(self, path: Path, when: str) -> None:
        super().__init__(path)
        self.when = when

    def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
        if self.when == "unkept":
            os.kill(os.getpid(), signal.SIGKILL)
        sent = super().add(chain, sender, decide)
        if self.when == "kept":
            os.kill(os.getpid(), signal.SIGKILL)
        return sent


def killed_at(step: str, url: str, path: Path, contract: str | None) -> None:
    """In a process of its own: submit, or deploy without a contract, and die at a step."""
    Crash.when = step
    chain_ = adapter(Crash(url), contract, 1, CrashingOutbox(path, step))
    if contract:
        chain_.submit(digest("a"))
    else:
        chain_.deploy()


@contextmanager
def blocks_coming(url: str) -> Iterator[None]:
    """Blocks while something waits for them."""
    stop = threading.Event()

    def mine() -> None:
        while not stop.wait(0.1):
            chain.mine(url)

    thread = threading.Thread(target=mine)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


STEPS = ("unkept", "kept", "before", "after")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "a.sqlite"


@pytest.fixture
def funded(anvil: str) -> str:
    """A development chain where the keys 1 and 2 can pay."""
    for number in (1, 2):
        chain.fund(anvil, key(number).address)
    return anvil


@pytest.fixture
def quiet(quiet_anvil: str) -> str:
    """The same, but only what a test mines is mined."""
    for number in (1, 2):
        chain.fund(quiet_anvil, key(number).address)
    return quiet_anvil


@pytest.fixture
def contract(funded: str) -> str:
    return adapter(HTTPProvider(funded), None, 1).deploy()


def crash(step: str, url: str, path: Path, contract: str | None) -> None:
    assert alone(killed_at, step, url, path, contract) == -signal.SIGKILL, f"it was not killed at {step}"


def nonce(url: str, number: int) -> int:
    return int(chain.rpc(url, "eth_getTransactionCount", key(number).address, "latest"), 16)


@pytest.mark.anvil
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_neither_loses_nor_doubles_an_anchor(
    funded: str, contract: str, path: Path, step: str
) -> None:
    before = nonce(funded, 1)
    crash(step, funded, path, contract)
    again = adapter(HTTPProvider(funded), contract, 1, Kept(path))
    expected = {"unkept": "none", "kept": "signed", "before": "signed"}
    assert again.status(digest("a")).status == expected.get(step, "sent")
    again.submit(digest("a"))
    chain.mine(funded, 3)
    final = again.wait(digest("a"), 20)
    assert final.status == "finalized"
    assert nonce(funded, 1) == before + 1
    rows = Kept(path).all_rows()
    assert [(row.nonce, row.transaction) for row in rows] == [(before, final.transaction)]


@pytest.mark.anvil
@pytest.mark.parametrize("step", ["kept", "after"])
def test_a_kill_never_deploys_twice(funded: str, path: Path, step: str) -> None:
    crash(step, funded, path, None)
    again = adapter(HTTPProvider(funded), None, 1, Kept(path))
    address = again.deploy()
    assert again.deploy() == address
    assert adapter(HTTPProvider(funded), None, 1, Kept(path)).deploy() == address
    assert nonce(funded, 1) == 1
    assert again.status(digest("never")).status == "none"


@pytest.mark.anvil
def test_waiting_alone_sends_what_a_kill_left_behind(funded: str, contract: str, path: Path) -> None:
    crash("kept", funded, path, contract)
    anchor = adapter(HTTPProvider(funded), contract, 1, Kept(path)).wait(digest("a"), 30)
    assert anchor.status == "finalized"


@pytest.mark.anvil
def test_the_states_on_the_way(quiet: str, path: Path) -> None:
    # Nothing is mined here but by us, so every state can be seen.
    with blocks_coming(quiet):
        contract = adapter(HTTPProvider(quiet), None, 1).deploy()
    anchors = adapter(HTTPProvider(quiet), contract, 1, Kept(path))
    assert anchors.status(digest("a")).status == "none"
    assert anchors.submit(digest("a")).status == "sent"
    chain.mine(quiet)
    assert anchors.status(digest("a")).status == "included"
    with pytest.raises(Unavailable, match="included"):
        anchors.wait(digest("a"), 0.5)
    chain.mine(quiet, 2)
    final = anchors.status(digest("a"))
    assert final.status == "finalized"
    assert final.proof is not None
    assert final.proof.statement["blockNumber"] == int(
        chain.rpc(quiet, "eth_getTransactionByHash", final.transaction)["blockNumber"], 16
    )


@pytest.mark.anvil
def test_a_reorganisation_before_finality_is_mended_in_the_order_of_nonces(quiet: str, path: Path) -> None:
    with blocks_coming(quiet):
        contract = adapter(HTTPProvider(quiet), None, 1).deploy()
    chain.mine(quiet, 3)
    anchors = adapter(HTTPProvider(quiet), contract, 1, Kept(path))
    fork = chain.rpc(quiet, "evm_snapshot")
    for text in "abc":
        anchors.submit(digest(text))
    chain.mine(quiet)
    included = [anchors.status(digest(text)) for text in "abc"]
    assert {anchor.status for anchor in included} == {"included"}
    chain.rpc(quiet, "evm_revert", fork)
    chain.rpc(quiet, "anvil_dropAllTransactions")
    assert [anchors.status(digest(text)).status for text in "abc"] == ["signed"] * 3
    assert anchors.submit(digest("c")).status == "sent"  # the last: it brings those before it along
    chain.mine(quiet, 4)
    final = [anchors.status(digest(text)) for text in "abc"]
    assert {anchor.status for anchor in final} == {"finalized"}
    assert [anchor.transaction for anchor in final] == [anchor.transaction for anchor in included]
    assert [anchor.proof for anchor in final] != [anchor.proof for anchor in included]
    assert len(Kept(path).all_rows()) == 3


@pytest.mark.anvil
def test_another_home_of_the_same_key_takes_the_nonce(quiet: str, path: Path, tmp_path: Path) -> None:
    with blocks_coming(quiet):
        contract = adapter(HTTPProvider(quiet), None, 1).deploy()
    mine = adapter(HTTPProvider(quiet), contract, 1, Kept(path))
    theirs = adapter(HTTPProvider(quiet), contract, 1, Kept(tmp_path / "elsewhere" / "a.sqlite"))
    mine.submit(digest("a"))
    chain.rpc(quiet, "anvil_dropAllTransactions")
    theirs.submit(digest("b"))  # the same nonce
    chain.mine(quiet)
    assert Kept(path).all_rows()[0].nonce == nonce(quiet, 1) - 1
    assert mine.status(digest("a")).status == "signed"
    mine.submit(digest("a"))  # under a new nonce
    chain.mine(quiet, 3)
    assert {mine.status(digest(text)).status for text in "ab"} == {"finalized"}
    assert [row.nonce for row in Kept(path).all_rows()] == [1, 2]


@pytest.mark.anvil
def test_threads_of_one_home_give_every_digest_one_transaction(funded: str, contract: str, path: Path) -> None:
    before = nonce(funded, 1)
    names = [f"t{number % 5}" for number in range(10)]
    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(adapter(HTTPProvider(funded), contract, 1, Kept(path)).submit, digest(n)) for n in names]
        for one in work:
            assert one.result().status in {"sent", "included", "finalized"}
    chain.mine(funded, 3)
    anchors = adapter(HTTPProvider(funded), contract, 1, Kept(path))
    assert {anchors.wait(digest(name), 20).status for name in names} == {"finalized"}
    assert nonce(funded, 1) == before + 5


@pytest.mark.anvil
def test_a_rising_base_fee_does_not_strand_an_anchor(quiet: str, path: Path) -> None:
    with blocks_coming(quiet):
        contract = adapter(HTTPProvider(quiet), None, 1).deploy()
    anchors = adapter(HTTPProvider(quiet), contract, 1, Kept(path))
    anchors.submit(digest("a"))
    chain.rpc(quiet, "anvil_setNextBlockBaseFeePerGas", hex(100 * most_paid(Kept(path).all_rows()[0])))
    chain.mine(quiet)
    assert anchors.status(digest("a")).status in {"signed", "sent"}  # the node may have dropped it
    assert anchors.submit(digest("a")).status == "sent"
    chain.mine(quiet, 3)
    first, second = Kept(path).all_rows()
    assert first.nonce == second.nonce
    assert anchors.status(digest("a")).transaction == second.transaction
    assert anchors.status(digest("a")).status == "finalized"


@pytest.mark.anvil
def test_a_stranger_without_the_outbox_or_a_key_sees_the_same(funded: str, contract: str, path: Path) -> None:
    anchors = adapter(HTTPProvider(funded), contract, 1, Kept(path))
    anchors.submit(digest("a"))
    chain.mine(funded, 3)
    final = anchors.wait(digest("a"), 20)

    def no_key() -> Key:
        raise AssertionError("reading needs no key")

    stranger = Chain(Web3Node(HTTPProvider(funded)), contract.upper().replace("X", "x"), no_key, MemoryOutbox())
    assert stranger.status(digest("a"), key(1).address) == final
    assert stranger.status(digest("b"), key(1).address).status == "none"


@pytest.mark.anvil
def test_a_key_without_means_is_told_so(funded: str, contract: str, path: Path) -> None:
    with pytest.raises(Conflict) as caught:
        adapter(HTTPProvider(funded), contract, 99, Kept(path)).submit(digest("a"))
    assert caught.value.code == "no_gas"
    assert Kept(path).all_rows() == []


class Lying(EthereumTesterProvider):  # type: ignore[misc]
    """A node whose answer to one method is another one."""

    def __init__(self, method: str, answer: Any) -> None:
        super().__init__()
        self.method, self.answer = method, answer
        self.lies = False

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if self.lies and method == self.method:
            if isinstance(self.answer, Exception):
                raise self.answer
            return cast(RPCResponse, {"jsonrpc": "2.0", "id": 1, **self.answer})
        return super().make_request(method, params)


JUNK: list[Any] = [{"result": None}, {"result": "0x"}, {"result": "junk"}, {"result": []}, {"result": 2**300}, {}]
JUNK += [
    {"error": {"code": -32000, "message": "no"}},
    {"error": "no"},
    ConnectionResetError("https://key@host"),
    OSError(),
]
METHODS = ("eth_call", "eth_getCode", "eth_getLogs", "eth_getBlockByNumber", "eth_chainId")


@pytest.mark.parametrize("answer", JUNK, ids=repr)
@pytest.mark.parametrize("method", METHODS)
def test_whatever_a_node_answers_is_an_error_of_ours_or_the_truth(method: str, answer: Any) -> None:
    node = Lying(method, answer)
    honest = adapter(node, None, 1)
    contract = honest.deploy()
    honest.submit(digest("a"))
    truth = honest.status(digest("a"))
    node.lies = True
    try:
        found = adapter(node, contract, 1).status(digest("a"))
    except (Unavailable, Untrusted) as caught:
        told = str(caught)
        assert "key@host" not in told
    else:
        assert found == truth


def test_other_code_at_the_address_is_untrusted() -> None:
    node = Lying("eth_getCode", {"result": "0x6000"})
    contract = adapter(node, None, 1).deploy()
    for address in ("0x" + "22" * 20, key(1).address):
        with pytest.raises(Untrusted) as caught:
            adapter(node, address, 1).submit(digest("a"))
        assert caught.value.code == "contract_code"
    node.lies = True
    with pytest.raises(Untrusted):
        adapter(node, contract, 1).status(digest("a"))


@pytest.mark.parametrize("address", ["", "0x12", "nonsense", "0x" + "zz" * 20])
def test_a_contract_that_is_no_address_is_wrong_usage(address: str) -> None:
    with pytest.raises(UsageError):
        adapter(EthereumTesterProvider(), address, 1).status(digest("a"))


def test_without_a_contract_one_is_asked_for() -> None:
    with pytest.raises(UsageError, match="no contract is set up"):
        adapter(EthereumTesterProvider(), None, 1).status(digest("a"))


def test_a_lost_answer_to_a_submission_is_no_second_transaction(tmp_path: Path) -> None:
    node = Lying("eth_sendRawTransaction", ConnectionResetError())
    contract = adapter(node, None, 1).deploy()
    outbox = Kept(tmp_path / "a.sqlite")
    node.lies = True
    with pytest.raises(Unavailable):
        adapter(node, contract, 1, outbox).submit(digest("a"))
    assert adapter(node, contract, 1, outbox).status(digest("a")).status == "signed"
    node.lies = False
    assert adapter(node, contract, 1, outbox).wait(digest("a"), 5).status == "finalized"
    assert len(outbox.all_rows()) == 1


@pytest.mark.parametrize(
    "said", ["nonce too low", "already known", "transaction already imported", "replacement transaction underpriced"]
)
def test_what_the_node_has_already_is_no_failure(said: str) -> None:
    node = Lying("eth_sendRawTransaction", {"error": {"code": -32000, "message": said}})
    contract = adapter(node, None, 1).deploy()
    node.lies = True
    assert adapter(node, contract, 1).submit(digest("a")).status == "signed"


def test_a_refusal_is_told() -> None:
    node = Lying("eth_sendRawTransaction", {"error": {"code": -32000, "message": "transaction type not supported"}})
    contract = adapter(node, None, 1).deploy()
    node.lies = True
    with pytest.raises(Unavailable, match="type not supported"):
        adapter(node, contract, 1).submit(digest("a"))
    node.answer = {"error": {"code": -32003, "message": "Insufficient funds for gas * price + value"}}
    with pytest.raises(Conflict):
        adapter(node, contract, 1).submit(digest("b"))


def test_an_outage_while_waiting_is_waited_out() -> None:
    node = Lying("eth_call", ConnectionResetError())
    anchors = adapter(node, None, 1)
    anchors.deploy()
    anchors.submit(digest("a"))
    node.lies = True
    threading.Timer(0.7, lambda: setattr(node, "lies", False)).start()
    assert anchors.wait(digest("a"), 10).status == "finalized"
