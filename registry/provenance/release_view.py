"""What follows from a release's records (``core.run_view``): final weights, thresholds, own figures, and the evaluation
made again.

Pure: all reading is through ``get``, which verifies. Used to evaluate a run, to write its card and
report, and by the audit, so that all of them speak of the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.run_view import ReleaseView, draw_view
from registry.core.table import tables
from registry.core.weights import ONNX
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.overfitting import History, history_of
from registry.evaluation.result import Result
from registry.provenance.recipe_numbers import check_evaluation, recipe_count, threshold_rule

_SIX = re.compile(r"0\.[0-9]{6}|1\.000000")


def native_weights(view: ReleaseView) -> list[records.Weights]:
    """The weights as the method gave them; what else is published is the same model in another format."""
    return [one for one in view.release.weights if one.format != ONNX]


def final_weights(view: ReleaseView) -> records.Weights:
    """The weights that the plan fixed beforehand as those people get. ``InvalidInput`` if they are not published."""
    final = view.plan.final
    for weights in native_weights(view):
        fold = records.REFIT if weights.fold is None else f"fold:{weights.fold}"
        if fold == final:
            return weights
    raise InvalidInput(f"this release has no weights of {final}, which its plan names as final")


def thresholds(view: ReleaseView) -> tuple[int, ...]:
    """Each fold's threshold in millionths, as the evaluation states them (level 6 computes them again)."""
    return tuple(_millionths(one) for one in view.evaluation.thresholds)


def threshold_of(view: ReleaseView, fold: int | None) -> int:
    """The threshold, in millionths, of a fold's weights; of a refit's or of an average for None."""
    if fold is None:
        return _millionths(view.evaluation.threshold_of_all)
    found = thresholds(view)
    if not 0 <= fold < len(found):
        raise InvalidInput(f"the evaluation states no threshold of fold {fold}", code="bad_threshold")
    return found[fold]


def final_threshold(view: ReleaseView) -> str:
    """The threshold, as stated, of the published weights; 1 where none is stated."""
    found, number = view.evaluation, view.plan.final.removeprefix("fold:")
    judged = view.plan.final != records.REFIT and number.isdecimal() and int(number) < len(found.thresholds)
    stated = found.thresholds[int(number)] if judged else found.threshold_of_all
    return stated if _SIX.fullmatch(stated) else "1"


def _millionths(text: str) -> int:
    if not _SIX.fullmatch(text):
        raise InvalidInput(f"the evaluation states the invalid threshold {text!r}", code="bad_threshold")
    return int(text.replace(".", ""))


def final_figures(view: ReleaseView) -> tuple[records.Metric, ...] | None:
    """What was judged of the published weights: their fold's figures; None of a refit, which nobody judged."""
    if view.plan.final == records.REFIT:
        return None
    fold = final_weights(view).fold
    if fold is None or not 0 <= fold < len(view.evaluation.per_fold):
        raise InvalidInput(f"the evaluation has no figures of {view.plan.final}", code="bad_evaluation")
    return view.evaluation.per_fold[fold]


def by_name(found: Iterable[records.Figure]) -> dict[str, dict[str, Any]]:
    """Figures as JSON, by name. ``InvalidInput`` (``bad_evaluation``) where a stranger's say two things of one."""
    named: dict[str, dict[str, Any]] = {}
    for one in found:
        shown = one.document()
        if named.setdefault(one.name, shown) != shown:
            raise InvalidInput(
                f"this release's evaluation states two values of {one.name}",
                code="bad_evaluation",
                hint="see `emotionet audit`, which says what follows from the predictions.",
            )
    return named


def _history(get: Get, training: CID, losses: records.LossNames) -> History:
    record = records.parse_as(records.Training, get(training))
    return history_of(record.fold, list(tables.rows_as_dicts(record.history, get)), losses)


def _in_another(row: Mapping[str, Any]) -> bool:
    """Whether a kept image belongs to another image's group. An image alone is its own group and needs no row."""
    return row["reason"] is None and row["group"] != row["sha256"]


def _attributes(items: Iterable[Mapping[str, Any]]) -> tuple[dict[bytes, Any], dict[bytes, Any]]:
    """Attributes and their sources by image; equal ones are held once, since of a million images most have the same
    few."""
    known: dict[str, Any] = {}  # by repr, since a stranger's may be of any type
    attributes, sources = {}, {}
    for row in items:
        attributes[row["sha256"]] = known.setdefault(repr(row["attributes"]), row["attributes"])
        if row["sources"] != {}:
            sources[row["sha256"]] = known.setdefault(repr(row["sources"]), row["sources"])
    return attributes, sources


def evaluate_draw(
    get: Get,
    draw_cid: CID,
    predictions: CID,
    trainings: Sequence[CID],
    claims: tuple[records.Claim, ...] | None = None,
) -> Result:
    """Every figure of an evaluation, from the draw's records, a PREDICTIONS table and the trainings' histories.

    ``claims``: other ones than the plan's, to be judged after the fact.
    """
    view = draw_view(get, draw_cid)
    check_evaluation(view.recipe)
    prepared = tables.rows_as_dicts(view.preprocessing.output, get)
    attributes, sources = _attributes(tables.rows_as_dicts(view.snapshot.items, get))
    return evaluate(
        tables.rows_as_dicts(predictions, get),
        classes=view.snapshot.classes,
        threshold=threshold_rule(view.recipe),
        final=view.plan.final,
        histories=[_history(get, one, view.plan.method.losses) for one in trainings],
        claims=view.plan.claims if claims is None else claims,
        groups=view.plan.groups,
        planned=view.plan.metrics,
        clusters={row["sha256"]: row["group"] for row in prepared if _in_another(row)},
        attributes=attributes,
        sources=sources,
        rounds=recipe_count(view.recipe, "evaluation", "rounds"),
        min_group=recipe_count(view.recipe, "evaluation", "min_group"),
        seed=view.plan.seed,
        origin=view.plan.origin,
        seen={row["sha256"] for row in tables.rows_as_dicts(view.plan.seen, get)} if view.plan.seen else (),
    )
