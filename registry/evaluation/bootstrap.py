"""Every bootstrapped figure of every round, in integers.

Invariants: a round's figure has the definition of ``metrics``, an image counting as often as its group was
drawn; ratios are integers in units of 2**-30, rounded down, as is each mean of them; -1 stands for "none". So no sum
depends on the order of its terms. Floating point is used only where the result is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.columns import Columns, Ints
from registry.evaluation.decimals import UNIT
from registry.evaluation.intervals import draws, group_indices

NONE = -1
CELLS = 1 << 22  # rounds x detections held at once
Counts = NDArray[np.int32]  # (images or detections, rounds)
_EXACT = 1 << 22  # below this a float64 quotient times 2**30 has the right floor


def bootstrap(
    columns: Columns, names: Sequence[bytes], *, threshold: int | Ints, rounds: int, seed: int
) -> dict[str, Ints]:
    """Figures' values in every round, (rounds,) each.

    ``names`` are the images' groups. Keys: macro_f1, micro_f1, weighted_f1, macro_precision, macro_recall,
    weighted_precision, recall_gap, pr_auc, map50, map50_95, and ``f1 N``, ``ap N``, ``ap50 N``, ``ap50_95 N`` of
    class N.
    """
    of_image, groups = group_indices(names)
    widest = max(1, len(columns), len(columns.image))
    parts: list[dict[str, Ints]] = []
    for drawn in draws(groups, rounds, seed, max(1, CELLS // widest)):
        part = _of_matrix(_matrices(columns, of_image, drawn, threshold))
        of_images = [_image_level(columns, of_image, drawn, label) for label in range(columns.classes)]
        of_boxes = [_box_level(columns, of_image, drawn, label) for label in range(columns.classes)]
        for label in range(columns.classes):
            part[f"ap {label}"], part[f"ap50 {label}"] = of_images[label], of_boxes[label][0]
            part[f"ap50_95 {label}"] = mean_of(of_boxes[label])
        part["pr_auc"] = mean_of(of_images)
        part["map50"] = mean_of([found[0] for found in of_boxes])
        part["map50_95"] = mean_of([one for found in of_boxes for one in found])
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def ratio_of(part: Ints, whole: Ints) -> Ints:
    """floor(2**30 part / whole), -1 where ``whole`` is 0; ``part`` at most ``whole``."""
    safe = np.maximum(whole, 1)
    if safe.size and int(safe.max()) < _EXACT:
        found = np.floor(part * float(UNIT) / safe).astype(np.int64)
    else:
        found = part.astype(np.int64) * UNIT // safe
    return np.where(whole > 0, found, NONE)


def mean_of(columns: Sequence[Ints]) -> Ints:
    """The mean of those that are not -1, rounded down; -1 where none is."""
    stacked = np.stack(columns)
    known = stacked >= 0
    total, count = np.where(known, stacked, 0).sum(axis=0), known.sum(axis=0)
    return np.where(count > 0, total // np.maximum(count, 1), NONE)


def _summed(drawn: Ints, by_group: Ints) -> Ints:
    """Groups' counts summed as often as they were drawn, (rounds, columns): exact, being far below 2**53."""
    return (drawn.astype(np.float64) @ by_group.astype(np.float64)).astype(np.int64)


def _matrices(columns: Columns, of_image: Ints, drawn: Ints, threshold: int | Ints) -> Ints:
    k, groups = columns.classes, drawn.shape[1]
    cells = k * (k + 1)
    place = of_image * cells + columns.truth * (k + 1) + columns.called(threshold)
    by_group = np.bincount(place, minlength=groups * cells).reshape(groups, cells)
    return _summed(drawn, by_group).reshape(len(drawn), k, k + 1)


def _of_matrix(counts: Ints) -> dict[str, Ints]:
    k = counts.shape[1]
    hits = counts[:, np.arange(k), np.arange(k)]
    truth, called = counts.sum(axis=2), counts.sum(axis=1)[:, :k]
    recall, precision = ratio_of(hits, truth), np.maximum(ratio_of(hits, called), 0)
    f1 = np.where(truth > 0, ratio_of(2 * hits, truth + called), NONE)
    best, worst = recall.max(axis=1), np.where(truth > 0, recall, UNIT + 1).min(axis=1)
    return {
        "macro_f1": mean_of(list(f1.T)),
        "micro_f1": ratio_of(2 * hits.sum(axis=1), truth.sum(axis=1) + called.sum(axis=1)),
        "weighted_f1": _weighted(f1, truth),
        "macro_precision": mean_of(list(np.where(truth > 0, precision, NONE).T)),
        "macro_recall": mean_of(list(recall.T)),
        "weighted_precision": _weighted(precision, truth),
        "recall_gap": np.where((truth > 0).sum(axis=1) > 1, best - worst, NONE),
        **{f"f1 {label}": f1[:, label] for label in range(k)},
    }


