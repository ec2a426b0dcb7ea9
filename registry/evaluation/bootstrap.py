"""Every bootstrapped figure of every round, in integers.

Invariants: a round's figure has the definition of ``metrics``, an image counting as often as its group was
drawn; ratios are integers in units of 2**-30, rounded down, as is each mean of them; -1 stands for "none". So no sum
depends on the order of its terms. Floating point is used only where the result is exact.

Two stated rules keep large releases within bounds, and change nothing in small ones. More than ``BAGS`` groups are
dealt into as many bags, which are then drawn (``intervals.bags_of``). Areas are summed in at most ``steps_of`` steps
a class: of m ranks at which recall can grow, more than S, those stay at which floor(S i / m) grows, i being the rank's
number from 1; between two of them recall grows at the later one. An interval takes from the rounds how much
they vary, not where they lie, so neither rule moves it aside (see ``intervals.bounds``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.columns import Bools, Columns, Ints
from registry.evaluation.decimals import UNIT
from registry.evaluation.intervals import bags_of, draws

NONE = -1
CELLS = 1 << 22  # rounds x steps, or rounds x bags, held at once
_EXACT = 1 << 22  # below this a float64 quotient times 2**30 has the right floor
_SINGLE = 1 << 24  # below this float32 holds every whole number
Floats = NDArray[np.float64]


def steps_of(classes: int) -> int:
    """How many steps a class's area is summed in at most."""
    return max(64, 4096 // classes)


def bootstrap(
    columns: Columns, names: Sequence[bytes], *, threshold: int | Ints, rounds: int, seed: int
) -> dict[str, Ints]:
    """Figures' values in every round, (rounds,) each.

    ``names`` are the images' groups. Keys: macro_f1, micro_f1, weighted_f1, macro_precision, macro_recall,
    weighted_precision, recall_gap, pr_auc, map50, map50_95, and ``f1 N``, ``ap N``, ``ap50 N``, ``ap50_95 N`` of
    class N.
    """
    of_image, bags = bags_of(names)
    counts = _by_bag(columns, of_image, bags, threshold)
    labels = range(columns.classes)
    images = [_image_steps(columns, of_image, bags, label) for label in labels]
    boxes = [_box_steps(columns, of_image, bags, label) for label in labels]
    widest = max([bags, 1, *(one.totals.shape[1] for one in (*images, *boxes))])
    parts: list[dict[str, Ints]] = []
    for drawn in draws(bags, rounds, seed, max(1, CELLS // widest)):
        part = _of_matrix(_matrices(counts, drawn, columns.classes))
        of_images = [_image_level(one, drawn) for one in images]
        of_boxes = [_box_level(one, drawn) for one in boxes]
        for label in labels:
            part[f"ap {label}"], part[f"ap50 {label}"] = of_images[label], of_boxes[label][0]
            part[f"ap50_95 {label}"] = mean_of(of_boxes[label])
        part["pr_auc"] = mean_of(of_images)
        part["map50"] = mean_of([found[0] for found in of_boxes])
        part["map50_95"] = mean_of([one for found in of_boxes for one in found])
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_confusion(
    columns: Columns, names: Sequence[bytes], *, threshold: int | Ints, rounds: int, seed: int
) -> dict[str, Ints]:
    """Those of ``bootstrap``'s figures that follow from the confusion matrix alone."""
    of_image, bags = bags_of(names)
    counts = _by_bag(columns, of_image, bags, threshold)
    parts = [
        _of_matrix(_matrices(counts, drawn, columns.classes))
        for drawn in draws(bags, rounds, seed, max(1, CELLS // max(1, bags)))
    ]
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


def summed(drawn: Ints, by_bag: Ints) -> Floats:
    """Bags' counts summed as often as they were drawn, (rounds, columns): whole numbers, exact, in single precision
    where it holds them."""
    kind = np.float32 if drawn.shape[1] * int(by_bag.max(initial=0)) < _SINGLE else np.float64
    found: Floats = (drawn.astype(kind) @ by_bag.astype(kind)).astype(np.float64)
    return found


def _by_bag(columns: Columns, of_image: Ints, bags: int, threshold: int | Ints) -> Ints:
    """Judgements by bag and cell of the confusion matrix."""
    cells = columns.classes * (columns.classes + 1)
    place = of_image * cells + columns.truth * (columns.classes + 1) + columns.called(threshold)
    return np.bincount(place, minlength=bags * cells).reshape(bags, cells)


def _matrices(by_bag: Ints, drawn: Ints, k: int) -> Ints:
    return summed(drawn, by_bag).astype(np.int64).reshape(len(drawn), k, k + 1)


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


@dataclass(frozen=True)
class _Steps:
    """What lies up to each step and after the one before, by bag: (bags, steps) all, (levels, bags, steps) right
    ones; and true ones by bag, (bags, 1)."""

    totals: Ints
    hits: Ints
    positives: Ints


def _steps(ends: Ints, most: int, bag: Ints, right: Bools, positives: Ints) -> _Steps:
    """Of ranked rows in ``bag`` (n), ``right`` (levels, n); ``ends`` are the ranks at which recall can grow."""
    bags, count = len(positives), len(ends)
    if count > most:
        number = most * np.arange(count + 1) // count
        ends = ends[np.diff(number) > 0]
    step = np.searchsorted(ends, np.arange(len(bag)))
    size = len(ends)
    place = bag * size + step
    seen = step < size  # what ranks below all right ones changes nothing

    def counted(rows: Bools) -> Ints:
        return np.bincount(place[rows & seen], minlength=bags * size).reshape(bags, size)

    everything = np.ones(len(bag), bool)
    return _Steps(counted(everything), np.stack([counted(one) for one in right]), positives[:, None])


def _image_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> _Steps:
    """Images ranked for one class; recall grows at the end of each distinct score that a right one has."""
    truth, scores = columns.truth == label, columns.scores[:, label]
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)) if len(order) else order
    right = np.cumsum(truth[order])[last]
    ends = last[np.diff(right, prepend=0) > 0]
    positives = np.bincount(of_image[truth], minlength=bags)
    return _steps(ends, steps_of(columns.classes), of_image[order], truth[order][None], positives)


def _box_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> _Steps:
    """Boxes ranked for one class; recall grows at each that is right at some IoU."""
    boxes = np.where(columns.truth == label, columns.boxes, 0)
    positives = np.bincount(np.repeat(of_image, boxes), minlength=bags)
    mine = np.flatnonzero(columns.kind == label)
    right = columns.right[:, mine]
    ends = np.flatnonzero(right.any(axis=0))
    return _steps(ends, steps_of(columns.classes), of_image[columns.image[mine]], right, positives)


def _up_to(drawn: Ints, by_bag: Ints) -> Floats:
    """Running sums over the steps, (rounds, steps)."""
    found = summed(drawn, by_bag)
    return np.cumsum(found, axis=1, out=found)


def _positives(steps: _Steps, drawn: Ints) -> Ints:
    return summed(drawn, steps.positives)[:, 0].astype(np.int64)


def _image_level(steps: _Steps, drawn: Ints) -> Ints:
    """Average precision of the images for one class."""
    positives = _positives(steps, drawn)
    hits, totals = _up_to(drawn, steps.hits[0]), _up_to(drawn, steps.totals)
    area = (np.diff(hits, axis=1, prepend=0) * _share(hits, totals)).astype(np.int64).sum(axis=1)
    return np.where(positives > 0, area // np.maximum(positives, 1), NONE)


def _share(hits: Floats, totals: Floats) -> Floats:
    """``ratio_of`` with 0 for none, as whole numbers in float64."""
    if totals.size and int(totals[:, -1].max()) >= _EXACT:
        wide = ratio_of(hits.astype(np.int64), totals.astype(np.int64))
        return np.maximum(wide, 0).astype(np.float64)
    found: Floats = hits * float(UNIT)
    found /= np.maximum(totals, 1)
    np.floor(found, out=found)
    return found


def _box_level(steps: _Steps, drawn: Ints) -> list[Ints]:
    """COCO's average precision of the boxes for one class, at each of IOU_PERCENTS."""
    positives, totals = _positives(steps, drawn), _up_to(drawn, steps.totals)
    return [np.where(positives > 0, _interpolated(_up_to(drawn, hits), totals, positives), NONE) for hits in steps.hits]


def _interpolated(hits: Floats, totals: Floats, positives: Ints) -> Ints:
    """Mean over 101 recalls of the best precision there or beyond."""
    if not hits.shape[1]:
        return np.zeros(len(positives), np.int64)
    best = np.maximum.accumulate(_share(hits, totals)[:, ::-1], axis=1)[:, ::-1]
    reached = hits * 100.0
    reached /= np.maximum(positives, 1)[:, None]
    np.floor(reached, out=reached)  # exact: a quotient of whole numbers far below 2**46
    area = best[:, 0] + (np.diff(reached, axis=1, prepend=0) * best).sum(axis=1)  # at most 101 * 2**30: exact
    whole: Ints = area.astype(np.int64) // 101
    return whole
