"""Every bootstrapped figure of every round, in integers.

Invariants: a round's figure has the definition of ``metrics``, an image counting as often as its group was
drawn; ratios are integers in units of 2**-30, rounded down, as is each mean of them; -1 stands for "none". So no sum
depends on the order of its terms. Floating point is used only where the result is exact.

Two stated rules keep large releases within bounds, and change nothing in small ones. More than ``BAGS`` groups are
dealt into as many bags, which are then drawn (``intervals.bags_of``). Where recall can grow at more than
``exact_ranks`` ranks of a class, its area is summed in S = ``steps_of`` steps: of the m ranks those stay at which
floor(S i / m) grows, i being the rank's number from 1; between two of them recall grows at the later one. An interval
takes from the rounds how much they vary, not where they lie, so neither rule moves it aside (see ``intervals.bounds``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.columns import Bools, Columns, Ints
from registry.evaluation.decimals import UNIT
from registry.evaluation.intervals import Names, bags_of, draws
from registry.evaluation.metrics import by_score

NONE = -1
CELLS = 1 << 19  # rounds x steps, or rounds x bags, held at once: what a core's cache holds
_EXACT = 1 << 22  # below this a float64 quotient times 2**30 has the right floor
_SINGLE = 1 << 24  # below this float32 holds every whole number
Floats = NDArray[np.floating]


def steps_of(classes: int) -> int:
    """How many steps a class's area is summed in where it has too many ranks for each to be one."""
    return max(64, 1024 // classes)


def exact_ranks(classes: int) -> int:
    """Of how many ranks at which recall can grow each is a step."""
    return max(64, 4096 // classes)


def bootstrap(columns: Columns, names: Names, *, threshold: int | Ints, rounds: int, seed: int) -> dict[str, Ints]:
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
    widest = max([bags, 1, *(max(one.sizes) for one in (*images, *boxes))])
    parts: list[dict[str, Ints]] = []
    for drawn in draws(bags, rounds, seed, max(1, CELLS // widest)):
        part = _of_matrix(_matrices(counts, drawn, columns.classes))
        times = np.ascontiguousarray(drawn.T.astype(np.float32))  # how often each bag is drawn, (bags, rounds)
        of_images = [_image_level(one, times) for one in images]
        of_boxes = [_box_level(one, times) for one in boxes]
        for label in labels:
            part[f"ap {label}"], part[f"ap50 {label}"] = of_images[label], of_boxes[label][0]
            part[f"ap50_95 {label}"] = mean_of(of_boxes[label])
        part["pr_auc"] = mean_of(of_images)
        part["map50"] = mean_of([found[0] for found in of_boxes])
        part["map50_95"] = mean_of([one for found in of_boxes for one in found])
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_confusion(columns: Columns, names: Names, *, threshold: int | Ints, rounds: int, seed: int) -> dict[str, Ints]:
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


def exact(by_bag: Ints) -> Floats:
    """Bags' counts (bags first), to be summed as often as they are drawn, as many as there are: in single precision
    where it holds every sum."""
    return by_bag.astype(np.float32 if len(by_bag) * int(by_bag.max(initial=0)) < _SINGLE else np.float64)


def _by_bag(columns: Columns, of_image: Ints, bags: int, threshold: int | Ints) -> Ints:
    """Judgements by bag and cell of the confusion matrix."""
    cells = columns.classes * (columns.classes + 1)
    place = of_image * cells + columns.truth * (columns.classes + 1) + columns.called(threshold)
    return np.bincount(place, minlength=bags * cells).reshape(bags, cells)


def _matrices(by_bag: Ints, drawn: Ints, k: int) -> Ints:
    counts = exact(by_bag)
    return (drawn.astype(counts.dtype) @ counts).astype(np.int64).reshape(len(drawn), k, k + 1)


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
    """Rankings for one class: of each, one after the other, what lies up to each of ``sizes`` steps, by bag, first all,
    then right ones, (2 * sum of sizes, bags); and true ones, (bags)."""

    counts: Floats
    sizes: list[int]
    positives: Floats

    def drawn(self, times: Floats) -> tuple[list[tuple[Floats, Floats]], Floats]:
        """With bags drawn so often, (bags, rounds): of each ranking all, at least 1, and right ones, (steps, rounds);
        and true ones."""
        both = np.split(self.counts @ times, 2 * np.cumsum(self.sizes)[:-1])  # one large product is fastest
        halves = [(part[: len(part) // 2], part[len(part) // 2 :]) for part in both]
        return [(np.maximum(totals, 1).astype(np.float64), hits) for totals, hits in halves], self.positives @ times


def _kept(ends: Ints, classes: int) -> Ints:
    """Of the ranks at which recall can grow those that are steps."""
    if len(ends) <= exact_ranks(classes):
        return ends
    number = steps_of(classes) * np.arange(len(ends) + 1) // len(ends)
    return ends[np.diff(number) > 0]


def _counted(step: Ints, size: int, bag: Ints, right: Bools, positives: Ints) -> Floats:
    """One ranking's counts: of rows in ``bag`` (n), ``right`` (n), at ``step`` (n) of ``size``; what ranks below all
    right ones changes nothing, and has the number ``size``."""
    bags = len(positives)
    counts = np.empty((2, size, bags), exact(np.bincount(bag, minlength=bags)).dtype)
    place = step * bags + bag
    for part, rows in zip(counts, (place, place[right]), strict=True):
        found = np.bincount(rows, minlength=(size + 1) * bags).reshape(size + 1, bags)
        for one in range(size):
            part[one] = found[one] + part[one - 1] if one else found[one]
    return counts.reshape(2 * size, bags)


def _image_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> _Steps:
    """Images ranked for one class; recall grows at the end of each distinct score that a right one has."""
    truth, scores = columns.truth == label, columns.scores[:, label]
    falling, right, _ = by_score(scores, truth)
    ends = falling[_kept(np.flatnonzero(np.diff(right, prepend=0) > 0), columns.classes)]
    positives = np.bincount(of_image[truth], minlength=bags)
    counts = _counted(np.searchsorted(-ends, -scores), len(ends), of_image, truth, positives)
    return _Steps(counts, [len(ends)], exact(positives))


def _box_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> _Steps:
    """Boxes ranked for one class, once for each IoU; recall grows at each that is right."""
    boxes = np.where(columns.truth == label, columns.boxes, 0)
    positives = np.bincount(np.repeat(of_image, boxes), minlength=bags)
    mine = np.flatnonzero(columns.kind == label)
    bag = of_image[columns.image[mine]]
    counts, sizes = [], []
    for right in columns.right[:, mine]:
        ends = _kept(np.flatnonzero(right), columns.classes)
        step = np.repeat(np.arange(len(ends) + 1), np.diff(ends, prepend=-1, append=len(mine) - 1))
        counts.append(_counted(step, len(ends), bag, right, positives))
        sizes.append(len(ends))
    return _Steps(np.concatenate(counts), sizes, exact(positives))


def _image_level(steps: _Steps, times: Floats) -> Ints:
    """Average precision of the images for one class."""
    ((totals, hits),), positives = steps.drawn(times)
    share = _share(hits, totals)
    return _per_positive(_products(np.diff(hits, axis=0, prepend=0), share, positives), positives)


def _per_positive(area: Ints, positives: Floats) -> Ints:
    whole = positives.astype(np.int64)
    return np.where(whole > 0, area // np.maximum(whole, 1), NONE)


def _as_ints(values: Floats) -> Ints:
    found: Ints = values.astype(np.int64)
    return found


def _share(hits: Floats, totals: Floats) -> Floats:
    """``ratio_of`` with 0 for none, as whole numbers in float64."""
    if totals.size and int(totals[-1].max()) >= _EXACT:
        return ratio_of(hits.astype(np.int64), totals.astype(np.int64)).astype(np.float64)
    found = np.multiply(hits, float(UNIT), dtype=np.float64)
    found /= totals
    return np.floor(found, out=found)


def _products(gained: Floats, share: Floats, positives: Floats) -> Ints:
    """What is gained at each step times the share there, summed by round."""
    if int(positives.max(initial=0)) >= _EXACT:
        whole: Ints = np.einsum("ij,ij->j", gained.astype(np.int64), share.astype(np.int64))
        return whole
    return _as_ints(np.einsum("ij,ij->j", gained, share, dtype=np.float64))  # below 2**53: exact


def _box_level(steps: _Steps, times: Floats) -> list[Ints]:
    """COCO's average precision of the boxes for one class, at each of IOU_PERCENTS."""
    rankings, positives = steps.drawn(times)
    return [np.where(positives > 0, _interpolated(hits, totals, positives), NONE) for totals, hits in rankings]


def _interpolated(hits: Floats, totals: Floats, positives: Floats) -> Ints:
    """Mean over 101 recalls of the best precision there or beyond."""
    if not len(hits):
        return np.zeros(len(positives), np.int64)
    best = _share(hits, totals)
    for step in range(len(best) - 2, -1, -1):
        np.maximum(best[step], best[step + 1], out=best[step])
    reached = np.multiply(hits, 100.0, dtype=np.float64)
    reached /= np.maximum(positives, 1)
    np.floor(reached, out=reached)  # exact: a quotient of whole numbers far below 2**46
    area = best[0] + reached[0] * best[0] + np.einsum("ij,ij->j", reached[1:] - reached[:-1], best[1:])
    return _as_ints(area) // 101  # at most 101 * 2**30: exact
