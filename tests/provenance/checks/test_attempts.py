"""Level 4's count of attempts: what the log gives, where the whole log is at hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.log import make_entry
from registry.provenance.checks.level4 import attempts
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED, Check
from tests.support.forgery import put, replaced
from tests.support.old_release import OldRelease

EARLY, TIME = "2026-12-01T11:00:00Z", "2026-12-01T12:00:00Z"


@pytest.fixture
def one() -> OldRelease:
    return OldRelease()


def found(one: OldRelease, **fields: Any) -> Check:
    (check,) = attempts.checks(one.subject(**fields))
    return check


def planned_before(one: OldRelease, time: str, **fields: Any) -> None:
    """Another plan of the same, said between the opening and the release's plan."""
    other = msgspec.structs.replace(one.view.plan, **{"seed": 99, **fields})
    plan = one.at(one.view.release.plan_entry)
    assert plan.prev is not None
    first = CID.decode(plan.prev)
    entry = make_entry(one.key, 1, first, first, put(one, records.encode(other)), time)
    cid = put(one, records.encode(entry))
    last = one.at(one.entry)
    one.forge(
        replaced(one.view.release.plan_entry, plan, seq=2, prev=bytes(cid)) | replaced(one.entry, last, seq=3),
    )


def states(one: OldRelease, count: int, number: int) -> None:
    said = records.Attempts(count=count, number=number)
    if said != one.view.release.attempts:
        one.forge(replaced(one.record, one.view.release, attempts=said))


def test_a_first_attempt_is_counted_in_the_whole_log(one: OldRelease) -> None:
    assert (found(one).result, found(one).requested) == (HOLDS, True)


@pytest.mark.parametrize(
    ("count", "number", "result"), [(2, 2, HOLDS), (1, 1, FAILS), (2, 1, FAILS), (3, 2, FAILS), (1, 2, FAILS)]
)
def test_an_earlier_plan_of_the_same_counts(one: OldRelease, count: int, number: int, result: str) -> None:
    planned_before(one, EARLY)
    states(one, count, number)
    assert found(one).result == result


def test_a_plan_with_other_claims_is_no_attempt_at_the_same(one: OldRelease) -> None:
    planned_before(one, EARLY, claims=())
    assert found(one).result == HOLDS


@pytest.mark.parametrize(("count", "number"), [(0, 0), (1, 0), (-1, 1)])
def test_numbers_that_can_not_be_are_refused_without_the_log(one: OldRelease, count: int, number: int) -> None:
    states(one, count, number)
    assert found(one, entry=None).result == FAILS


def test_where_the_log_is_not_whole_nobody_can_count(one: OldRelease, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (found(one, entry=None).result, found(one, entry=None).requested) == (UNCHECKED, False)
    monkeypatch.setattr(attempts, "MAX_ENTRIES", 1)
    assert (found(one).result, found(one).requested) == (UNCHECKED, False)


def test_what_is_no_release_has_no_attempts(one: OldRelease) -> None:
    plan = one.view.release.plan_entry
    check = found(one, entry=plan, record=one.at(plan).record, roots=[plan])
    assert (check.result, check.requested) == (UNCHECKED, False)


def test_the_log_says_the_releases_own_plan(one: OldRelease) -> None:
    other = put(one, records.encode(msgspec.structs.replace(one.view.plan, seed=99)))
    entry = one.at(one.view.release.plan_entry)
    one.forge(replaced(one.view.release.plan_entry, entry, record=other))
    assert found(one).result == FAILS


def signed_before(one: OldRelease, time: str) -> None:
    """The release's own plan, signed once before."""
    planned_before(one, time, seed=one.view.plan.seed)


@pytest.mark.parametrize(("count", "number", "result"), [(2, 1, HOLDS), (1, 1, FAILS)])
def test_a_plan_that_is_signed_again_is_another_attempt(one: OldRelease, count: int, number: int, result: str) -> None:
    """Its folds may be drawn anew, from another block, as often as somebody likes."""
    signed_before(one, EARLY)
    states(one, count, number)
    assert found(one).result == result


@pytest.mark.parametrize(("time", "days"), [(EARLY, 0), ("2026-10-22T11:00:00Z", 40)])
def test_an_earlier_attempt_that_became_no_release_is_told_with_its_age(one: OldRelease, time: str, days: int) -> None:
    assert attempts.abandoned(one.subject()) == ()
    planned_before(one, time)
    assert attempts.abandoned(one.subject()) == (days,)


def test_a_plan_of_something_else_is_no_abandoned_attempt(one: OldRelease) -> None:
    planned_before(one, EARLY, claims=())
    assert attempts.abandoned(one.subject()) == ()
