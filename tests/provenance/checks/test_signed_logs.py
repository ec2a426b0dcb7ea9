"""Level 2, check by check: what is signed by whom, and one log without gap or fork."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import make_entry
from registry.core.remedies import Remedy
from registry.provenance.checks import level2
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.checks.target.withdrawals import taken_back
from tests.support.forgery import OtherKey, put, replaced, signed, way_back
from tests.support.old_release import OldRelease, outcome

TIME, LATER = "2026-12-01T12:00:00Z", "2026-12-01T12:00:01Z"
NOWHERE = cid_of(b"nowhere", DAG_CBOR)


@pytest.fixture
def one() -> OldRelease:
    return OldRelease()


def found(one: OldRelease, id: str, *more: CID, **fields: Any) -> tuple[str, str]:
    return outcome(level2.checks(one.subject(more, **fields)), id)


def withdrawal(target: bytes, reason: str = "asked for", remedy: Remedy = "notice") -> records.Withdrawal:
    return records.Withdrawal(target=target, reason=reason, remedy=remedy, effective=TIME)


def next_entry(one: OldRelease, record: records.Record, time: str = TIME) -> CID:
    """The entry after the release's, by its issuer."""
    said, first = put(one, records.encode(record)), way_back(one, one.entry)[-1]
    return put(one, records.encode(make_entry(one.key, 3, one.entry, first, said, time)))


def unsigned(one: OldRelease, cid: CID, **fields: Any) -> CID:
    """An entry changed, and not signed again."""
    return put(one, records.encode(msgspec.structs.replace(one.at(cid), **fields)))


def resigned(one: OldRelease, cid: CID, **fields: Any) -> CID:
    """Another entry in its place, rightly signed."""
    return put(one, signed(one, msgspec.structs.replace(one.at(cid), **fields)))


def test_an_honest_log_holds_and_says_what_it_holds(one: OldRelease) -> None:
    found = {check.id: (check.result, check.reason) for check in level2.checks(one.subject())}
    assert found["2.signatures"] == (HOLDS, "3 entries: 1 issuer, 1 plan, 1 release")
    assert found["2.issuer"] == (HOLDS, one.key.did)
    assert found["2.log"] == (HOLDS, "2 entries")
    assert (found["2.times"][0], "clock" in found["2.times"][1]) == (HOLDS, True)
    assert found["2.withdrawals"][0] == HOLDS
    assert [id for id, (result, _) in found.items() if result == UNCHECKED] == ["2.labels", "2.query"]


@pytest.mark.parametrize("id", ["2.signatures", "2.issuer", "2.log", "2.times", "2.withdrawals"])
def test_what_nobody_signed_is_not_checked(one: OldRelease, id: str) -> None:
    result, reason = found(one, id, entry=None)
    assert (result, "no signed entry" in reason) == (UNCHECKED, True)


def test_a_newer_record_is_not_said_to_be_unsigned(one: OldRelease) -> None:
    data = records.encode(one.view.release)
    newer = put(one, data.replace(b"\x61v\x01", b"\x61v\x02"))
    assert newer != one.record
    result, reason = found(one, "2.signatures", entry=None, record=newer, roots=[newer])
    assert (result, "newer" in reason) == (UNCHECKED, True)


def test_every_entry_at_hand_is_verified(one: OldRelease) -> None:
    plan = one.view.release.plan_entry
    broken = unsigned(one, plan, issued_at=LATER)
    assert found(one, "2.signatures", broken)[0] == FAILS
    assert found(one, "2.signatures", entry=unsigned(one, one.entry, issued_at=LATER), log_entries=[])[0] == FAILS
    one.store.put(plan, one.store.get(broken))  # as if its CID were that of these bytes
    assert found(one, "2.signatures", log_entries=[])[0] == FAILS


def test_the_plans_entry_is_demanded(one: OldRelease) -> None:
    plan_entry = one.view.release.plan_entry
    del one.store.all[plan_entry]
    result, reason = found(one, "2.signatures", log_entries=[])
    assert (result, str(plan_entry) in reason) == (UNCHECKED, True)


