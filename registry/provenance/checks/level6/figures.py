"""Level 6's checks of figures: each is computed again from the published predictions, and is equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from registry.core.records import Verdict, to_value
from registry.core.table import tables
from registry.core.text.claim_text import threshold_text
from registry.core.text.cleaning import counted
from registry.evaluation.correction import release_claims
from registry.evaluation.result import Result
from registry.evaluation.verdict_text import plain
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, once, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.release_view import evaluate_draw


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""

    @once
    def again() -> Result:
        subject.check_sizes()
        release = subject.release
        stated = release.evaluation
        return evaluate_draw(subject.get, release.release.draw, stated.predictions, stated.trainings)

    yield run(
        "6.metrics",
        partial(metrics, subject, again),
    )
    yield run("6.thresholds", partial(thresholds, subject, again))
    yield run("6.confusion", partial(confusion, subject, again))
    yield run(
        "6.optimistic",
        partial(optimistic, subject, again),
    )
    yield run(
        "6.repeats",
        partial(repeats, subject, again),
    )
    yield run("6.overfitting", partial(overfitting, subject, again))
    yield run("6.curves", partial(curves, subject, again))
    yield run("6.fairness", partial(fairness, subject, again))
    yield run("6.tests", partial(tests, subject, again))
    yield run("6.verdicts", partial(verdicts, subject, again))


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise NotChecked("only a release has figures")


def _same(what: str, stated: Any, found: Any) -> None:
    for one, other in zip(stated, found, strict=False):
        name = plain(str(getattr(one, "name", getattr(one, "metric", ""))))
        equal(f"{what} {name}".rstrip(), to_value(one), to_value(other))
    equal(f"number of {what}", len(stated), len(found))


def metrics(subject: Subject, again: Any) -> str:
    """6.metrics: pooled and per fold, with their intervals and counts."""
    _release(subject)
    stated = subject.release.evaluation
    _same("metric", stated.metrics, again().metrics)
    equal("number of folds", len(stated.per_fold), len(again().per_fold))
    for one, other in zip(stated.per_fold, again().per_fold, strict=True):
        _same("metric", one, other)
    _same("metric of unseen images", stated.unseen, again().unseen)
    _same("metric of seen images", stated.seen, again().seen)
    return counted(len(stated.metrics), "metric")


def thresholds(subject: Subject, again: Any) -> str:
    """6.thresholds: by fold, and of weights that no fold judged."""
    _release(subject)
    stated = subject.release.evaluation
    equal("thresholds by fold", stated.thresholds, again().thresholds)
    equal("threshold of all", stated.threshold_of_all, again().threshold_of_all)
    return counted(len(stated.thresholds), "fold")


def confusion(subject: Subject, again: Any) -> str:
    """6.confusion: cell by cell, and the images that were called more than one class."""
    _release(subject)
    equal("confusion", subject.release.evaluation.confusion, again().confusion)
    equal("several", subject.release.evaluation.several, again().several)
    return ""


def optimistic(subject: Subject, again: Any) -> str:
    """6.optimistic: the best threshold on the same images, and what it gives."""
    _release(subject)
    _same("optimistic", subject.release.evaluation.optimistic, again().optimistic)
    return ""


def repeats(subject: Subject, again: Any) -> str:
    """6.repeats: what there is of several repeats."""
    _release(subject)
    stated = subject.release.evaluation
    equal("number of repeats", len(stated.per_repeat), len(again().per_repeat))
    for one, other in zip(stated.per_repeat, again().per_repeat, strict=True):
        _same("metric", one, other)
    _same("spread", stated.spread, again().spread)
    return counted(len(stated.per_repeat), "repeat") if stated.per_repeat else "drawn once"


def overfitting(subject: Subject, again: Any) -> str:
    """6.overfitting: from the histories of the release's own trainings, which state their losses themselves."""
    _release(subject)
    release = subject.release
    equal(
        "trainings", [str(one) for one in release.evaluation.trainings], [str(one) for one in release.release.trainings]
    )
    _same("losses", release.evaluation.overfitting, again().overfitting)
    return ""


def curves(subject: Subject, again: Any) -> str:
    """6.curves: point by point."""
    _release(subject)
    stated = {
        row["name"]: row["points"] for row in tables.rows_as_dicts(subject.release.evaluation.curves, subject.get)
    }
    found = dict(again().curves)
    equal("names of curves", sorted(stated), sorted(found))
    for name, points in stated.items():
        if points != found[name]:
            raise Failed(f"curve {name} does not have the recomputed points")
    return counted(len(stated), "curve")


def fairness(subject: Subject, again: Any) -> str:
    """6.fairness: figures and notes."""
    _release(subject)
    _same("figure", subject.release.evaluation.fairness, again().fairness)
    equal("notes", subject.release.evaluation.notes, again().notes)
    return ""


def tests(subject: Subject, again: Any) -> str:
    """6.tests: each group against all other images, with p and its correction."""
    _release(subject)
    _same("test", subject.release.evaluation.tests, again().tests)
    return counted(len(subject.release.evaluation.tests), "group")


def verdicts(subject: Subject, again: Any) -> str:
    """6.verdicts: one for each claim of the plan, in the evaluation, and corrected for attempts in the release."""
    _release(subject)
    release = subject.release
    _same_verdicts(release.evaluation.verdicts, again().verdicts)
    _same_verdicts(release.release.claims, release_claims(release.plan, again(), release.release.attempts.count))
    equal("claims judged", len(release.plan.claims), len(release.evaluation.verdicts))
    return counted(len(release.plan.claims), "claim")


def _same_verdicts(stated: Sequence[Verdict], found: Sequence[Verdict]) -> None:
    """That a claim came out otherwise is said first, and is enough."""
    for one, other in zip(stated, found, strict=False):
        claim = plain(f"{one.metric} {one.comparator} {threshold_text(one.threshold)}")
        equal(f"claim “{claim}”", one.verdict, other.verdict)
        equal(f"claim “{claim}”", to_value(one), to_value(other))
    equal("number of verdicts", len(stated), len(found))
