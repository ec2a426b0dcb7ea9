"""What evidence of anchors contradicts shows without a chain; honest evidence raises no alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import make_entry
from registry.provenance.checks.results import FAILS, UNCHECKED
from registry.workflows.audit.audit_target import audit_car
from tests.support.forged_evidence import EARLY, LATE, LATER, Anchored
from tests.support.forgery import (
    Released,
    car_of,
    failed,
    forge,
    put,
    reason_of,
    replaced,
    results,
    way_back,
)


def test_honest_evidence_is_no_false_alarm(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    report = one.report(tmp_path / "a.car", one.evidence(one.plan_entry), one.evidence(one.entry, **LATER))
    found = {id: result for id, result in results(report).items() if id.startswith("3.")}
    assert [id for id, result in found.items() if result == FAILS] == []
    assert {id for id, result in found.items() if result == UNCHECKED} == {"3.order", "3.beacon"}


def test_what_this_version_can_not_check_yet_is_told(released: Released, tmp_path: Path) -> None:
    drand = records.DrandRound(chain="ab" * 32, round=12345, signature=b"s" * 48)
    one = Anchored(released, drand)
    report = one.report(tmp_path / "a.car", one.evidence(one.plan_entry), one.evidence(one.entry, **LATER))
    assert [id for id in failed(report) if id.startswith("3.")] == []
    assert f"the key of drand {'ab' * 32} is not known here" in reason_of(report, "3.drand")
    assert results(report)["3.drand"] == UNCHECKED


def of_kind(one: Anchored, **other: Any) -> CID:
    """Evidence of the release's entry, changed without asking whether it can be so."""
    said = records.to_value(records.Evidence(entry=bytes(one.entry), kind="rfc3161", statement={}, proof=b"token"))
    return put(one.home, encoding.encode({**said, **other}))


@pytest.mark.parametrize("rooted", [True, False])
def test_evidence_of_a_kind_that_its_version_has_not_fails(released: Released, rooted: bool, tmp_path: Path) -> None:
    one = Anchored(released)
    seen = [one.evidence(one.plan_entry), of_kind(one, kind="stamped")]
    report = one.report(tmp_path / "a.car", *seen, rooted=rooted)
    assert failed(report) == ["1.records"]
    assert "'stamped' is no kind of it" in reason_of(report, "1.records")


def test_evidence_of_a_newer_version_is_not_checked(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    report = one.report(tmp_path / "a.car", one.evidence(one.plan_entry), of_kind(one, kind="stamped", v=2))
    assert failed(report) == []
    assert report.records == "undecided"


def test_evidence_of_an_entry_that_is_not_in_the_file_fails(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    own = records.parse_as(records.Entry, one.home.store.get(one.entry))
    first = way_back(one.home, one.entry)[-1]
    elsewhere = make_entry(one.home.key, own.seq + 1, one.entry, first, own.record, LATE)
    report = one.report(tmp_path / "a.car", one.evidence(cid_of(records.encode(elsewhere), DAG_CBOR), **LATER))
    assert "1.complete" in failed(report)
    assert "holds evidence of entry" in reason_of(report, "1.complete")


@pytest.mark.parametrize(
    ("beacon", "plan", "release", "check"),
    [
        pytest.param({}, None, LATER, "3.beacon", id="a beacon without evidence"),
        pytest.param({}, {"block_hash": "0x" + "9" * 64}, LATER, "3.beacon", id="another block"),
        pytest.param({}, {"block_number": 11}, LATER, "3.beacon", id="another number"),
        pytest.param({}, {"transaction": "0x" + "9" * 64}, LATER, "3.beacon", id="another transaction"),
        pytest.param({"chain": "eip155:2"}, {"chain": "eip155:2"}, LATER, "3.named", id="another chain"),
        pytest.param({}, {}, {**LATER, "chain": "eip155:2"}, "3.named", id="the release on another chain"),
        pytest.param({}, {}, {**LATER, "contract": "0x" + "9" * 40}, "3.named", id="another contract"),
        pytest.param({}, {}, {**LATER, "block_number": 10}, "3.order", id="both in one block"),
        pytest.param({}, {}, {**LATER, "block_number": 9}, "3.order", id="the release first"),
        pytest.param({}, {}, {**LATER, "time": EARLY}, "3.anchored", id="a later block of an earlier time"),
        pytest.param({"time": EARLY}, {"time": EARLY}, LATER, "3.anchored", id="a block older than the plan"),
        pytest.param({"time": LATE}, {"time": LATE}, LATER, "3.drawn", id="trained before the draw's block"),
    ],
)
def test_what_evidence_contradicts_shows_without_a_chain(
    released: Released, beacon: Any, plan: Any, release: Any, check: str, tmp_path: Path
) -> None:
    one = Anchored(released, **beacon)
    evidence = [] if plan is None else [one.evidence(one.plan_entry, **plan)]
    report = one.report(tmp_path / "a.car", *evidence, one.evidence(one.entry, **release))
    assert check in failed(report), reason_of(report, check)
    assert report.exit_code(strict=False) == 1


def test_a_first_entry_that_names_no_chains_opens_no_log(released: Released, tmp_path: Path) -> None:
    home, entry, _ = released
    opening = way_back(home, entry)[-1]
    value = records.parse_as(records.Entry, home.store.get(opening))
    other = put(
        home, records.encode(records.Withdrawal(target=b"\4" * 32, reason="", remedy="notice", effective=EARLY))
    )
    forged = forge(home, entry, replaced(opening, value, record=other))
    assert "3.named" in failed(audit_car(car_of(home, forged, tmp_path / "a.car")))