def test_an_entry_says_this_record_and_is_of_whom_was_asked_for(one: OldRelease) -> None:
    assert found(one, "2.issuer", issuer=one.key.did) == (HOLDS, one.key.did)
    assert found(one, "2.issuer", issuer=OtherKey().did) == (FAILS, f"signed by {one.key.did}, not by {OtherKey().did}")
    again = put(one, records.encode(msgspec.structs.replace(one.view.release, licence="none")))
    result, reason = found(one, "2.issuer", record=again)
    assert (result, str(one.entry) in reason, "another record" in reason) == (FAILS, True, True)


def test_the_plan_was_signed_by_the_releases_issuer_and_is_the_draws(one: OldRelease) -> None:
    release, plan = one.view.release, one.view.plan
    theirs = OtherKey().says(one, plan)
    forged = msgspec.structs.replace(release, plan_entry=theirs)
    entry = resigned(one, one.entry, record=put(one, records.encode(forged)))
    result, reason = found(one, "2.issuer", entry=entry, record=records.cid(forged))
    assert (result, reason) == (FAILS, f"the plan was signed by {OtherKey().did}, the release by {one.key.did}")
    other = put(one, records.encode(msgspec.structs.replace(plan, seed=plan.seed + 1)))
    forged = msgspec.structs.replace(release, plan_entry=resigned(one, release.plan_entry, record=other))
    entry = resigned(one, one.entry, record=put(one, records.encode(forged)))
    result, reason = found(one, "2.issuer", entry=entry, record=records.cid(forged), log_entries=[])
    assert (result, "another plan" in reason) == (FAILS, True)


def test_who_else_signed_what_is_told_in_order(one: OldRelease) -> None:
    seven, nine = OtherKey(7), OtherKey(9)
    theirs = [seven.says(one, withdrawal(b"\1" * 32)), nine.says(one, withdrawal(b"\2" * 32))]
    theirs.append(put(one, records.encode(make_entry(nine, 0, None, None, NOWHERE, TIME))))
    told = sorted([f"1 withdrawal by {seven.did}", f"1 withdrawal by {nine.did}"])
    result, reason = found(one, "2.issuer", *theirs[:2])
    assert (result, reason.startswith(one.key.did), reason.endswith("; ".join(told))) == (HOLDS, True, True)
    result, reason = found(one, "2.issuer", *theirs)
    assert (result, "also holds 1 " in reason, f"by {nine.did}" in reason) == (FAILS, True, True)
    assert "withdrawal" not in reason


def test_the_newest_entry_leads_back_to_the_plan_by_way_of_the_release(one: OldRelease) -> None:
    newest = next_entry(one, withdrawal(b"\1" * 32))
    assert found(one, "2.log", newest=newest) == (HOLDS, "3 entries")
    plan = one.view.release.plan_entry
    assert found(one, "2.log", newest=plan)[0] == FAILS
    assert "target's entry" in found(one, "2.log", newest=plan)[1]
    missing = put(one, records.encode(make_entry(one.key, 9, NOWHERE, way_back(one, plan)[-1], one.record, LATER)))
    result, reason = found(one, "2.log", newest=missing)
    assert (result, "is missing" in reason, "is not here" in reason) == (FAILS, True, True)


def test_a_snapshots_log_is_walked_from_its_own_entry(one: OldRelease) -> None:
    snapshot = one.view.preprocessing.snapshot
    entry = next_entry(one, one.view.snapshot)
    assert one.at(entry).record == snapshot
    assert found(one, "2.log", entry, entry=entry, record=snapshot) == (HOLDS, "1 entry")


@pytest.mark.parametrize(
    ("place", "fields", "said"),
    [
        (0, {"issued_at": LATER}, "name different first entries"),
        (1, {"issued_at": LATER}, "two different entries 1"),
        (2, {"issued_at": LATER}, "two different entries 2"),
    ],
)
def test_two_entries_of_one_place_are_a_fork(one: OldRelease, place: int, fields: Any, said: str) -> None:
    cid = way_back(one, one.entry)[::-1][place]
    result, reason = found(one, "2.log", resigned(one, cid, **fields))
    assert (result, said in reason, "the log forks" in reason) == (FAILS, True, True)