def _weighted(values: Ints, truth: Ints) -> Ints:
    """The mean over classes, each as often as it has images; what no image has counts nothing."""
    total = truth.sum(axis=1)
    return np.where(total > 0, (np.maximum(values, 0) * truth).sum(axis=1) // np.maximum(total, 1), NONE)


def _image_level(columns: Columns, of_image: Ints, drawn: Ints, label: int) -> Ints:
    """Average precision of the images for one class."""
    truth, scores = columns.truth == label, columns.scores[:, label]
    if not truth.any():
        return np.full(len(drawn), NONE)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of each distinct score
    right = np.cumsum(truth[order])[last]
    gains = np.diff(right, prepend=0) > 0  # scores at which recall grows
    weights = _times(drawn, of_image[order])
    totals = _running(np.add, weights)[np.flatnonzero(last)[gains]]
    hits = _running(np.add, weights[truth[order]])[right[gains] - 1]
    share = _share(hits, totals)
    area = hits[0] * share[0] + ((hits[1:] - hits[:-1]) * share[1:]).sum(axis=0)
    positives = hits[-1].astype(np.int64)
    return np.where(positives > 0, area.astype(np.int64) // np.maximum(positives, 1), NONE)


def _times(drawn: Ints, of_row: Ints) -> Counts:
    """How often each row's group was drawn, (rows, rounds): running sums go down, side by side for all rounds."""
    return drawn.T.astype(np.int32)[of_row]


def _running(function: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
    """``function.accumulate`` down the rows; a row at a time, which is several times faster where rows are wide."""
    if rows.shape[1] < 128:
        return function.accumulate(rows, axis=0)
    found = rows.copy()
    for index in range(1, len(found)):
        function(found[index], found[index - 1], out=found[index])
    return found


def _share(hits: Counts, totals: Counts) -> NDArray[np.float64]:
    """``ratio_of`` with 0 for none, as whole numbers in float64 (whose sums stay exact below 2**53)."""
    if totals.size and int(totals[-1].max()) >= _EXACT:
        wide = ratio_of(hits.astype(np.int64), totals.astype(np.int64))
        return np.maximum(wide, 0).astype(np.float64)
    found = hits.astype(np.float64) * UNIT
    found /= np.maximum(totals, 1)
    return np.floor(found, out=found)


def _box_level(columns: Columns, of_image: Ints, drawn: Ints, label: int) -> list[Ints]:
    """COCO's average precision of the boxes for one class, at each of IOU_PERCENTS."""
    boxes = np.where(columns.truth == label, columns.boxes, 0)
    by_group = np.bincount(np.repeat(of_image, boxes), minlength=drawn.shape[1])
    positives = _summed(drawn, by_group[:, None])[:, 0]
    mine = np.flatnonzero(columns.kind == label)
    right = columns.right[:, mine]
    ever = right.any(axis=0)  # only there can precision be highest, and recall grow
    weights = _times(drawn, of_image[columns.image[mine]])
    totals = _running(np.add, weights)[ever]
    weights, right = weights[ever], right[:, ever]
    found = []
    for marks in right:
        area = _interpolated(weights[marks], totals[marks], positives)
        found.append(np.where(positives > 0, area, NONE))
    return found


def _interpolated(weights: Counts, totals: Counts, positives: Ints) -> Ints:
    """Mean over 101 recalls of the best precision there or beyond; rows are the right detections, by falling score."""
    if not len(weights):
        return np.zeros(len(positives), np.int64)
    hits = _running(np.add, weights)
    best = _running(np.maximum, _share(hits, totals)[::-1])[::-1]
    reached = hits * 100.0
    reached /= np.maximum(positives, 1)
    np.floor(reached, out=reached)  # exact: a quotient of whole numbers far below 2**46
    area = reached[0] * best[0] + best[0]  # recalls up to the first, and recall 0
    area += ((reached[1:] - reached[:-1]) * best[1:]).sum(axis=0)
    whole: Ints = area.astype(np.int64) // 101
    return whole
