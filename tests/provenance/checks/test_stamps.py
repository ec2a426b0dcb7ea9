"""3.evidence, 3.stamped and 3.order by timestamps: what an honest one shows, each contradiction, and what stays open.

Evidence of kind ``rfc3161`` is read here as if its statement had been proven; the proofs have tests of their own.
"""

from __future__ import annotations

from typing import Any

import pytest

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.log import make_entry
from registry.provenance.checks import level3
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.checks.stamps import MOST
from registry.provenance.evidence import verify
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust
from tests.provenance.checks.test_anchors_and_times import FIRST, SECOND, Anchored, FakeChain
from tests.support.forgery import put
from tests.support.old_release import OldRelease

BEFORE, PLANNED, LATER, LAST = (f"2026-12-01T{time}:00Z" for time in ("11:50", "12:01", "12:30", "12:40"))
MOMENTS = "2026-12-01T12:01:01Z"


class Stamped(OldRelease):
    """The release with evidence beside it."""

    def stamp(self, entry: CID, time: str, by: str = "A", kind: str = "rfc3161") -> CID:
        statement = {"time": time, "authority": by}
        return put(
            self, records.encode(records.Evidence(entry=bytes(entry), kind=kind, statement=statement, proof=None))
        )

    @property
    def plan(self) -> CID:
        return self.view.release.plan_entry

    def found(self, *evidence: CID, **fields: Any) -> dict[str, tuple[str, str]]:
        subject = self.subject(**{"evidence": evidence, "newest": None, **fields})
        return {check.id: (check.result, check.reason) for check in level3.checks(subject)}


def stated(evidence: records.Evidence, trust: Trust) -> Shown:
    """As if a proof had said the same; of a stranger and a forger as they are."""
    by = str(evidence.statement["authority"])
    if by == "stranger":
        raise NoTrustRoot("no trust root for stranger")
    if by == "forger":
        raise Untrusted("the timestamp of forger does not verify")
    within = 7200 if evidence.kind == "opentimestamps" else 300
    return Shown(kind=evidence.kind, entry=CID.decode(evidence.entry), by=by, time=evidence.time, within=within)


@pytest.fixture(autouse=True)
def taken_as_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "KINDS", {"rfc3161": stated, "opentimestamps": stated})


@pytest.fixture(scope="module")
def one() -> Stamped:
    return Stamped()


def test_without_such_evidence_there_is_nothing_to_check(one: Stamped) -> None:
    assert {"3.evidence", "3.stamped"} & one.found().keys() == set()


def test_without_a_chain_stamps_show_the_order(one: Stamped) -> None:
    found = one.found(one.stamp(one.plan, PLANNED), one.stamp(one.entry, LATER))
    assert [found[id][0] for id in ("3.evidence", "3.stamped", "3.order")] == [HOLDS] * 3
    assert f"plan at {PLANNED} by A, release at {LATER} by A" in found["3.order"][1]
    assert "was there at" in found["3.evidence"][1]
    offline = one.found(one.stamp(one.plan, PLANNED), one.stamp(one.entry, LATER), offline=True)
    assert offline["3.order"][0] == HOLDS


def test_a_plan_stamped_after_its_release_fails(one: Stamped) -> None:
    found = one.found(one.stamp(one.plan, LATER), one.stamp(one.entry, PLANNED))
    assert found["3.order"][0] == FAILS
    assert one.found(one.stamp(one.plan, MOMENTS), one.stamp(one.entry, PLANNED))["3.order"][0] == FAILS


def test_two_authorities_clocks_may_differ_by_a_little(one: Stamped) -> None:
    near = one.found(one.stamp(one.plan, MOMENTS, "A"), one.stamp(one.entry, PLANNED, "B"))
    assert near["3.order"][0] == UNCHECKED
    far = one.found(one.stamp(one.plan, LATER, "A"), one.stamp(one.entry, PLANNED, "B"))
    assert far["3.order"][0] == FAILS


def test_an_authority_that_stamped_the_plan_late_alarms_nobody_where_another_was_in_time(one: Stamped) -> None:
    found = one.found(
        *(one.stamp(one.plan, PLANNED, "A"), one.stamp(one.plan, LAST, "B")),
        *(one.stamp(one.entry, LATER, "A"), one.stamp(one.entry, LATER, "B")),
    )
    assert [found[id][0] for id in ("3.evidence", "3.stamped", "3.order")] == [HOLDS] * 3


def test_trainings_before_the_plans_stamp_fail_and_bitcoins_hours_do_not(one: Stamped) -> None:
    late = one.found(one.stamp(one.plan, LATER))["3.stamped"]
    assert (late[0], f"only at {LATER}" in late[1]) == (FAILS, True)
    hours = one.found(one.stamp(one.plan, "2026-12-01T16:00:00Z", "a block", "opentimestamps"))["3.stamped"]
    assert (hours[0], "after trainings had begun" in hours[1]) == (UNCHECKED, True)


def test_a_stamp_from_before_its_entry_contradicts_it(one: Stamped) -> None:
    found = one.found(one.stamp(one.plan, BEFORE))["3.evidence"]
    assert (found[0], "but A shows it at" in found[1]) == (FAILS, True)
    block = one.found(one.stamp(one.plan, BEFORE, "a block", "opentimestamps"))["3.evidence"]
    assert block[0] == HOLDS, "a block's clock may be wrong by two hours"


def test_who_is_not_trusted_is_named_and_a_forgery_fails_beside_what_holds(one: Stamped) -> None:
    stranger = one.stamp(one.plan, PLANNED, "stranger")
    alone = one.found(stranger)
    assert alone["3.evidence"] == (UNCHECKED, "no trust root for stranger")
    assert (alone["3.stamped"][0], alone["3.order"][0]) == (UNCHECKED, UNCHECKED)
    beside = one.found(stranger, one.stamp(one.plan, PLANNED))["3.evidence"]
    assert (beside[0], "not checked: no trust root for stranger" in beside[1]) == (HOLDS, True)
    assert one.found(one.stamp(one.plan, PLANNED), one.stamp(one.plan, PLANNED, "forger"))["3.evidence"][0] == FAILS


def test_so_much_evidence_is_looked_at_and_the_rest_is_said(one: Stamped) -> None:
    many = [one.stamp(one.plan, PLANNED, f"authority {number}") for number in range(MOST + 1)]
    result, reason = one.found(*many)["3.evidence"]
    assert (result, f"there are {MOST + 1} pieces of evidence" in reason) == (HOLDS, True)


def test_a_later_entry_that_was_stamped_alone_is_not_looked_for_on_the_chain() -> None:
    """A registry that set up an authority after its release was anchored: its later entries are stamped."""
    anchored = Anchored()
    release = anchored.at(anchored.entry)
    first = CID.decode(release.log or b"")
    later = make_entry(anchored.key, release.seq + 1, anchored.entry, first, anchored.record, LATER)
    cid = put(anchored, records.encode(later))
    statement = {"time": LAST, "authority": "A"}
    evidence = records.Evidence(entry=bytes(cid), kind="rfc3161", statement=statement, proof=None)
    stamp = put(anchored, records.encode(evidence))
    chain = FakeChain({anchored.plan_entry: FIRST, anchored.entry: SECOND})
    subject = anchored.subject([cid], evidence=[*anchored.seen(), stamp], chain=chain, newest=cid)
    found = {check.id: check.result for check in level3.checks(subject)}
    assert (found["3.order"], found["3.evidence"]) == (HOLDS, HOLDS)
