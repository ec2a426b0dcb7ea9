"""3.drand, 4.draw and 3.drawn of a draw that mixes a round of drand: an honest one, and each way to cheat with it."""

from __future__ import annotations

from typing import Any

import pytest

from registry.core import records
from registry.core.draw import draw_seed
from registry.core.ipld.cid import CID
from registry.provenance.beacons.networks import KNOWN
from registry.provenance.checks import level3
from registry.provenance.checks.level4 import folds
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.evidence.shown import Trust
from tests.support.beacons import OTHER_SECRET, drand_round, network, sign
from tests.support.forgery import put, replaced
from tests.support.old_release import OldRelease, outcome

TIME, LATER, STARTED = "2026-12-01T11:59:50Z", "2026-12-01T12:30:00Z", "2026-12-01T12:00:00Z"
NUMBER = network().round_after(TIME)
DRAND = f"drand:{network().hash}"
TRUST = Trust(networks=lambda: {**KNOWN, network().hash: network()})
BLOCK = records.EvmBlock(
    chain="eip155:1",
    contract="0x" + "c" * 40,
    transaction="0x" + "d" * 64,
    block_number=10,
    block_hash="0x" + "b" * 64,
    time=TIME,
)


class Drawn(OldRelease):
    """The release as if its plan had named ``locked`` and its draw had mixed ``beacons``."""

    def __init__(self, *beacons: records.Beacon, locked: tuple[str, ...] = (DRAND,)) -> None:
        super().__init__()
        self.forge(replaced(self.view.draw.plan, self.view.plan, v=2, beacons=locked))
        draw, plan = self.view.draw, self.view.plan
        seed = draw_seed(bytes(draw.plan), plan.seed, [one.value for one in beacons])
        self.forge(replaced(self.view.release.draw, draw, beacons=beacons, seed=seed))

    def stamp(self, time: str = TIME, kind: str = "rfc3161", entry: CID | None = None) -> CID:
        of = bytes(entry or self.view.release.plan_entry)
        return put(self, records.encode(records.Evidence(entry=of, kind=kind, statement={"time": time}, proof=None)))

    def found(self, *evidence: CID, **fields: Any) -> dict[str, tuple[str, str]]:
        subject = self.subject(**{"evidence": evidence, "trust": TRUST, **fields})
        checks = [*level3.checks(subject), *folds.checks(subject)]
        return {check.id: (check.result, check.reason) for check in checks}


@pytest.fixture(scope="module")
def one() -> Drawn:
    return Drawn(drand_round(NUMBER))


def test_the_first_round_after_a_timestamp_holds(one: Drawn) -> None:
    found = one.found(one.stamp())
    assert found["3.drand"] == (
        HOLDS,
        f"round {NUMBER} of drand simulated, published at {network().time_of(NUMBER)}, is genuine",
    )
    assert found["4.draw"] == (HOLDS, "from the plan's seed and drand")
    assert found["3.drawn"][0] == HOLDS


def test_the_first_round_after_the_drawn_block_holds() -> None:
    both = Drawn(BLOCK, drand_round(NUMBER), locked=(records.EVM_BLOCK, DRAND))
    later = both.stamp(LATER)
    found = both.found(later)
    assert (found["3.drand"][0], found["4.draw"]) == (HOLDS, (HOLDS, "from the plan's seed and evm-block and drand"))


def test_of_several_timestamps_the_earliest_counts(one: Drawn) -> None:
    assert one.found(one.stamp(LATER), one.stamp())["3.drand"][0] == HOLDS
    assert one.found(one.stamp(LATER))["3.drand"][0] == FAILS


def test_an_authority_whose_clock_is_slow_does_not_refute_the_round_that_the_draw_used(one: Drawn) -> None:
    assert one.found(one.stamp("2026-12-01T11:58:50Z"), one.stamp())["3.drand"][0] == HOLDS
    assert one.found(one.stamp("2026-12-01T11:58:49Z"), one.stamp())["3.drand"][0] == FAILS


