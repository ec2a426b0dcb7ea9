"""Bootstrap counts of images by group, true class and predicted class: all rounds at once, in integers.

Invariants: a cluster (a person's images and near-duplicates) is drawn whole; an image that no grouping holds is not
counted; sums are exact and in integers, so the result does not depend on the order of summation. For each grouping, all
rounds are computed by one product of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.evaluation.fairness.groups import Grouping
from registry.evaluation.figures.ratios import exact
from registry.evaluation.input.columns import Bools, Columns, Ints
from registry.evaluation.intervals.intervals import Names, bags_of, effective_size_of, group_indices


@dataclass(frozen=True)
class GroupCounts:
    """Judgements of one grouping's groups by class, (rounds, groups, k + 1): right, of the class, predicted as it. The
    last class is of pictures that show none of the classes, and is never predicted."""

    hits: Ints
    truth: Ints
    predicted: Ints

    @property
    def total(self) -> Ints:
        """(rounds, groups) judgements."""
        whole: Ints = self.truth.sum(axis=-1)
        return whole


class ResampledCounts:
    """What is needed to count any round."""

    def __init__(self, columns: Columns, at: int | Ints, groupings: Sequence[Grouping], clusters: Names) -> None:
        """``at``: threshold (of each judgement) in millionths; ``clusters``: each judgement's."""
        self.width = columns.classes + 1
        self.of_row, _ = group_indices(clusters)
        bag, self.bags = bags_of(self.of_row)
        call = columns.predicted(at)
        self.by_bag = [exact(self._counted(one, bag, columns.truth, call)) for one in groupings]
        self.widest = max([1, self.bags, *(one.shape[1] for one in self.by_bag)])

    def _counted(self, one: Grouping, bag: Ints, truth: Ints, call: Ints) -> Ints:
        """By bag, (bags, 3 * groups * k): what a ``GroupCounts`` holds, one part after the other."""
        size = len(one.values) * self.width
        known = one.code >= 0
        hits, predicted = known & (truth == call), known & (call < self.width - 1)
        return (
            np.concatenate(
                [
                    np.bincount((bag * size + one.code * self.width + kind)[rows], minlength=self.bags * size)
                    for rows, kind in ((hits, truth), (known, truth), (predicted, call))
                ]
            )
            .reshape(3, self.bags, size)
            .transpose(1, 0, 2)
            .reshape(self.bags, 3 * size)
        )

    def of(self, drawn: Ints) -> list[GroupCounts]:
        """Each grouping's counts, from how often each bag of clusters (``bags_of``) was drawn, (rounds, bags)."""
        found = []
        for by_bag in self.by_bag:
            parts = (drawn.astype(by_bag.dtype) @ by_bag).astype(np.int64).reshape(len(drawn), 3, -1, self.width)
            found.append(GroupCounts(parts[:, 0], parts[:, 1], parts[:, 2]))
        return found

    def as_it_is(self) -> list[GroupCounts]:
        """Each grouping's counts with every cluster once, as one round."""
        return self.of(np.ones((1, self.bags), np.int64))

    def clusters_of(self, grouping: Grouping) -> Ints:
        """(groups) how many clusters have a judgement in each."""
        inside = grouping.code >= 0
        both = np.sort(self.of_row[inside] * len(grouping.values) + grouping.code[inside])
        both = both[np.diff(both, prepend=-1) != 0]
        return np.bincount(both % len(grouping.values), minlength=len(grouping.values))


@dataclass(frozen=True)
class EffectiveSizes:
    """How many independent images stand behind each share (``intervals.effective_size``): by group of recall, and by
    class (groups of k) selection, recall, precision and false positives."""

    right: list[Fraction]
    of_class: dict[str, list[list[Fraction]]]


def effective_sizes(columns: Columns, at: int | Ints, grouping: Grouping, of_row: Ints) -> EffectiveSizes:
    """Of every group of a grouping; ``of_row``: each judgement's cluster."""
    known = grouping.code >= 0
    truth, said, size = columns.truth[known], columns.predicted(at)[known], int(of_row.max(initial=0)) + 1
    both, place = np.unique(grouping.code[known] * size + of_row[known], return_inverse=True)  # clusters by group
    starts = np.searchsorted(both, np.arange(len(grouping.values)) * size)

    def counted(rows: Bools) -> Ints:
        return np.bincount(place[rows], minlength=len(both))

    def sizes(members: Ints, own: Ints) -> list[Fraction]:
        parts = (members, own, members * members, members * own, own * own)
        sums = zip(*(np.add.reduceat(part, starts).tolist() for part in parts), strict=True)
        return [effective_size_of(n, hits, (a, b, c), columns.repeats) for n, hits, a, b, c in sums]

    everyone = np.bincount(place)
    of_class: dict[str, list[list[Fraction]]] = {kind: [] for kind in ("selection", "recall", "precision", "fpr")}
    for label in range(columns.classes):
        mine, so, hits = (counted(rows) for rows in (truth == label, said == label, (truth == label) & (said == label)))
        of_class["selection"].append(sizes(everyone, so))
        of_class["recall"].append(sizes(mine, hits))
        of_class["precision"].append(sizes(so, hits))
        of_class["fpr"].append(sizes(everyone - mine, so - hits))
    by_group = {kind: [list(one) for one in zip(*rows, strict=True)] for kind, rows in of_class.items()}
    return EffectiveSizes(sizes(everyone, counted(truth == said)), by_group)