def test_an_entry_that_follows_another_one_than_the_one_at_hand_is_a_fork(one: OldRelease) -> None:
    other = resigned(one, one.entry, issued_at=LATER)
    after = make_entry(one.key, 3, other, way_back(one, one.entry)[-1], NOWHERE, LATER)
    cid = put(one, records.encode(after))
    result, reason = found(one, "2.log", cid)
    assert (result, f"entry 3 of {one.key.did} follows another entry 2" in reason) == (FAILS, True)
    beyond = make_entry(one.key, 5, NOWHERE, way_back(one, one.entry)[-1], NOWHERE, LATER)
    assert found(one, "2.log", put(one, records.encode(beyond)))[0] == HOLDS  # those between are not at hand


def test_a_strangers_fork_in_the_file_is_a_fork_too(one: OldRelease) -> None:
    other = OtherKey()
    theirs = [other.says(one, withdrawal(bytes([number]) * 32)) for number in (1, 2)]
    result, reason = found(one, "2.log", *theirs)
    assert (result, other.did in reason) == (FAILS, True)


def test_times_run_along_the_log(one: OldRelease) -> None:
    plan = one.view.release.plan_entry
    assert found(one, "2.times", entry=one.entry, log_entries=[])[0] == HOLDS
    one.forge(replaced(plan, one.at(plan), issued_at=LATER))
    result, reason = found(one, "2.times")
    assert (result, reason) == (FAILS, f"entry 2 was issued at {TIME}, before entry 1, at {LATER}")


def test_one_entry_alone_has_no_order_in_time(one: OldRelease) -> None:
    snapshot = one.view.preprocessing.snapshot
    entry = next_entry(one, one.view.snapshot)
    assert found(one, "2.times", entry=entry, record=snapshot, log_entries=[]) == (HOLDS, "")


def test_only_who_may_takes_something_back(one: OldRelease) -> None:
    image = next(iter(one.subject().rows(one.view.snapshot.items)))["sha256"]
    assert isinstance(image, bytes)
    theirs = OtherKey().says(one, withdrawal(image))
    result, reason = found(one, "2.withdrawals", theirs)
    assert (result, OtherKey().did in reason, image.hex() in reason) == (HOLDS, True, False)
    told = reason
    mine = next_entry(one, withdrawal(image))
    result, reason = found(one, "2.withdrawals", theirs, mine)
    assert (result, reason.startswith(f"1 withdrawal: image {image.hex()}; ")) == (HOLDS, True)
    assert reason.partition("; ")[2] == told.partition("; ")[2]  # what a stranger's is told to do is the same
    assert reason.partition("; ")[2].startswith("1 has no effect, because ")
    whole = next_entry(one, withdrawal(bytes(one.record)))
    assert found(one, "2.withdrawals", whole) == (HOLDS, "1 withdrawal: release")


def test_what_its_own_issuer_takes_back_twice_is_no_strangers_withdrawal(one: OldRelease) -> None:
    image = next(iter(one.subject().rows(one.view.snapshot.items)))["sha256"]
    assert isinstance(image, bytes)
    first = next_entry(one, withdrawal(image))
    again = next_entry(one, withdrawal(image, remedy="remove_bytes"))
    assert found(one, "2.withdrawals", first, again) == (HOLDS, f"2 withdrawals: image {image.hex()}")
    told = [(what["what"], what["remedy"]) for what in taken_back(one.subject([first, again]))]
    assert told == [(f"image {image.hex()}", "remove_bytes")]


def test_what_a_query_left_out_nothing_shows(one: OldRelease) -> None:
    requested = {check.id: check.requested for check in level2.checks(one.subject())}
    assert (requested["2.query"], requested["2.labels"], requested["2.log"]) == (False, False, True)
    plan = one.view.release.plan_entry
    of_plan = one.subject(entry=plan, record=one.at(plan).record, roots=[plan])
    assert {"2.query", "2.labels"}.isdisjoint(check.id for check in level2.checks(of_plan))
