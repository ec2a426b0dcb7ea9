"""Level 3, check by check: the clocks that records state, the evidence beside them, and a chain that answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import pytest

from registry.core import records
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import anchor_digest, make_entry
from registry.core.ports.anchor import Anchor, AnchorProof
from registry.provenance.checks import level3, times
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from tests.support.forgery import OtherKey, put, replaced, way_back
from tests.support.old_release import OldRelease, outcome

TIME, SOON, LATE = "2026-12-01T12:00:00Z", "2026-12-01T12:05:00Z", "2026-12-01T12:05:01Z"
EARLY, LATEST = "2026-12-01T11:54:59Z", "2026-12-01T13:00:00Z"
CONTRACT = "0x" + "c" * 40
PLACE: dict[str, Any] = {"chain": "eip155:1", "contract": CONTRACT, "transaction": "0x" + "d" * 64}
FIRST = {**PLACE, "block_number": 10, "block_hash": "0x" + "b" * 64, "time": TIME}
SECOND = {**PLACE, "block_number": 20, "block_hash": "0x" + "e" * 64, "time": LATE}


class Anchored(OldRelease):
    """The release as if its folds had been drawn from block 10 of a chain that its issuer named."""

    def __init__(self, *more: records.Beacon, **beacon: Any) -> None:
        super().__init__()
        opening = self.at(way_back(self, self.entry)[-1]).record
        beacons = (records.EvmBlock(**{**FIRST, **beacon}), *more)
        self.forge(
            replaced(self.view.release.draw, self.view.draw, beacons=beacons)
            | {opening: records.encode(records.Issuer(chains=(("eip155:1", CONTRACT),)))}
        )

    @property
    def plan_entry(self) -> CID:
        return self.view.release.plan_entry

    def evidence(self, entry: CID, **block: Any) -> CID:
        statement = records.to_value(records.Block(**{**SECOND, **block}))
        return put(
            self, records.encode(records.Evidence(entry=bytes(entry), kind="evm", statement=statement, proof=None))
        )

    def seen(self) -> list[CID]:
        """Honest evidence of both."""
        return [self.evidence(self.plan_entry, **FIRST), self.evidence(self.entry)]

    def result(self, id: str, **fields: Any) -> tuple[str, str]:
        return outcome(level3.checks(self.subject(**fields)), id)


class FakeChain:
    """A chain that knows some entries' blocks, and their status."""

    def __init__(self, blocks: Mapping[CID, Mapping[str, Any]], status: str = "finalized", **at: Any) -> None:
        self.chain, self.contract = at.get("chain", "eip155:1"), at.get("contract", CONTRACT)
        self._kind, self._status = at.get("kind", "evm"), status
        self._blocks = {anchor_digest(entry): block for entry, block in blocks.items()}
        self.requested: list[str | None] = []

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        self.requested.append(publisher)
        block = self._blocks.get(digest)
        if block is None:
            return Anchor(digest=digest, status="none", chain=self.chain)
        statement = records.to_value(records.Block(**block)) if self._kind == "evm" else {"time": TIME}
        proof = AnchorProof(kind=self._kind, statement=statement)
        return Anchor(digest=digest, status=self._status, chain=self.chain, proof=proof)

    def submit(self, digest: bytes) -> Anchor:
        raise Unavailable("an audit anchors nothing")

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        return self.submit(digest)

    def anchored_by(self, publisher: str) -> Collection[bytes]:
        return list(self._blocks)


@pytest.fixture
def one() -> Anchored:
    return Anchored()


IDS = ("3.named", "3.order", "3.beacon", "3.planned", "3.drawn", "3.trained", "3.issued", "3.anchored")


def test_an_anchored_release_holds_where_its_chain_says_the_same(one: Anchored) -> None:
    chain = FakeChain({one.plan_entry: FIRST, one.entry: SECOND})
    found = {check.id: check for check in level3.checks(one.subject(evidence=one.seen(), chain=chain))}
    assert {id: check.result for id, check in found.items()} == dict.fromkeys(IDS, HOLDS)
    assert found["3.named"].reason == f"eip155:1 {CONTRACT}"
    assert f"plan at {TIME}, release at {LATE}" in found["3.order"].reason
    assert found["3.anchored"].reason.startswith("3 anchors")
    assert set(chain.requested) == {one.key.did.rpartition(":")[2]}
    held = {id: one.result(id, evidence=one.seen(), offline=True)[0] for id in IDS}
    assert [id for id, result in held.items() if result != HOLDS] == ["3.order", "3.beacon"]


@pytest.mark.parametrize("id", IDS)
def test_what_is_no_release_or_unsigned_has_no_anchors(one: Anchored, id: str) -> None:
    assert one.result(id, entry=None)[0] == UNCHECKED
    plan = {"entry": one.plan_entry, "record": one.at(one.plan_entry).record, "roots": [one.plan_entry]}
    assert one.result(id, **plan)[0] == UNCHECKED


