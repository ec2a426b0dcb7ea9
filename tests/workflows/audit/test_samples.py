"""What draws a sample: a beacon that nobody knew when the release was made, never what a file alone states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from registry.core.errors import UsageError
from registry.core.records import DrandRound
from registry.core.sampling import Sample
from registry.provenance.checks.target.deep import DeepOptions
from registry.workflows.audit.audit_target import audit_target
from tests.support.beacons import NEWEST, MemoryBeacons
from tests.support.forgery import Released, reason_of, simulated_release


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("samples")) as made:
        yield made


def drawn(made: Released, *, offline: bool = False, **asked: Any) -> Sample:
    deep = replace(DeepOptions(sample=4), **asked)
    report = audit_target(made.home, str(made.entry), level=5, deep=deep, offline=offline)
    assert report.sample is not None
    assert report.sample.source in reason_of(report, "5.pixels")
    said = report.to_json()["sample"]
    assert (said["count"], said["seed"]) == (4, report.sample.seed.hex())
    return report.sample


def test_two_auditors_with_one_round_draw_the_same(one: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(one.home.__dict__, "beacons", MemoryBeacons("honest"))
    monkeypatch.setattr(MemoryBeacons, "round_after", lambda self, time: NEWEST + 1)
    first = drawn(one)
    assert isinstance(first.beacon, DrandRound)
    assert first.beacon.round == NEWEST
    assert drawn(one) == first
    assert drawn(one, round=NEWEST) == first
    assert drawn(one, round=NEWEST - 1).seed != first.seed


def test_without_a_beacon_the_auditor_chose_and_the_audit_says_so(
    one: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in ({}, {"offline": True}, {"fresh": True}):
        first, second = (drawn(one, **options) for _ in range(2))
        assert (first.beacon, first.source[:25]) == (None, "by the auditor's own seed")
        assert first.seed != second.seed
    monkeypatch.setitem(one.home.__dict__, "beacons", MemoryBeacons("silent"))
    assert drawn(one).beacon is None
    assert drawn(one, offline=True).beacon is None


def test_a_round_that_is_asked_for_needs_a_network(one: Released) -> None:
    with pytest.raises(UsageError, match="no drand network"):
        drawn(one, round=7)
