"""Curves from predictions: precision-recall by class, and F1, precision and recall by confidence.

Points are [x, y] as decimal strings of six places. Confidence runs from 0 to 1 in steps of a hundredth.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from registry.evaluation import metrics
from registry.evaluation.decimals import six
from registry.evaluation.metrics import Row

Points = list[list[str]]
STEPS = 100


def _point(x: Fraction, y: Fraction) -> list[str]:
    return [six(x) or "", six(y) or ""]


def precision_recall(rows: Sequence[Row], label: int) -> Points:
    """Recall and precision at each distinct image-level score, from (0, 1)."""
    scores = metrics.image_scores(rows, label)
    truth = np.array([row["truth"] == label for row in rows], bool)
    positives = int(truth.sum())
    if not positives:
        return []
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    points = [_point(Fraction(int(right[end]), positives), Fraction(int(right[end]), end + 1)) for end in ends.tolist()]
    return [_point(Fraction(0), Fraction(1)), *points]


def by_confidence(rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Points]:
    """``f1_confidence(CLASS)`` and of all classes ``f1_``, ``precision_`` and ``recall_confidence(macro)``."""
    found: dict[str, Points] = {f"f1_confidence({name})": [] for name in classes}
    found |= {f"{kind}_confidence(macro)": [] for kind in ("f1", "precision", "recall")}
    for step in range(STEPS + 1):
        counts = metrics.confusion_of(rows, len(classes), step * 10_000)
        x, there = Fraction(step, STEPS), metrics.present(counts)
        for label, name in enumerate(classes):
            found[f"f1_confidence({name})"].append(_point(x, metrics.class_f1(counts, label) or Fraction(0)))
        zero = Fraction(0)
        for kind, figure in (("precision", metrics.class_precision), ("recall", metrics.class_recall)):
            value = metrics.mean(figure(counts, label) or zero for label in there)
            found[f"{kind}_confidence(macro)"].append(_point(x, value or zero))
        found["f1_confidence(macro)"].append(_point(x, metrics.macro_f1(counts) or zero))
    return found


def all_curves(rows: Sequence[Row], classes: Sequence[str]) -> tuple[tuple[str, Points], ...]:
    """Every curve as rows of the CURVES table, by name."""
    found = by_confidence(rows, classes)
    found |= {f"pr({name})": precision_recall(rows, label) for label, name in enumerate(classes)}
    return tuple(sorted(found.items()))
