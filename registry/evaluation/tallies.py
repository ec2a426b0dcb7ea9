"""Judgements counted by group, truth and call, as often as their clusters were drawn: all rounds at once, in integers.

Invariants: a cluster (a person's images and near-duplicates) is drawn whole; what no grouping holds is counted
nowhere; sums are exact and in integers, so that no order of terms shows. Judgements that no grouping tells apart are
summed together first, once for all groupings, so a round costs one pass over the judgements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.evaluation.columns import Columns, Ints
from registry.evaluation.groups import Grouping
from registry.evaluation.intervals import bags_of, group_indices, worth


@dataclass(frozen=True)
class Tally:
    """Judgements of one grouping's groups, (rounds, groups, k): right, of the class, and called so."""

    hits: Ints
    truth: Ints
    called: Ints

    @property
    def total(self) -> Ints:
        """(rounds, groups) judgements."""
        whole: Ints = self.truth.sum(axis=-1)
        return whole


class _Sums:
    """Sums columns of a matrix into slots: column i into ``slot[i]``, nowhere if that is -1."""

    def __init__(self, slot: Ints, count: int, source: Ints | None = None, weight: Ints | None = None) -> None:
        """``source``: which column of the matrix stands for i, ``weight``: times what."""
        source = np.arange(len(slot)) if source is None else source
        order = np.lexsort((source, slot))  # within a slot by source, so that memory is read in order
        order = order[slot[order] >= 0]
        placed = slot[order]
        self.starts = np.flatnonzero(np.diff(placed, prepend=-1))
        self.filled, self.count = placed[self.starts], count
        self.source, self.weight = source[order], None if weight is None else weight[order]

    def of(self, matrix: Ints) -> Ints:
        """(rounds, count)."""
        found = np.zeros((len(matrix), self.count), np.int64)
        if len(self.source):
            values = matrix.take(self.source, axis=1)
            if self.weight is not None:
                values *= self.weight
            found[:, self.filled] = np.add.reduceat(values, self.starts, axis=1)
        return found


@dataclass(frozen=True)
class _Slots:
    """Where one grouping's tally finds its parts among the cells."""

    groups: int
    hits: _Sums
    truth: _Sums
    called: _Sums


class Tallies:
    """What is needed to count any round."""

    def __init__(
        self, columns: Columns, at: int | Ints, groupings: Sequence[Grouping], clusters: Sequence[bytes]
    ) -> None:
        """``at``: threshold (of each judgement) in millionths; ``clusters``: each judgement's."""
        self.k = columns.classes
        self.of_row, _ = group_indices(clusters)
        bag, self.bags = bags_of(clusters)
        call = columns.called(at)
        cell = (_alike(groupings, len(columns)) * self.k + columns.truth) * (self.k + 1) + call
        _, first, cell = np.unique(cell, return_index=True, return_inverse=True)
        pairs, weight = np.unique(cell * max(1, self.bags) + bag, return_counts=True)
        self.cells = _Sums(pairs // max(1, self.bags), len(first), pairs % max(1, self.bags), weight)
        self.widest = max(1, len(pairs), self.bags, *(len(one.values) * self.k for one in groupings))
        self.slots = [self._slots(one, one.code[first], columns.truth[first], call[first]) for one in groupings]

    def _slots(self, one: Grouping, code: Ints, truth: Ints, said: Ints) -> _Slots:
        size = len(one.values) * self.k
        known, of_class, so = code >= 0, code * self.k + truth, code * self.k + said
        return _Slots(
            len(one.values),
            _Sums(np.where(known & (truth == said), of_class, -1), size),
            _Sums(np.where(known, of_class, -1), size),
            _Sums(np.where(known & (said < self.k), so, -1), size),
        )

    def of(self, drawn: Ints) -> list[Tally]:
        """Each grouping's tally, of how often each bag of clusters (``bags_of``) was drawn, (rounds, bags)."""
        cells = self.cells.of(drawn)
        found = []
        for one in self.slots:
            shape = (len(drawn), one.groups, self.k)
            found.append(Tally(*(part.of(cells).reshape(shape) for part in (one.hits, one.truth, one.called))))
        return found

    def as_it_is(self) -> list[Tally]:
        """Each grouping's tally with every cluster once, as the one round."""
        return self.of(np.ones((1, self.bags), np.int64))

    def clusters_of(self, grouping: Grouping) -> Ints:
        """(groups) how many clusters have a judgement in each."""
        inside = grouping.code >= 0
        both = np.sort(self.of_row[inside] * len(grouping.values) + grouping.code[inside])
        both = both[np.diff(both, prepend=-1) != 0]
        return np.bincount(both % len(grouping.values), minlength=len(grouping.values))


def _alike(groupings: Sequence[Grouping], count: int) -> Ints:
    """(count) a number by judgement, equal where no grouping tells two apart."""
    found = np.zeros(count, np.int64)
    for one in groupings:
        if not one.together:  # a pair tells nothing apart that its attributes don't
            _, found = np.unique(found * (len(one.values) + 1) + one.code + 1, return_inverse=True)
    return found


@dataclass(frozen=True)
class Worths:
    """How many independent images stand behind each share (see ``intervals.worth``): of each group what is called
    right, and by class (groups of k) selection, recall, precision and false positives."""

    right: list[Fraction]
    of_class: dict[str, list[list[Fraction]]]


def worths_of(columns: Columns, at: int | Ints, grouping: Grouping, of_row: Ints) -> Worths:
    """Of every group of a grouping; ``of_row``: each judgement's cluster."""
    called, repeats = columns.called(at), columns.repeats
    found = Worths([], {kind: [] for kind in ("selection", "recall", "precision", "fpr")})
    for index in range(len(grouping.values)):
        rows = np.flatnonzero(grouping.code == index)
        truth, said, of = columns.truth[rows], called[rows], of_row[rows]
        found.right.append(worth(of, truth == said, repeats))
        by_class: dict[str, list[Fraction]] = {kind: [] for kind in found.of_class}
        for label in range(columns.classes):
            mine, so = truth == label, said == label
            by_class["selection"].append(worth(of, so, repeats))
            by_class["recall"].append(worth(of[mine], so[mine], repeats))
            by_class["precision"].append(worth(of[so], mine[so], repeats))
            by_class["fpr"].append(worth(of[~mine], so[~mine], repeats))
        for kind, values in by_class.items():
            found.of_class[kind].append(values)
    return found
