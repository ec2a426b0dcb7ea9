"""Every figure of an evaluation, from per-image predictions and what the plan fixed.

Invariant: pure and exact: the same predictions and parameters give the same record on every machine, in
whatever order they come. The run and its audit call this one function.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from registry.core.errors import InvalidInput
from registry.core.records import (
    REFIT,
    Claim,
    Metric,
    Note,
    Optimistic,
    Origin,
)
from registry.core.text.figure_names import check_attribute
from registry.evaluation.base_seen import about_base, mark
from registry.evaluation.claims import judge_all
from registry.evaluation.decimals import six, six_ratio
from registry.evaluation.fairness import fairness
from registry.evaluation.fairness.group_tests import by_class
from registry.evaluation.fairness.groups import Attributes
from registry.evaluation.fairness.sources import doubt, inferred
from registry.evaluation.figures import curves, metrics
from registry.evaluation.figures.figures import METRICS, Rule, figures, later_than, several
from registry.evaluation.figures.overfitting import History, loss_curves, overfitting
from registry.evaluation.figures.repeats import by_repeat, spread
from registry.evaluation.figures.thin_classes import thin_classes
from registry.evaluation.figures.thresholds import MILLION, ThresholdRule, Thresholds, best_macro_f1, choose
from registry.evaluation.input.columns import Bools, Columns, Ints, take
from registry.evaluation.input.reading import Row, columns_of
from registry.evaluation.intervals.intervals import group_indices
from registry.evaluation.notes import notes
from registry.evaluation.result import Result

MAX_CLASSES = 100
_FINAL = re.compile(r"fold:([0-9]{1,9})", re.ASCII)
MAX_FOLDS = 2000  # of all repeats: each is looked at by itself


def evaluate(
    predictions: Iterable[Row],
    *,
    classes: tuple[str, ...],
    threshold: ThresholdRule,
    final: str,
    histories: Sequence[History],
    claims: tuple[Claim, ...],
    groups: tuple[str, ...],
    clusters: Mapping[bytes, bytes],
    attributes: Mapping[bytes, Mapping[str, str]],
    rounds: int,
    min_group: int,
    seed: int,
    origin: Origin | None = None,
    seen: Collection[bytes] = (),
    planned: Collection[str] = METRICS,
    sources: Attributes = MappingProxyType({}),
) -> Result:
    """All figures of ``predictions``, rows with the columns of PREDICTIONS.

    ``threshold`` says how each fold's is found, ``final`` whose weights people get (as the plan does), ``histories``
    what the trainings tell of their losses; ``groups`` names the attributes to compare, ``sources`` where each image's
    come from; ``clusters`` maps an image to its group (one without is its own); ``min_group`` counts images; ``origin``
    and ``seen`` say what base weights have seen of all images, and which these are; ``planned`` names the figures that
    the plan asks for. ``InvalidInput`` for what no plan or run can say (``bad_predictions``, ``bad_rounds``,
    ``bad_final``, ``bad_seed``, ``bad_claim``, ``bad_classes``, ``bad_groups``, ``reserved_name``).
    """
    _check(classes, groups, clusters, (attributes, sources))
    columns = _columns(predictions, len(classes))
    thresholds = choose(columns, threshold)
    rule = Rule(classes, thresholds, rounds, min_group, seed, later_than(planned))
    at = thresholds.per_image(columns)
    persons, everyone = group_indices([clusters.get(key, key) for key in columns.keys])
    pooled = figures(columns, persons, rule)
    drawn: dict[str, Any] = {"at": at, "clusters": persons, "rounds": rounds, "min_group": min_group, "seed": seed}
    people = fairness.by_attributes(columns, attributes, groups, classes=classes, sources=sources, **drawn)
    worst, of_classes = by_class(columns, classes, **drawn)
    both = (*(one for one in pooled if one.metric in ("recall", "recall_gap")), worst, *people.figures)
    return Result(
        **_at_thresholds(columns, thresholds),
        metrics=pooled,
        **_of_parts(columns, persons, rule, threshold.k, seen),
        curves=tuple(sorted({**curves.all_curves(columns, classes, at), **loss_curves(histories)}.items())),
        optimistic=_optimistic(columns, threshold),
        overfitting=overfitting(histories),
        fairness=both,
        tests=(*of_classes, *people.tests),
        verdicts=doubt(
            mark(judge_all(claims, {one.name: one for one in (*pooled, worst, *people.figures)}), origin),
            inferred(columns.keys, attributes, sources, groups),
        ),
        notes=notes(
            *(columns, attributes, groups, threshold, _procedure(final), both),
            (*about_base(origin), *thin_classes(columns, persons, classes, threshold.k), *people.notes),
            everyone,
        ),
    )


def _columns(predictions: Iterable[Row], classes: int) -> Columns:
    columns = columns_of(predictions, classes)
    if len(np.unique(columns.fold)) > MAX_FOLDS:
        raise InvalidInput(f"predictions of more than {MAX_FOLDS} folds: no plan has as many", code="bad_predictions")
    return columns


def _at_thresholds(columns: Columns, chosen: Thresholds) -> dict[str, Any]:
    """The thresholds, and how the images were judged at them."""
    at = chosen.per_image(columns)
    rows = columns.classes + int((columns.truth == columns.classes).any())  # the last of pictures that show nothing
    return {
        "thresholds": tuple(six_ratio(chosen.by_fold[fold], MILLION) for fold in sorted(chosen.by_fold)),
        "threshold_of_all": six_ratio(chosen.of_all, MILLION),
        "confusion": tuple(tuple(line) for line in metrics.confusion_of(columns, at).tolist()[:rows]),
        "several": several(columns, at)[:rows],
    }


def _of_parts(columns: Columns, persons: Ints, rule: Rule, k: int, seen: Collection[bytes]) -> dict[str, Any]:
    """Figures of each fold, of each repeat of ``k`` folds, and of what base weights have seen and have not."""
    per_repeat = _each(by_repeat(columns, k), columns, persons, rule)
    return {
        "per_fold": _each((columns.fold == fold for fold in np.unique(columns.fold)), columns, persons, rule),
        "per_repeat": per_repeat,
        "spread": spread(per_repeat),
        "unseen": _of_seen(columns, persons, rule, seen, False),
        "seen": _of_seen(columns, persons, rule, seen, True),
    }


def _each(parts: Iterable[Bools], columns: Columns, persons: Ints, rule: Rule) -> tuple[tuple[Metric, ...], ...]:
    """Figures of each part of the images (a mask)."""
    return tuple(figures(take(columns, images), persons[images], rule) for images in parts)


def _of_seen(columns: Columns, persons: Ints, rule: Rule, seen: Collection[bytes], wanted: bool) -> tuple[Metric, ...]:
    """Figures of the images that base weights have seen, or of the others; none where they have seen none."""
    images = np.array([(key in seen) == wanted for key in columns.keys], np.bool_)
    if not seen or not images.any():
        return ()
    (found,) = _each([images], columns, persons, rule)
    return found


def _procedure(final: str) -> Note:
    """Of what the pooled figures speak, and whether the published weights have any of their own."""
    if final == REFIT:
        return Note(code="procedure_refit", values={})
    found = _FINAL.fullmatch(final)
    if found is None:
        raise InvalidInput(f"{final[:40]!r} is neither fold:N nor refit", code="bad_final")
    return Note(code="procedure_fold", values={"fold": int(found[1])})


def _optimistic(columns: Columns, rule: ThresholdRule) -> tuple[Optimistic, ...]:
    """The best macro F1 by threshold, of images and of boxes: optimistic, since the judged images chose the threshold.
    Of boxes ties go to the smaller threshold."""
    found = []
    best = best_macro_f1(columns, rule)
    if best is not None:
        found.append(Optimistic(metric="macro_f1", value=six(best[1]) or "", threshold=six_ratio(best[0], MILLION)))
    boxes = curves.box_macro_f1(columns)
    if boxes is not None:
        step = max(range(len(boxes)), key=lambda one: (boxes[one], -one))
        threshold = six_ratio(step, curves.STEPS)
        found.append(Optimistic(metric="macro_f1_50", value=six(boxes[step]) or "", threshold=threshold))
    return tuple(found)


def _check(
    classes: tuple[str, ...],
    groups: tuple[str, ...],
    clusters: Mapping[bytes, bytes],
    words: Iterable[Attributes],
) -> None:
    """Published tables may hold anything; figures are made of what is meant."""
    if not 1 <= len(set(classes)) == len(classes) <= MAX_CLASSES:
        raise InvalidInput(
            f"an evaluation needs 1 to {MAX_CLASSES} classes, each once",
            code="bad_classes",
            hint="take those of the snapshot.",
        )
    for name in groups:
        check_attribute(name)
    if not all(isinstance(name, bytes) for name in clusters.values()):
        raise InvalidInput("an image's group has no name: it is named by its smallest sha256", code="bad_groups")
    for found in {id(one): one for of in words for one in of.values()}.values():  # many images have the very same
        pairs = found.items() if isinstance(found, Mapping) else [(None, None)]
        if not all(isinstance(part, str) for pair in pairs for part in pair):
            raise InvalidInput(
                "an image's attributes, or their sources, are no names and values",
                code="bad_groups",
                hint="see labels.csv.",
            )
