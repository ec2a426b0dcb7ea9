"""What an evaluation finds, and the record that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import GroupTest, Metric, Note, Optimistic, Overfitting, Spread, Verdict
from registry.evaluation.figures.curves import Points


@dataclass(frozen=True)
class Result:
    """What an Evaluation record says; ``curves`` are rows of the CURVES table."""

    thresholds: tuple[str, ...]  # by number of fold
    threshold_of_all: str
    metrics: tuple[Metric, ...]
    per_fold: tuple[tuple[Metric, ...], ...]  # by number of fold
    per_repeat: tuple[tuple[Metric, ...], ...]  # where there are several
    spread: tuple[Spread, ...]
    unseen: tuple[Metric, ...]  # by the base weights; both are empty where they have seen none
    seen: tuple[Metric, ...]
    curves: tuple[tuple[str, Points], ...]
    confusion: tuple[tuple[int, ...], ...]
    several: tuple[int, ...]  # by true class, as confusion's rows: judgements with detections of more than one class
    optimistic: tuple[Optimistic, ...]
    overfitting: tuple[Overfitting, ...]
    fairness: tuple[Metric, ...]
    tests: tuple[GroupTest, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[Note, ...]


def to_record(
    draw: CID, predictions: CID, trainings: Sequence[CID], curves_table: CID, result: Result
) -> records.Evaluation:
    """The record of a result whose tables are in the store."""
    return records.Evaluation(
        draw=draw,
        predictions=predictions,
        trainings=tuple(trainings),
        thresholds=result.thresholds,
        threshold_of_all=result.threshold_of_all,
        metrics=result.metrics,
        per_fold=result.per_fold,
        per_repeat=result.per_repeat,
        spread=result.spread,
        unseen=result.unseen,
        seen=result.seen,
        curves=curves_table,
        confusion=result.confusion,
        several=result.several,
        optimistic=result.optimistic,
        overfitting=result.overfitting,
        fairness=result.fairness,
        tests=result.tests,
        verdicts=result.verdicts,
        notes=result.notes,
    )
