"""Confidence thresholds: fixed in the plan, or chosen for each fold on the other folds.

Invariants: exact and in integers; a fold's threshold never rests on an image that the fold judges, nor on another
repeat's judgements. Thresholds are in millionths.

The rule ``fixed``: the recipe's ``threshold`` everywhere. The rule ``other_folds``: of the candidates 0.00, 0.01, ...,
1.00 that are not below ``floor`` (detections below it are not published) the one at which macro F1 of the other folds
of the same repeat, pooled, is highest; ties: the one nearest ``threshold``, then the smaller. Where no other fold
judged an image it is ``threshold`` itself. Weights that are trained on all images, and an average of all folds', take
what the same rule finds on all judgements of all folds and repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.core.errors import InvalidInput
from registry.core.records import Note
from registry.evaluation.decimals import exact_sum, six_ratio
from registry.evaluation.input.columns import Columns, Ints

RULES = ("fixed", "other_folds")
STEPS = 100
MILLION = 1_000_000


@dataclass(frozen=True)
class ThresholdRule:
    """What the recipe says: the rule's name, threshold and floor in millionths, folds a repeat."""

    name: str
    threshold: int
    floor: int
    k: int

    def __post_init__(self) -> None:
        if self.name not in RULES or not 0 <= self.floor <= self.threshold <= MILLION or self.k < 1:
            raise InvalidInput(
                f"thresholds are chosen by {' or '.join(RULES)}, with floor <= threshold <= 1 and a fold or more",
                code="bad_threshold",
            )

    def note(self) -> Note:
        """The rule, as the evaluation notes it."""
        threshold = six_ratio(self.threshold, MILLION)
        if self.name == "fixed":
            return Note(code="threshold_fixed", values={"threshold": threshold})
        floor = six_ratio(self.floor, MILLION)
        return Note(code="threshold_other_folds", values={"floor": floor, "threshold": threshold})


@dataclass(frozen=True)
class Thresholds:
    """What came out: by fold, and for weights that no single fold judged."""

    by_fold: Mapping[int, int]
    of_all: int

    def per_image(self, columns: Columns) -> Ints:
        """(n) the threshold of the fold that judged each image."""
        folds, place = np.unique(columns.fold, return_inverse=True)
        return np.array([self.by_fold[fold] for fold in folds.tolist()], np.int64)[place]


@dataclass(frozen=True)
class _Counts:
    """At each step of confidence and for each class: right calls, calls (steps, k), and images (k)."""

    hits: Ints
    calls: Ints
    images: Ints

    def __sub__(self, other: _Counts) -> _Counts:
        return _Counts(self.hits - other.hits, self.calls - other.calls, self.images - other.images)


def choose(columns: Columns, rule: ThresholdRule) -> Thresholds:
    """The threshold of every fold that judged an image, by the rule above."""
    folds = np.unique(columns.fold).tolist()
    if rule.name == "fixed":
        return Thresholds(dict.fromkeys(folds, rule.threshold), rule.threshold)
    found: dict[int, int] = {}
    for repeat in sorted({fold // rule.k for fold in folds}):
        whole = _counts(columns, columns.fold // rule.k == repeat)
        for fold in (one for one in folds if one // rule.k == repeat):
            found[fold] = _best(whole - _counts(columns, columns.fold == fold), rule)
    return Thresholds(found, _best(_counts(columns, np.ones(len(columns), bool)), rule))


def best_macro_f1(columns: Columns, rule: ThresholdRule) -> tuple[int, Fraction] | None:
    """Threshold, in millionths, and value of the best macro F1 on these very images; candidates and ties as above."""
    counts = _counts(columns, np.ones(len(columns), bool))
    if not counts.images.any():
        return None
    threshold = _best(counts, rule)
    return threshold, _macro_f1(counts, threshold * STEPS // MILLION)


def _counts(columns: Columns, images: Ints) -> _Counts:
    k = columns.classes
    predicted = (columns.best_score >= 0) & images
    cells = columns.best_score[predicted] * STEPS // MILLION * k + columns.best[predicted]
    right = (columns.best == columns.truth)[predicted]

    def at_each(places: Ints) -> Ints:
        """Calls that stand at a step stand at every smaller one."""
        counts = np.bincount(places, minlength=(STEPS + 1) * k).reshape(STEPS + 1, k)
        return np.flip(np.cumsum(np.flip(counts, axis=0), axis=0), axis=0)

    return _Counts(at_each(cells[right]), at_each(cells), np.bincount(columns.truth[images], minlength=k)[:k])


def _macro_f1(counts: _Counts, step: int) -> Fraction:
    there = np.flatnonzero(counts.images).tolist()
    if not there:
        return Fraction(0)
    hits, sums = counts.hits[step].tolist(), (counts.calls[step] + counts.images).tolist()
    return exact_sum([(2 * hits[label], sums[label]) for label in there]) / len(there)


def _best(counts: _Counts, rule: ThresholdRule) -> int:
    if not counts.images.any():
        return rule.threshold
    steps = [step for step in range(STEPS + 1) if step * MILLION >= rule.floor * STEPS]
    unit = MILLION // STEPS
    best = max(steps, key=lambda one: (_macro_f1(counts, one), -abs(one * unit - rule.threshold), -one))
    return best * unit
