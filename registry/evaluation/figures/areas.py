"""Average precision of images and boxes in every round, as areas over steps.

Where recall can grow at more than ``exact_ranks`` ranks of a class, its area is summed in S = ``steps_of`` steps: of
the m ranks those stay at which floor(S i / m) grows, i being the rank's number from 1; between two of them recall grows
at the later one.

Invariants: as ``ratios``; the definitions are those of ``metrics``, an image counting as often as its bag was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.evaluation.figures.metrics import by_score
from registry.evaluation.figures.ratios import EXACT, NONE, Floats, as_ints, exact, shares_of
from registry.evaluation.input.columns import Bools, Columns, Ints


def steps_of(classes: int) -> int:
    """How many steps a class's area is summed in where it has too many ranks for each to be one."""
    return max(64, 1024 // classes)


def exact_ranks(classes: int) -> int:
    """Up to how many ranks at which recall grows the area is summed rank by rank."""
    return max(64, 4096 // classes)


def in_steps(columns: Columns) -> bool:
    """Whether any class has more ranks than are steps each, of images or of boxes."""
    return any(_ranks(columns, label) > exact_ranks(columns.classes) for label in range(columns.classes))


def _ranks(columns: Columns, label: int) -> int:
    """At how many ranks a class's recall can grow: of images or of boxes, where it is more."""
    scores = columns.scores[columns.truth == label, label]
    boxes = int(columns.right[:, columns.kind == label].sum(axis=1).max())
    return max(len(np.unique(scores)), boxes)


@dataclass(frozen=True)
class Steps:
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


def _step_ends(ends: Ints, classes: int) -> Ints:
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


def image_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> Steps:
    """Images ranked for one class; recall grows at the end of each distinct score that a right one has."""
    truth, scores = columns.truth == label, columns.scores[:, label]
    falling, right, _ = by_score(scores, truth)
    ends = falling[_step_ends(np.flatnonzero(np.diff(right, prepend=0) > 0), columns.classes)]
    positives = np.bincount(of_image[truth], minlength=bags)
    counts = _counted(np.searchsorted(-ends, -scores), len(ends), of_image, truth, positives)
    return Steps(counts, [len(ends)], exact(positives))


def box_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> Steps:
    """Boxes ranked for one class, once for each IoU; recall grows at each that is right."""
    boxes = np.where(columns.truth == label, columns.boxes, 0)
    positives = np.bincount(np.repeat(of_image, boxes), minlength=bags)
    mine = np.flatnonzero(columns.kind == label)
    bag = of_image[columns.image[mine]]
    counts, sizes = [], []
    for right in columns.right[:, mine]:
        ends = _step_ends(np.flatnonzero(right), columns.classes)
        step = np.repeat(np.arange(len(ends) + 1), np.diff(ends, prepend=-1, append=len(mine) - 1))
        counts.append(_counted(step, len(ends), bag, right, positives))
        sizes.append(len(ends))
    return Steps(np.concatenate(counts), sizes, exact(positives))


def image_level(steps: Steps, times: Floats) -> Ints:
    """Average precision of the images for one class."""
    ((totals, hits),), positives = steps.drawn(times)
    share = shares_of(hits, totals)
    return _per_positive(_products(np.diff(hits, axis=0, prepend=0), share, positives), positives)


def _per_positive(area: Ints, positives: Floats) -> Ints:
    whole = positives.astype(np.int64)
    return np.where(whole > 0, area // np.maximum(whole, 1), NONE)


def _products(gained: Floats, share: Floats, positives: Floats) -> Ints:
    """What is gained at each step times the share there, summed by round."""
    if int(positives.max(initial=0)) >= EXACT:
        whole: Ints = np.einsum("ij,ij->j", gained.astype(np.int64), share.astype(np.int64))
        return whole
    return as_ints(np.einsum("ij,ij->j", gained, share, dtype=np.float64))  # below 2**53: exact


def box_level(steps: Steps, times: Floats) -> list[Ints]:
    """COCO's average precision of the boxes for one class, at each of IOU_PERCENTS."""
    rankings, positives = steps.drawn(times)
    return [np.where(positives > 0, _interpolated(hits, totals, positives), NONE) for totals, hits in rankings]


def _interpolated(hits: Floats, totals: Floats, positives: Floats) -> Ints:
    """Mean over 101 recalls of the best precision there or beyond."""
    if not len(hits):
        return np.zeros(len(positives), np.int64)
    best = shares_of(hits, totals)
    for step in range(len(best) - 2, -1, -1):
        np.maximum(best[step], best[step + 1], out=best[step])
    reached = np.multiply(hits, 100.0, dtype=np.float64)
    reached /= np.maximum(positives, 1)
    np.floor(reached, out=reached)  # exact: a quotient of whole numbers far below 2**46
    area = best[0] + reached[0] * best[0] + np.einsum("ij,ij->j", reached[1:] - reached[:-1], best[1:])
    return as_ints(area) // 101  # at most 101 * 2**30: exact
