"""Two processes with one key and one outbox send to one chain, one is killed at every step: no nonce twice, no gap."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from registry.catalog.database.database import Catalog
from registry.catalog.transactions import CatalogOutbox
from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.outbox import Decide, Sent
from tests.catalog.databases import KINDS, migrated
from tests.provenance.anchor_contract import digest
from tests.provenance.test_ethereum import adapter, key, nonce
from tests.support.anchors import chain
from tests.support.anchors.outbox import MemoryOutbox
from tests.support.processes.together import SECONDS, together

EACH = 2
# Signed, kept, sent, and its receipt asked for: where the process is killed.
STEPS = ("unsigned", "signed", "kept", "before", "after", "receipt")

pytestmark = pytest.mark.anvil


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Crash(HTTPProvider):  # type: ignore[misc]
    """Kills its process before or after the node is given a transaction, or when a receipt is asked for."""

    step = ""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        sends = method == "eth_sendRawTransaction"
        if (sends and self.step == "before") or (method == "eth_getTransactionReceipt" and self.step == "receipt"):
            die()
        answer = super().make_request(method, params)
        if sends and self.step == "after":
            die()
        return answer


class CrashingOutbox(CatalogOutbox):
    """Kills its process before or after a transaction is signed, and after it is committed."""

    def __init__(self, catalog: Catalog, step: str) -> None:
        super().__init__(lambda: catalog)
        self.step = step

    def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
        def decides(rows: Sequence[Sent]) -> Sent | None:
            if self.step == "unsigned":
                die()
            sent = decide(rows)
            if self.step == "signed":
                die()
            return sent

        sent = super().add(chain, sender, decides)
        if self.step == "kept":
            die()
        return sent


class Place(NamedTuple):
    """A node, the contract on it, and the database that both processes share."""

    url: str
    contract: str
    database: str

    @contextmanager
    def sending(self, step: str = "") -> Iterator[Chain]:
        """The chain as one process sends to it, which dies at a step if one is given."""
        provider = Crash(self.url)
        provider.step = step
        with closing(Catalog(self.database)) as catalog:
            yield adapter(provider, self.contract, 1, CrashingOutbox(catalog, step))

    def rows(self) -> list[Sent]:
        with self.sending() as anchors, closing(Catalog(self.database)) as catalog:
            return CatalogOutbox(lambda: catalog).rows(anchors.chain, key(1).address)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, anvil: str, tmp_path: Path) -> Iterator[Place]:
    for number in (1, 2):
        chain.fund(anvil, key(number).address)
    contract = adapter(HTTPProvider(anvil), None, 2).deploy()  # by another key: this one's nonces begin here
    with migrated(request.param, tmp_path, request) as database:
        yield Place(anvil, contract, database)


def killed(place: Place, step: str, name: str, gate: Any) -> None:
    with place.sending(step) as anchors:
        gate.wait(SECONDS)
        anchors.submit(digest(name))
        anchors.wait(digest(name), SECONDS)


def lives(place: Place, name: str, gate: Any) -> None:
    with place.sending() as anchors:
        gate.wait(SECONDS)
        for number in range(EACH):
            anchors.submit(digest(f"{name} {number}"))


def test_one_is_killed_at_every_step_while_the_other_sends(place: Place) -> None:
    first, sent = nonce(place.url, 1), 0
    for number, step in enumerate(STEPS):
        names = [f"killed {number}", *(f"alive {number} {one}" for one in range(EACH))]
        codes = together((killed, (place, step, names[0])), (lives, (place, f"alive {number}")))
        assert codes == [-signal.SIGKILL, 0], step
        with place.sending() as anchors:
            for name in names:  # whoever comes next goes on
                anchors.submit(digest(name))
            chain.mine(place.url, 3)
            assert {anchors.wait(digest(name), SECONDS).status for name in names} == {"finalized"}, step
        sent += len(names)
        rows = place.rows()
        assert [row.nonce for row in rows] == list(range(first, first + sent)), step
        assert len({row.purpose for row in rows}) == sent, step
        assert nonce(place.url, 1) == first + sent, step


def test_the_same_digest_is_sent_once_by_all(place: Place) -> None:
    before = nonce(place.url, 1)
    assert together(*[(lives, (place, "the same"))] * 4) == [0] * 4
    chain.mine(place.url, 3)
    with place.sending() as anchors:
        for number in range(EACH):
            assert anchors.wait(digest(f"the same {number}"), SECONDS).status == "finalized"
    assert nonce(place.url, 1) == before + EACH


def test_what_another_outbox_sent_is_known_by_the_chain(place: Place) -> None:
    """An outbox that was lost, or restored from an older copy, is told of what was anchored under its key."""
    with place.sending() as anchors:
        assert anchors.anchored_by(key(1).address) == []
        anchors.submit(digest("a"))
        chain.mine(place.url, 3)
        assert anchors.anchored_by(key(1).address) == [], "every transaction is in the outbox: no event is asked for"
    older = adapter(HTTPProvider(place.url), place.contract, 1, MemoryOutbox())
    assert older.anchored_by(key(1).address) == [digest("a")]
    assert older.anchored_by(key(2).address.upper().replace("X", "x")) == []
