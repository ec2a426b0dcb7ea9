"""Every figure of an evaluation, from per-image predictions and what the plan fixed.

Invariant: pure and exact: the same predictions and parameters give the same record on every machine. The
run that trained and the audit that doubts it call this one function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from registry.core import records
from registry.core.cid import CID
from registry.core.records import Claim, Metric, Verdict
from registry.evaluation import curves, fairness, intervals, metrics
from registry.evaluation.claims import judge_all
from registry.evaluation.decimals import six
from registry.evaluation.intervals import Values, Weights

METRICS = (
    "macro_f1",
    "micro_f1",
    "accuracy",
    "pr_auc",
    "map50",
    "map50_95",
    "f1",
    "recall",
    "precision",
    "recall_gap(class)",
)
Row = Mapping[str, Any]
Interval = tuple[str, str] | None


@dataclass(frozen=True)
class Result:
    """What an Evaluation record says; ``curves`` are rows of the CURVES table."""

    metrics: tuple[Metric, ...]
    per_fold: tuple[tuple[Metric, ...], ...]
    curves: tuple[tuple[str, list[list[str]]], ...]
    confusion: tuple[tuple[int, ...], ...]
    fairness: tuple[Metric, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def _metric(name: str, value: Fraction | None, interval: Interval, n: int) -> Metric:
    if value is None or interval is None:
        return Metric(name=name, value=six(value), low=None, high=None, n=n)
    return Metric(name=name, value=six(value), low=interval[0], high=interval[1], n=n)


def _matrix_metrics(
    rows: Sequence[Row], classes: Sequence[str], threshold: int, weights: Weights, min_group: int
) -> list[Metric]:
    """macro_f1, micro_f1, accuracy, recall_gap(class), then f1, recall and precision of each class."""
    counts = metrics.confusion_of(rows, len(classes), threshold)
    truth = np.array([row["truth"] for row in rows], np.int64)
    said = [metrics.predicted(row, threshold) for row in rows]
    filled = np.array([len(classes) if one is None else one for one in said], np.int64)
    rounds = intervals.matrix_rounds(intervals.confusion_rounds(truth, filled, len(classes), weights))
    n = len(rows)
    gap = metrics.recall_gap(counts, min_group)
    found = [
        _metric("macro_f1", metrics.macro_f1(counts), intervals.bounds(rounds["macro_f1"]), n),
        _metric("micro_f1", metrics.micro_f1(counts), intervals.bounds(rounds["micro_f1"]), n),
        _metric("accuracy", metrics.accuracy(counts), intervals.wilson(int(np.trace(counts)), n), n),
        _metric("recall_gap(class)", gap, intervals.bounds(rounds["recall_gap"]) if gap is not None else None, n),
    ]
    for label, name in enumerate(classes):
        total, called, hits = int(counts[label].sum()), int(counts[:, label].sum()), int(counts[label, label])
        value = metrics.class_f1(counts, label)
        found.append(_metric(f"f1({name})", value, intervals.bounds(rounds[f"f1 {label}"]), total))
        found.append(fairness.proportion(f"recall({name})", hits, total, 1))
        found.append(fairness.proportion(f"precision({name})", hits, called, 1))
    return found


def _ranking_metrics(rows: Sequence[Row], classes: int, weights: Weights) -> list[Metric]:
    """pr_auc, map50, map50_95."""
    truth = np.array([row["truth"] for row in rows], np.int64)
    image_level: list[Values] = [
        intervals.average_precision_rounds(metrics.image_scores(rows, label), truth == label, weights)
        for label in range(classes)
        if (truth == label).any()
    ]
    n = len(rows)
    found = [_metric("pr_auc", metrics.pr_auc(rows, classes), _bounds_of_mean(image_level), n)]
    for name, percents in (("map50", (50,)), ("map50_95", metrics.IOU_PERCENTS)):
        value = metrics.mean_average_precision(rows, classes, percents)
        found.append(_metric(name, value, _bounds_of_mean(_map_rounds(rows, classes, weights, percents)), n))
    return found


def _map_rounds(rows: Sequence[Row], classes: int, weights: Weights, percents: Sequence[int]) -> list[Values]:
    """Each class's and IoU's AP in every round."""
    found = []
    for percent in percents:
        matched = [(*one, image) for image, row in enumerate(rows) for one in metrics.match(row, percent)]
        for label in range(classes):
            boxes = np.array([len(row["boxes"]) if row["truth"] == label else 0 for row in rows], np.int64)
            if not boxes.any():
                continue
            mine = sorted((-score, index) for index, (kind, score, _, _) in enumerate(matched) if kind == label)
            right = np.array([matched[index][2] for _, index in mine], bool)
            drawn = weights[:, [matched[index][3] for _, index in mine]]
            found.append(intervals.interpolated_rounds(right, drawn, (weights @ boxes).astype(np.float64)))
    return found


def _bounds_of_mean(rounds: Sequence[Values]) -> Interval:
    return intervals.bounds(intervals.mean_of(rounds)) if rounds else None


def evaluate(
    predictions: Sequence[Row],
    *,
    classes: tuple[str, ...],
    threshold: int,
    claims: tuple[Claim, ...],
    groups: tuple[str, ...],
    clusters: Mapping[bytes, bytes],
    attributes: Mapping[bytes, Mapping[str, str]],
    rounds: int,
    min_group: int,
    seed: int,
) -> Result:
    """All figures. ``predictions`` have the columns of PREDICTIONS; ``threshold`` is in millionths."""
    rows = sorted(predictions, key=lambda row: bytes(row["sha256"]))
    weights = intervals.draw_weights(intervals.cluster_names(rows, clusters), rounds, seed)
    pooled = _matrix_metrics(rows, classes, threshold, weights, min_group) + _ranking_metrics(
        rows, len(classes), weights
    )
    by_people = fairness.by_attributes(rows, attributes, groups, threshold, min_group)
    by_class = tuple(one for one in pooled if one.name.startswith("recall(") or one.name == "recall_gap(class)")
    per_fold = []
    for fold in sorted({row["fold"] for row in rows}):
        mine = [index for index, row in enumerate(rows) if row["fold"] == fold]
        part = [rows[index] for index in mine]
        own = intervals.draw_weights(intervals.cluster_names(part, clusters), rounds, seed)
        per_fold.append(tuple(_matrix_metrics(part, classes, threshold, own, min_group)))
    counts = metrics.confusion_of(rows, len(classes), threshold)
    named = {one.name: one for one in (*pooled, *by_people)}
    return Result(
        metrics=tuple(pooled),
        per_fold=tuple(per_fold),
        curves=curves.all_curves(rows, classes),
        confusion=tuple(tuple(int(value) for value in line) for line in counts),
        fairness=(*by_class, *by_people),
        verdicts=judge_all(claims, named),
        notes=fairness.notes(groups),
    )


def to_record(draw: CID, predictions: CID, curves_table: CID, result: Result) -> records.Evaluation:
    """The record of a result whose tables are in the store."""
    return records.Evaluation(
        draw=draw,
        predictions=predictions,
        metrics=result.metrics,
        per_fold=result.per_fold,
        curves=curves_table,
        confusion=result.confusion,
        fairness=result.fairness,
        verdicts=result.verdicts,
        notes=result.notes,
    )
