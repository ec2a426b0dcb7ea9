"""Average precision of images and boxes in every round, as areas over steps.

Where recall can grow at more than ``exact_ranks`` ranks of a class, its area is summed in S = ``steps_of`` steps: of
the m ranks those stay at which floor(S i / m) grows, i being the rank's number from 1; between two of them recall grows
at the later one.

Invariants: as ``ratios``; the definitions are those of ``metrics``, an image counting as often as its bag was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from registry.evaluation.figures.metrics import by_score
from registry.evaluation.figures.ratios import EXACT, NONE, Floats, as_ints, exact, shares_of
from registry.evaluation.figures.running import Ranked, best_from_here
from registry.evaluation.input.columns import Columns, Ints


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
    """Rankings of the same for one class: ``everything`` that is ranked, at each place that is a step of any of them;
    of each ranking that differs from the others which of these places are its own, and what is right up to each;
    ``which`` of these every ranking is; and true ones, (bags)."""

    everything: Ranked
    different: list[tuple[Ints, Ranked]]
    which: list[int]
    positives: Floats

    def drawn(self, times: Floats) -> tuple[Iterator[tuple[Floats, Floats]], Floats]:
        """With bags drawn so often, (bags, rounds): of each different ranking all, at least 1, and right ones, (steps,
        rounds); and true ones."""
        totals = np.maximum(self.everything.drawn(times), 1).astype(np.float64)
        parts = ((totals[own], right.drawn(times)) for own, right in self.different)
        return parts, self.positives @ times


def _step_ends(ends: Ints, classes: int) -> Ints:
    """Of the ranks at which recall can grow those that are steps."""
    if len(ends) <= exact_ranks(classes):
        return ends
    number = steps_of(classes) * np.arange(len(ends) + 1) // len(ends)
    return ends[np.diff(number) > 0]


def image_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> Steps:
    """Images ranked for one class; recall grows at the end of each distinct score that a right one has."""
    truth, scores = columns.truth == label, columns.scores[:, label]
    _, right, total = by_score(scores, truth)
    ends = _step_ends(np.flatnonzero(np.diff(right, prepend=0) > 0), columns.classes)
    order = np.argsort(-scores, kind="stable")
    ranked, hits = of_image[order], of_image[order[truth[order]]]
    positives = np.bincount(of_image[truth], minlength=bags)
    some = (np.arange(len(ends)), _ranked(hits, right[ends], bags))
    return Steps(_ranked(ranked, total[ends], bags), [some], [0], exact(positives))


def _ranked(bag: Ints, ends: Ints, bags: int) -> Ranked:
    """What ranks below the last step changes nothing."""
    return Ranked(bag[: int(ends[-1]) if len(ends) else 0], ends, bags)


def box_steps(columns: Columns, of_image: Ints, bags: int, label: int) -> Steps:
    """Boxes ranked for one class, once for each IoU; recall grows at each that is right."""
    boxes = np.where(columns.truth == label, columns.boxes, 0)
    positives = np.bincount(np.repeat(of_image, boxes), minlength=bags)
    mine = np.flatnonzero(columns.kind == label)
    bag = of_image[columns.image[mine]]
    rankings, which = np.unique(columns.right[:, mine], axis=0, return_inverse=True)  # few boxes match only loosely
    ends = [_step_ends(np.flatnonzero(right), columns.classes) for right in rankings]
    every = np.unique(np.concatenate(ends)) if len(ends) else np.zeros(0, np.int64)
    different = [
        (np.searchsorted(every, own), _ranked(bag[right], np.cumsum(right)[own], bags))
        for right, own in zip(rankings, ends, strict=True)
    ]
    return Steps(_ranked(bag, every + 1, bags), different, which.ravel().tolist(), exact(positives))


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
    found = [np.where(positives > 0, _interpolated(hits, totals, positives), NONE) for totals, hits in rankings]
    return [found[one] for one in steps.which]


def _interpolated(hits: Floats, totals: Floats, positives: Floats) -> Ints:
    """Mean over 101 recalls of the best precision there or beyond."""
    if not len(hits):
        return np.zeros(len(positives), np.int64)
    best = best_from_here(shares_of(hits, totals))
    reached = hits.astype(np.float64)
    reached *= 100.0
    reached /= np.maximum(positives, 1).astype(np.float64)
    np.floor(reached, out=reached)  # exact: a quotient of whole numbers far below 2**46
    area = best[0] + reached[0] * best[0] + np.einsum("ij,ij->j", reached[1:] - reached[:-1], best[1:])
    return as_ints(area) // 101  # at most 101 * 2**30: exact