@pytest.mark.parametrize(("id", "of_plan"), [("3.order", False), ("3.order", True), ("3.beacon", True)])
def test_what_the_chain_does_not_know_is_no_anchor(one: Anchored, id: str, of_plan: bool) -> None:
    blocks = {one.entry: SECOND} if of_plan else {one.plan_entry: FIRST}
    result, reason = one.result(id, evidence=one.seen(), chain=FakeChain(blocks))
    assert (result, "none on eip155:1" in reason) == (FAILS, True)


def test_an_anchor_counts_when_it_is_final(one: Anchored) -> None:
    chain = FakeChain({one.plan_entry: FIRST, one.entry: SECOND}, "included")
    assert one.result("3.order", evidence=one.seen(), chain=chain)[0] == FAILS
    other = FakeChain({one.plan_entry: FIRST, one.entry: SECOND}, kind="rfc3161")
    assert one.result("3.order", evidence=one.seen(), chain=other)[0] == UNCHECKED


@pytest.mark.parametrize(("number", "result"), [(9, FAILS), (10, FAILS), (11, HOLDS)])
def test_the_chain_puts_the_plan_before_the_release(one: Anchored, number: int, result: str) -> None:
    chain = FakeChain({one.plan_entry: FIRST, one.entry: {**SECOND, "block_number": number}})
    assert one.result("3.order", chain=chain)[0] == result


@pytest.mark.parametrize(("number", "result"), [(9, FAILS), (10, FAILS), (11, UNCHECKED)])
def test_evidence_puts_the_plan_before_the_release(one: Anchored, number: int, result: str) -> None:
    own = one.evidence(one.entry, block_number=number)
    assert one.result("3.order", evidence=[own])[0] == result
    without = OldRelease()
    assert outcome(level3.checks(without.subject()), "3.order")[0] == UNCHECKED


def test_evidence_of_the_plan_counts_beside_the_beacons_block(one: Anchored) -> None:
    """The plan's latest block counts: a beacon from an earlier one does not stand in for it."""
    seen = [one.evidence(one.plan_entry, **{**FIRST, "block_number": 30}), one.evidence(one.entry)]
    assert one.result("3.order", evidence=seen)[0] == FAILS


def test_a_newer_anchored_entry_speaks_for_the_release(one: Anchored) -> None:
    first = way_back(one, one.entry)[-1]
    newer = put(one, records.encode(make_entry(one.key, 3, one.entry, first, one.record, TIME)))
    chain = FakeChain({one.plan_entry: FIRST, newer: SECOND})
    assert one.result("3.order", newest=newer, chain=chain)[0] == HOLDS
    assert one.result("3.order", chain=chain)[0] == FAILS
    assert one.result("3.order", newest=newer, evidence=[one.evidence(newer, block_number=9)])[0] == FAILS


@pytest.mark.parametrize("field", ["chain", "contract", "transaction", "block_number", "block_hash", "time"])
def test_the_beacon_is_the_plans_block_in_every_part(one: Anchored, field: str) -> None:
    other = {**FIRST, field: {"block_number": 11, "time": SOON}.get(field, f"{FIRST[field]}9")}
    assert one.result("3.beacon", evidence=[one.evidence(one.plan_entry, **other)])[0] == FAILS
    chain = FakeChain({one.plan_entry: other})
    assert one.result("3.beacon", evidence=one.seen(), chain=chain)[0] == FAILS
    assert one.result("3.beacon", evidence=one.seen(), chain=FakeChain({one.plan_entry: FIRST})) == (HOLDS, "")


def test_a_beacon_needs_evidence_of_the_plans_own_anchor(one: Anchored) -> None:
    assert one.result("3.beacon")[0] == FAILS
    assert one.result("3.beacon", evidence=[one.evidence(one.entry, **FIRST)])[0] == FAILS


def test_folds_of_no_beacon_prove_nothing_where_there_is_a_chain() -> None:
    plain, chain = OldRelease(), FakeChain({})
    assert outcome(level3.checks(plain.subject(chain=chain)), "3.beacon")[0] == FAILS
    assert outcome(level3.checks(plain.subject()), "3.beacon")[0] == UNCHECKED
    assert outcome(level3.checks(plain.subject(chain=chain, offline=True)), "3.beacon")[0] == UNCHECKED


def test_a_round_of_drand_alone_is_told_and_not_checked() -> None:
    plain = OldRelease()
    drand = records.DrandRound(chain="ab" * 32, round=5, signature=b"s")
    plain.forge(replaced(plain.view.release.draw, plain.view.draw, beacons=(drand,)))
    found = {check.id: (check.result, check.reason) for check in level3.checks(plain.subject())}
    assert (found["3.beacon"][0], found["3.drawn"][0]) == (UNCHECKED, UNCHECKED)
    assert (found["3.drand"][0], "not known here" in found["3.drand"][1]) == (UNCHECKED, True)


