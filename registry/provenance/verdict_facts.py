"""What the verdict on a release is made of, read from its records and from the checks of an audit.

Invariants: pure but for ``get``, which verifies; ``people`` reads every row of two tables, nothing else here does. What
a stranger's records say is taken as it stands: the checks say whether it follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from msgspec import structs

from registry.core import records
from registry.core.ipld.dag import Get
from registry.core.run_view import DrawView, ReleaseView
from registry.core.table import tables
from registry.evaluation.facts import ClaimFacts, Facts
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED, Check

PROVES_ORDER = ("3.order",)
OF_BEACONS = ("3.beacon", "3.drand")  # with one of them: the folds were drawn from what followed the plan's anchor
OF_A_CHAIN = ("3.beacon",)
SHOWS_ORDER = ("3.order", "3.evidence", "3.stamped")


class People(NamedTuple):
    """Whom a release's judged images show: persons (None where some image has no subject), and groups of persons and
    near-duplicates."""

    persons: int | None
    groups: int


def people(view: ReleaseView, get: Get) -> People:
    """Of the kept images of a release."""
    kept = {
        row["sha256"]: row["group"]
        for row in tables.rows_as_dicts(view.preprocessing.output, get)
        if row["reason"] is None
    }
    subjects = {row["subject"] for row in tables.rows_as_dicts(view.snapshot.items, get) if row["sha256"] in kept}
    return People(None if None in subjects or not subjects else len(subjects), len(set(kept.values())))


def release_facts(view: ReleaseView, found: People | None = None, withdrawn: Iterable[Mapping[str, Any]] = ()) -> Facts:
    """The facts of a release that nobody audited. ``withdrawn``: documents whose ``what`` says what was taken back."""
    taken = [str(one["what"]) for one in withdrawn]
    return structs.replace(
        run_facts(view, view.evaluation),
        claims=_claims(view.release.claims, view.evaluation, view.evaluation.verdicts),
        persons=found.persons if found else None,
        groups=found.groups if found else None,
        attempts=view.release.attempts,
        withdrawn="release" in taken,
        withdrawn_snapshot=any(one.endswith("snapshot") for one in taken),
        withdrawn_images=sum(one.startswith("image ") for one in taken),
    )


def run_facts(view: DrawView, evaluation: records.Evaluation) -> Facts:
    """The facts of a run that was not published: those of a release of it, but for how often the same was planned."""
    return Facts(
        claims=_claims(evaluation.verdicts, evaluation),
        correction=view.plan.correction,
        images=_sizes(evaluation).get("accuracy"),
        attributes=_compared(evaluation.notes),
        base=_base(view.plan),
        order="unasked" if view.draw.beacons else "journal",
    )


def _claims(
    verdicts: Iterable[records.Verdict], evaluation: records.Evaluation, alone: Sequence[records.Verdict] = ()
) -> tuple[ClaimFacts, ...]:
    """``alone``: the verdicts without correction for attempts, in the same order."""
    sizes = _sizes(evaluation)
    return tuple(
        ClaimFacts(
            **structs.asdict(one),
            n=sizes.get(one.metric),
            alone=other.verdict if other is not None and other.verdict != one.verdict else None,
        )
        for one, other in zip_longest(verdicts, alone)
        if one is not None
    )


def _sizes(evaluation: records.Evaluation) -> dict[str, int]:
    return {one.name: one.n for one in (*evaluation.fairness, *evaluation.metrics)}


def audited(facts: Facts, checks: Sequence[Check], outcome: str) -> Facts:
    """The same after an audit. ``outcome``: what ``Report.records`` says."""
    results = {one.id: one.result for one in checks}
    failed = [one.id for one in checks if one.result == FAILS]
    if outcome == "broken" and not failed:  # nothing speaks against it, but what must be looked at could not be
        failed = [one.id for one in checks if one.lacking]
    if outcome == "broken" and not failed:
        failed = [one.id for one in checks if one.level <= 2 and one.requested and one.result == UNCHECKED]
    stamped = all(results.get(id) == HOLDS for id in SHOWS_ORDER)
    beacons = OF_A_CHAIN if stamped else OF_BEACONS  # a stamp and a round of drand take the word of a clock
    drawn = any(results.get(id) == HOLDS for id in beacons)
    proven = drawn and all(results.get(id) == HOLDS for id in PROVES_ORDER)
    return structs.replace(
        facts,
        records=outcome,
        failed=tuple(failed),
        levels=tuple(level for level in range(1, 9) if _looked_at(level, checks, proven or stamped)),
        order=("proven" if proven else "stamped" if stamped else facts.order) if facts.order else None,
        attempts_stated=results.get("4.attempts") != HOLDS,
        images_open=results.get("1.images") == UNCHECKED,
    )


def _looked_at(level: int, checks: Sequence[Check], proven: bool) -> bool:
    """Level 3 counts where a chain was asked, or a timestamp verified: otherwise it compares the issuer's own words
    with each other."""
    if level == 3:
        return proven
    return any(one.level == level and one.result != UNCHECKED for one in checks)


def _compared(notes: Sequence[records.Note]) -> tuple[str, ...] | None:
    for note in notes:
        if note.code == "classes_only":
            return ()
        if note.code == "compared":
            names = note.values.get("attributes")
            return tuple(map(str, names)) if isinstance(names, tuple) else ()
    return None


def _base(plan: records.Plan) -> str | None:
    if plan.base is None:
        return None
    if plan.origin is None or plan.origin.seen is None:
        return "unknown"
    return "known" if plan.origin.whole else "partly"
