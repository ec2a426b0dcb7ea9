"""Level 4's check of base weights: which judged images they have seen follows from the records of their trainings.

Records that are not at hand can't be checked. A hidden origin is found only by those who hold the trainings that gave
the same tensors; an unknown origin is reported as unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from registry.core import records
from registry.core.errors import NotFound, Untrusted
from registry.core.ipld.cid import CID
from registry.core.weights import digested, weights_digest
from registry.evaluation.base_seen import UNKNOWN, about_base
from registry.evaluation.sentences import note_text
from registry.provenance.base_lineage import (
    count_seen,
    judged_and_seen,
    lineage_of,
    seen_by_base,
    trained_on,
)
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, run, some
from registry.provenance.checks.target.subject import Subject


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    yield run("4.base", partial(base, subject))


def base(subject: Subject) -> str:
    """4.base: the digest, the table, the counts of plan and trainings, and as far as can be known the lineage."""
    if not subject.is_release:
        raise NotChecked("only a release has base weights")
    plan = subject.release.plan
    if plan.base is None or plan.origin is None:
        told = (plan.base, plan.origin, plan.seen, plan.base_trainings or None)
        if any(one is not None for one in (*told, *(training.base for training in subject.release.trainings))):
            raise Failed("the plan states base weights without an origin, or an origin without base weights")
        return "no base weights: training began from the architecture alone"
    equal("tensors of the base weights", plan.origin.tensors, _digest(subject, plan.base))
    how = _stated(subject, plan)
    _trainings(subject)
    return _lineage(subject, plan, plan.origin, how)


def _digest(subject: Subject, directory: CID) -> str | None:
    """The digest, taken again; None where safetensors are none."""
    try:
        there = subject.reading.names(directory)
        return weights_digest({name: subject.reading.whole(there[name]) for name in digested(there)})
    except Untrusted:
        return None


def _stated(subject: Subject, plan: records.Plan) -> dict[bytes, str]:
    """How each image was seen, as the plan's table says; its counts are those of the plan."""
    assert plan.origin is not None
    if (plan.seen is None) != (plan.origin.seen is None) or bool(plan.base_trainings) != (plan.seen is not None):
        raise Failed(
            "the plan states what the base weights have seen without their trainings, or their trainings without "
            "what they have seen"
        )
    if plan.seen is None:
        return {}
    rows: Any = subject.rows(plan.seen)
    items: Any = subject.rows(subject.release.snapshot.items)
    how: dict[bytes, str] = {row["sha256"]: row["how"] for row in rows}
    equal("seen by the base weights", plan.origin.seen, count_seen(how, items))
    return how


def _trainings(subject: Subject) -> None:
    """Each training says the same of the images that its fold judges."""
    release = subject.release
    judged: dict[int | None, set[bytes]] = {}
    folds: Any = subject.rows(release.draw.folds)
    for row in folds:
        judged.setdefault(row["fold"], set()).add(row["sha256"])
    for training in release.trainings:
        found = seen_by_base(subject.get, release.release.draw, judged.get(training.fold, set()))
        equal(f"seen by the base weights of fold {training.fold}", training.base, found)


def _lineage(subject: Subject, plan: records.Plan, origin: records.Origin, how: dict[bytes, str]) -> str:
    """What the trainings at hand were trained on; ``NotChecked`` where the plan's are not, or nobody's is known."""
    rows: Any = subject.rows(subject.release.preprocessing.output)
    items: Any = subject.rows(subject.release.snapshot.items)
    known = lineage_of(subject.get, subject.trainings_of, origin.tensors)
    more = [key.hex() for key in judged_and_seen(trained_on(subject.get, known.trainings), rows, items).keys() - how]
    if more:
        raise Failed(f"the base weights have seen {some(sorted(more))}, which the plan does not state")
    if not plan.base_trainings:
        raise NotChecked(note_text(UNKNOWN))
    try:
        trained = trained_on(subject.get, [CID.decode(one) for one in plan.base_trainings])
    except NotFound as error:
        reason = "only the issuer states what they have seen: a training of the base weights is not at hand"
        raise NotChecked(f"{reason} ({error})") from error
    found = judged_and_seen(trained, rows, items)
    equal("seen by the base weights", _readable(how), _readable(found))
    return " ".join(map(note_text, about_base(origin)))


def _readable(how: dict[bytes, str]) -> dict[str, str]:
    return {key.hex(): one for key, one in how.items()}