def test_only_timestamps_of_the_plan_count(one: Drawn) -> None:
    for evidence in (one.stamp(entry=one.entry), one.stamp(kind="witness"), one.stamp(kind="opentimestamps")):
        result, reason = one.found(evidence)["3.drand"]
        assert (result, "nothing at hand says when" in reason) == (FAILS, True)
    assert one.found()["3.drand"][0] == FAILS


@pytest.mark.parametrize(
    ("round", "said"),
    [
        pytest.param(lambda: drand_round(NUMBER - 1), "the first after", id="early"),
        pytest.param(lambda: drand_round(NUMBER + 1), "the first after", id="late"),
        pytest.param(lambda: drand_round(1), "the first after", id="long before the anchor"),
        pytest.param(lambda: signed(sign(NUMBER - 1)), "is wrong", id="a signature of another round"),
        pytest.param(lambda: signed(sign(NUMBER, OTHER_SECRET)), "is wrong", id="by another key"),
        pytest.param(lambda: signed(b"made up"), "is wrong", id="made up"),
        pytest.param(lambda: signed(b"", (1 << 63) - 1), "the first after", id="a huge number"),
    ],
)
def test_a_round_that_is_another_or_was_not_signed_fails(round: Any, said: str) -> None:
    forged = Drawn(round())
    found = forged.found(forged.stamp())
    result, reason = found["3.drand"]
    assert (result, said in reason, found["4.draw"][0]) == (FAILS, True, HOLDS)


def signed(signature: bytes, number: int = NUMBER) -> records.DrandRound:
    return records.DrandRound(chain=network().hash, round=number, signature=signature)


def test_a_network_that_nobody_here_knows_is_not_checked(one: Drawn) -> None:
    result, reason = one.found(one.stamp(), trust=Trust())["3.drand"]
    assert (result, "EMOTIONET_DRAND_NETWORKS" in reason) == (UNCHECKED, True)
    other = Drawn(drand_round(NUMBER, OTHER_SECRET), locked=(f"drand:{network(OTHER_SECRET).hash}",))
    assert other.found(other.stamp())["3.drand"][0] == UNCHECKED


def test_a_known_round_that_is_wrong_fails_beside_an_unknown_one() -> None:
    forged = Drawn(drand_round(NUMBER, OTHER_SECRET), drand_round(NUMBER + 1))
    assert forged.found(forged.stamp())["3.drand"][0] == FAILS


@pytest.mark.parametrize(
    ("beacons", "locked"),
    [
        pytest.param((), (DRAND,), id="the round dropped"),
        pytest.param((BLOCK,), (records.EVM_BLOCK, DRAND), id="the round dropped beside the block"),
        pytest.param((drand_round(NUMBER),), (records.EVM_BLOCK, DRAND), id="the block dropped"),
        pytest.param((drand_round(NUMBER), BLOCK), (records.EVM_BLOCK, DRAND), id="in another order"),
        pytest.param((drand_round(NUMBER),), (), id="a round that nobody named"),
        pytest.param((BLOCK,), (), id="a block that nobody named"),
        pytest.param((drand_round(NUMBER, OTHER_SECRET),), (DRAND,), id="of another network"),
    ],
)
def test_a_draw_mixes_exactly_what_its_plan_named(beacons: tuple[records.Beacon, ...], locked: tuple[str, ...]) -> None:
    forged = Drawn(*beacons, locked=locked)
    found = forged.found(forged.stamp())
    assert (found["4.draw"][0], "beacons" in found["4.draw"][1]) == (FAILS, True)
    if not any(isinstance(one, records.DrandRound) for one in beacons) and DRAND in locked:
        assert found["3.drand"][0] == FAILS


def test_a_draw_without_drand_has_no_such_check() -> None:
    plain = Drawn(locked=())
    found = plain.found()
    assert ("3.drand" not in found, found["4.draw"][0]) == (True, HOLDS)


def test_a_training_that_began_before_the_round_fails(one: Drawn) -> None:
    late = "2026-12-01T13:00:00Z"
    forged = Drawn(drand_round(network().round_after(late)))
    result, reason = forged.found(forged.stamp(late))["3.drawn"]
    assert (result, "drand round that drew" in reason) == (FAILS, True)
    assert outcome(level3.checks(one.subject()), "3.drawn")[0] == UNCHECKED