def test_the_chain_that_is_asked_is_one_that_the_issuer_named(one: Anchored) -> None:
    for at in ({"chain": "eip155:2"}, {"contract": "0x" + "1" * 40}):
        assert one.result("3.named", evidence=one.seen(), chain=FakeChain({}, **at))[0] == FAILS
    assert one.result("3.named", evidence=one.seen())[0] == UNCHECKED
    assert one.result("3.named", evidence=[one.evidence(one.entry, chain="eip155:9")], offline=True)[0] == FAILS
    assert outcome(level3.checks(OldRelease().subject(offline=True)), "3.named")[0] == UNCHECKED


def test_the_opening_is_the_issuers_own_and_is_at_hand(one: Anchored) -> None:
    first = way_back(one, one.entry)[-1]
    theirs = OtherKey().says(one, records.Issuer(chains=()))
    value = msgspec.structs.replace(one.at(one.entry), log=bytes(theirs), signature=b"")
    foreign = records.encode(make_entry(one.key, 2, one.plan_entry, theirs, value.record, TIME))
    cid = put(one, foreign)
    result, reason = one.result("3.named", entry=cid, log_entries=[], offline=True)
    assert (result, OtherKey().did in reason) == (FAILS, True)
    del one.store.all[first]
    assert one.result("3.named", log_entries=[], offline=True)[0] == UNCHECKED


def of_entry(plan: bool, time: str) -> Callable[[OldRelease], None]:
    def change(one: OldRelease) -> None:
        cid = one.view.release.plan_entry if plan else one.entry
        one.forge(replaced(cid, one.at(cid), issued_at=time))

    return change


def of_training(**fields: str) -> Callable[[OldRelease], None]:
    return lambda one: one.forge(replaced(one.view.release.trainings[2], one.view.trainings[2], **fields))


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        (of_training(started=EARLY), {"3.planned", "3.drawn"}),
        (of_training(started="2026-12-01T11:55:00Z"), set()),
        (of_training(started=SOON), {"3.trained"}),
        (of_training(ended=SOON), set()),
        (of_training(ended=LATE), {"3.issued"}),
        (of_training(started=LATE, ended=LATE), {"3.issued"}),
        (of_entry(True, LATE), {"3.planned", "3.issued", "3.anchored"}),
        (of_entry(True, SOON), {"3.issued"}),
        (of_entry(False, "2026-12-01T11:59:59Z"), {"3.issued"}),
    ],
)
def test_clocks_may_differ_by_five_minutes_and_no_more(
    one: Anchored, change: Callable[[OldRelease], None], fails: set[str]
) -> None:
    """Two entries of one log are by one clock, and so are a training's two times."""
    change(one)
    found = {check.id: check.result for check in times.checks(one.subject())}
    assert {id for id, result in found.items() if result == FAILS} == fails
    assert UNCHECKED not in found.values()


@pytest.mark.parametrize(
    ("blocks", "result"),
    [
        ([{"time": EARLY}], FAILS),
        ([{"block_number": 11, "time": TIME}], HOLDS),
        ([{**SECOND}, {**SECOND, "block_hash": "0x" + "f" * 64}], FAILS),
        ([{**SECOND}, {**SECOND, "time": LATEST}], FAILS),
        ([{**SECOND, "time": LATEST}, {**SECOND, "block_number": 21}], FAILS),
        ([{**SECOND}, {**SECOND, "chain": "eip155:9", "time": TIME}], HOLDS),
        ([{**SECOND, "chain": "eip155:9"}, {**SECOND, "chain": "eip155:9", "time": LATEST}], FAILS),
        ([{**SECOND}, {**SECOND, "transaction": "0x" + "1" * 64}], HOLDS),
    ],
)
def test_blocks_of_one_chain_follow_each_other(one: Anchored, blocks: list[dict[str, Any]], result: str) -> None:
    seen = [one.evidence(one.entry, **block) for block in blocks]
    assert one.result("3.anchored", evidence=seen)[0] == result


def test_an_anchor_is_not_older_than_the_entry_it_names(one: Anchored) -> None:
    nobody = one.evidence(cid_of(b"nowhere", DAG_CBOR), chain="eip155:9", time=EARLY)
    assert one.result("3.anchored", evidence=[nobody])[0] == HOLDS
    own = one.evidence(one.entry, chain="eip155:9", time=EARLY)
    result, reason = one.result("3.anchored", evidence=[own])
    assert (result, "entry 2" in reason) == (FAILS, True)


def test_without_evidence_and_beacon_there_is_no_anchor() -> None:
    assert outcome(times.checks(OldRelease().subject()), "3.anchored")[0] == UNCHECKED
