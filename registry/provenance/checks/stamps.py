"""Level 3's checks of evidence that has a proof: what verifies, what contradicts the records, and the order it shows.

Evidence is checked against what the auditor trusts (``Subject.trust``). What has no root there is not checked; what is
forged fails, whoever is trusted. Anyone may lay evidence beside a release, so only so many pieces are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.records import WITNESS, Evidence, EvmBlock
from registry.provenance.checks import chain_proofs, times
from registry.provenance.checks.results import Check, Failed, NotChecked, guarded, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence.rfc3161 import KIND as RFC3161
from registry.provenance.evidence.shown import Shown
from registry.provenance.evidence.verify import earliest, verify

MOST = 64  # pieces that are verified


def checks(subject: Subject) -> Iterator[Check]:
    """Both checks, where there is such evidence at all."""
    if guarded(lambda: bool(_proofs(subject)), False):
        yield run("3.evidence", partial(evidence, subject))
    if guarded(lambda: bool(_pieces(subject)), False):
        yield run("3.stamped", partial(stamped, subject))


def _pieces(subject: Subject) -> list[tuple[CID, Evidence]]:
    others = [(cid, one) for cid, one in times.evidence_at_hand(subject) if one.block is None]
    return [(cid, one) for cid, one in others if one.kind != WITNESS]  # see 3.included


def _proofs(subject: Subject) -> list[tuple[CID, Evidence]]:
    """The same, and what proves a chain's anchor."""
    return [*_pieces(subject), *chain_proofs.pieces(subject)]


def shown(subject: Subject) -> list[Shown]:
    """What the evidence that verifies shows."""
    found = []
    for _, one in _pieces(subject)[:MOST]:
        try:
            found.append(verify(one, subject.trust))
        except (NotChecked, EmotionetError):  # 3.evidence says so
            continue
    return found


def evidence(subject: Subject) -> str:
    """3.evidence: each piece verifies, and its time is not before that of the entry in it."""
    pieces = _proofs(subject)
    held, unchecked = list[str](), list[str]()
    for cid, one in pieces[:MOST]:
        try:
            found = chain_proofs.verified(subject, one) if one.block else verify(one, subject.trust)
        except NotChecked as reason:
            unchecked.append(str(reason))
            continue
        entry = subject.entries.get(cid)
        name = f"entry {cid}" if entry is None else f"entry {entry.seq}"
        if entry is not None and found.time is not None and _seconds(found.time, entry.issued_at) > found.within:
            raise Failed(f"{name} was issued at {entry.issued_at}, but {found.by} shows it at {found.time}")
        held.append(f"{name} was there at {found.time}, by {found.by}")
    if len(pieces) > MOST:
        unchecked.append(f"there are {len(pieces)} pieces of evidence, of which {MOST} were looked at")
    if not held:
        raise NotChecked("; ".join(dict.fromkeys(unchecked)))
    return "; ".join([*dict.fromkeys(held), *(f"not checked: {one}" for one in dict.fromkeys(unchecked))])


def stamped(subject: Subject) -> str:
    """3.stamped: the earliest evidence of the plan's own entry against the beginning that each training states."""
    if not subject.is_release:
        raise NotChecked("only a release has a plan and trainings")
    plan = earliest([one for one in shown(subject) if one.entry == subject.plan_entry])
    if plan is None or plan.time is None:
        raise NotChecked("no evidence that verifies here shows when the plan was there")
    for training in subject.release.trainings:
        if _seconds(training.started, plan.time) <= plan.within:
            continue
        if plan.kind != RFC3161 or any(isinstance(one, EvmBlock) for one in subject.release.draw.beacons):
            raise NotChecked(
                f"{plan.by} shows the plan only at {plan.time}, after trainings had begun: another anchor counted"
            )
        raise Failed(
            f"the training of fold {training.fold} began at {training.started}, but {plan.by} shows the plan "
            f"only at {plan.time}"
        )
    return f"the plan was there at {plan.time}, by {plan.by}; trainings {times.OWN_CLOCK}"


def order(subject: Subject) -> str | None:
    """What stamps show of the order of plan and release; None where they show none. ``Failed`` where they show the
    contrary: by one authority's clock, or by clocks that can't differ by so much."""
    found = guarded(partial(shown, subject), list[Shown]())
    plans = [one for one in found if one.entry == subject.plan_entry and one.time]
    own = [one for one in found if one.entry in from_the_release_on(subject) and one.time]
    first, last = earliest(plans), earliest(own)
    if first is None or last is None:
        return None
    one_clock = first.kind == last.kind == RFC3161 and first.by == last.by
    allowed = 0 if one_clock else max(first.within, last.within)
    if _seconds(str(last.time), str(first.time)) > allowed:
        raise Failed(f"{first.by} shows the plan only at {first.time}, {last.by} the release at {last.time}")
    if str(first.time) >= str(last.time):
        return None
    return f"plan at {first.time} by {first.by}, release at {last.time} by {last.by}"


def from_the_release_on(subject: Subject) -> list[CID]:
    """The entries at hand of its log that cover the release, by their place."""
    own = next((entry.seq for cid, entry in subject.own if cid == subject.entry), None)
    return [] if own is None else [cid for cid, entry in subject.own if entry.seq >= own]


def _seconds(earlier: str, later: str) -> float:
    """How much later the second is; negative where it is earlier."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
