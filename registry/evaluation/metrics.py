"""Figures from per-image predictions, exactly: integers in, fractions out.

An image's prediction is its detection with the highest score at or above the threshold (ties: the
smaller class), otherwise "nothing". The confusion matrix is truth by prediction, (k, k+1), its last column
"nothing". F1 of a class is 2TP / (2TP + FP + FN); a class that nobody has and nobody predicts has none, and
macro averages go over the classes that some image has.

``pr_auc`` is the mean over classes of the image-level average precision: images ranked by their highest
score for the class (0 if there is none), AP as scikit-learn defines it (a step at each distinct score).
``map50`` and ``map50_95`` are of detections: greedy matching by score within each image and class at IoU
0.5 (0.50 to 0.95 by 0.05), precision interpolated at 101 recalls, as COCO does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, Any]  # a row of PREDICTIONS
Counts = NDArray[np.int64]
IOU_PERCENTS = tuple(range(50, 100, 5))


def predicted(row: Row, threshold: int) -> int | None:
    """The predicted class of one image, None for nothing. ``threshold`` in millionths."""
    found = [(-score, kind) for kind, score, *_ in row["detections"] if score >= threshold]
    return min(found)[1] if found else None


def confusion_of(rows: Iterable[Row], classes: int, threshold: int) -> Counts:
    """Truth by prediction, shape (classes, classes + 1)."""
    counts = np.zeros((classes, classes + 1), np.int64)
    for row in rows:
        said = predicted(row, threshold)
        counts[row["truth"], classes if said is None else said] += 1
    return counts


def ratio(part: int, whole: int) -> Fraction | None:
    """None where there is nothing to divide by."""
    return Fraction(int(part), int(whole)) if whole else None


def class_recall(counts: Counts, label: int) -> Fraction | None:
    """Of the images of a class, how many were called so."""
    return ratio(counts[label, label], counts[label].sum())


def class_precision(counts: Counts, label: int) -> Fraction | None:
    """Of the images called so, how many are of the class."""
    return ratio(counts[label, label], counts[:, label].sum())


def class_f1(counts: Counts, label: int) -> Fraction | None:
    """2TP / (2TP + FP + FN)."""
    return ratio(2 * counts[label, label], counts[label].sum() + counts[:, label].sum())


def mean(values: Iterable[Fraction | None]) -> Fraction | None:
    """The mean of those that exist."""
    found = [value for value in values if value is not None]
    return sum(found, Fraction(0)) / len(found) if found else None


def present(counts: Counts) -> list[int]:
    """Classes that some image has."""
    return [label for label in range(len(counts)) if counts[label].sum()]


def macro_f1(counts: Counts) -> Fraction | None:
    """Mean F1 over the classes that some image has."""
    return mean(class_f1(counts, label) or Fraction(0) for label in present(counts))


def micro_f1(counts: Counts) -> Fraction | None:
    """F1 of all decisions together; "nothing" is a miss, not a false alarm."""
    right = int(np.trace(counts))
    return ratio(2 * right, counts.sum() + counts[:, :-1].sum())


def accuracy(counts: Counts) -> Fraction | None:
    """Right images of all images."""
    return ratio(int(np.trace(counts)), counts.sum())


def recall_gap(counts: Counts, min_group: int) -> Fraction | None:
    """Best class's recall less the worst's; None with one class, or one of fewer than ``min_group`` images."""
    recalls = [class_recall(counts, label) for label in present(counts)]
    if len(recalls) < 2 or min(counts[label].sum() for label in present(counts)) < min_group:
        return None
    known = [value for value in recalls if value is not None]
    return max(known) - min(known)


def image_scores(rows: Sequence[Row], label: int) -> Counts:
    """Each image's highest score for a class, in millionths; 0 if there is none."""
    return np.array(
        [max((score for kind, score, *_ in row["detections"] if kind == label), default=0) for row in rows], np.int64
    )


def average_precision(scores: Counts, truth: NDArray[np.bool_]) -> Fraction | None:
    """Sum over distinct scores of (recall gained) x precision; None without a positive."""
    positives = int(truth.sum())
    if not positives:
        return None
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    total, before = Fraction(0), 0
    for end in ends.tolist():
        hits = int(right[end])
        total += Fraction(hits - before, positives) * Fraction(hits, end + 1)
        before = hits
    return total


def pr_auc(rows: Sequence[Row], classes: int) -> Fraction | None:
    """Macro image-level average precision."""
    truth = np.array([row["truth"] for row in rows], np.int64)
    return mean(average_precision(image_scores(rows, label), truth == label) for label in range(classes))


def overlaps(one: Sequence[int], other: Sequence[int]) -> tuple[int, int]:
    """Intersection and union of two boxes [x, y, w, h], as integers."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    return common, one[2] * one[3] + other[2] * other[3] - common


def match(row: Row, percent: int) -> list[tuple[int, int, bool]]:
    """One image's detections as (class, score, right), greedily by falling score, at an IoU of ``percent`` / 100."""
    free = list(row["boxes"])
    found = []
    for kind, score, *box in sorted(row["detections"], key=lambda one: (-one[1], one)):
        best: Sequence[int] | None = None
        reached = Fraction(percent, 100)
        if kind == row["truth"]:
            for truth in free:
                common, union = overlaps(box, truth)
                if union and Fraction(common, union) >= reached:
                    best, reached = truth, Fraction(common, union)
        if best is not None:
            free.remove(best)
        found.append((kind, score, best is not None))
    return found


def interpolated_precision(right: NDArray[np.bool_], positives: int) -> Fraction | None:
    """COCO's AP: precision at 101 recalls, each the best at that recall or beyond. ``right`` by falling score."""
    if not positives:
        return None
    hits = np.cumsum(right).tolist()
    best: list[Fraction] = []
    ceiling = Fraction(0)
    for index in range(len(hits) - 1, -1, -1):
        ceiling = max(ceiling, Fraction(hits[index], index + 1))
        best.append(ceiling)
    best.reverse()
    total, at = Fraction(0), 0
    for step in range(101):
        while at < len(hits) and 100 * hits[at] < step * positives:
            at += 1
        if at == len(hits):
            break
        total += best[at]
    return total / 101


def mean_average_precision(rows: Sequence[Row], classes: int, percents: Sequence[int]) -> Fraction | None:
    """Mean over classes with a box, and over IoUs, of the detections' AP."""
    boxes = [sum(len(row["boxes"]) for row in rows if row["truth"] == label) for label in range(classes)]
    values = []
    for percent in percents:
        matched = [one for row in rows for one in match(row, percent)]
        for label in range(classes):
            mine = sorted((-score, index, right) for index, (kind, score, right) in enumerate(matched) if kind == label)
            values.append(interpolated_precision(np.array([right for _, _, right in mine], bool), boxes[label]))
    return mean(values)
