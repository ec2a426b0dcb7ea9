"""Curves from predictions: precision-recall by class (of images), and F1, precision and recall by confidence.

Points are [x, y] as decimal strings of six places. A precision-recall curve has a point at each distinct score, from
(0, 1). Confidence runs from 0 to 1 in steps of a hundredth; a class that some image has and nobody calls counts 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from registry.evaluation import metrics
from registry.evaluation.columns import Columns, Ints
from registry.evaluation.decimals import six, six_ratio

Points = list[list[str]]
STEPS = 100


def precision_recall(columns: Columns, label: int) -> Points:
    """Recall and precision of one class at each distinct image-level score; nothing where no image has the class."""
    scores, truth = columns.scores[:, label], columns.truth == label
    positives = int(truth.sum())
    if not positives:
        return []
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    points = [["0.000000", "1.000000"]]
    for right, end in zip(hits[ends].tolist(), ends.tolist(), strict=True):
        points.append([six_ratio(right, positives), six_ratio(right, end + 1)])
    return points


def _matrices(columns: Columns) -> Ints:
    """Confusion matrices at every step of confidence, (STEPS + 1, k, k + 1)."""
    k = columns.classes
    counts = np.zeros((STEPS + 2, k, k + 1), np.int64)
    called = columns.best_score >= 0
    step = columns.best_score[called] * STEPS // 1_000_000
    np.add.at(counts, (step, columns.truth[called], columns.best[called]), 1)
    counts = np.flip(np.cumsum(np.flip(counts, axis=0), axis=0), axis=0)[:-1]
    counts[:, :, k] = np.bincount(columns.truth, minlength=k) - counts[:, :, :k].sum(axis=2)
    return counts


def by_confidence(columns: Columns, classes: Sequence[str]) -> dict[str, Points]:
    """``f1_confidence(CLASS)``, and over all classes ``f1_``, ``precision_`` and ``recall_confidence(macro)``."""
    found: dict[str, Points] = {f"f1_confidence({name})": [] for name in classes}
    found |= {f"{kind}_confidence(macro)": [] for kind in ("f1", "precision", "recall")}
    zero = Fraction(0)
    for step, counts in enumerate(_matrices(columns)):
        x, there = six_ratio(step, STEPS), metrics.present(counts)
        for label, name in enumerate(classes):
            found[f"f1_confidence({name})"].append([x, six(metrics.class_f1(counts, label) or zero) or ""])
        for kind, figure in (("precision", metrics.class_precision), ("recall", metrics.class_recall)):
            value = metrics.mean(figure(counts, label) or zero for label in there) or zero
            found[f"{kind}_confidence(macro)"].append([x, six(value) or ""])
        found["f1_confidence(macro)"].append([x, six(metrics.macro_f1(counts) or zero) or ""])
    return found


def all_curves(columns: Columns, classes: Sequence[str]) -> tuple[tuple[str, Points], ...]:
    """Every curve as rows of the CURVES table, by name."""
    found = by_confidence(columns, classes)
    found |= {f"pr({name})": precision_recall(columns, label) for label, name in enumerate(classes)}
    return tuple(sorted(found.items()))
