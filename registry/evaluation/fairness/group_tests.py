"""Tests of each group's recall, and of each class's, against that of all other images.

Invariants: whole clusters are drawn, so a person's images are not taken for independent ones; p counts the sample
itself; Holm's correction is over the groups of one attribute (or pair), and over the classes.

Sources: Davison and Hinkley 1997, section 4.4 (p of a bootstrap); Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from registry.core.records import GroupTest, Metric
from registry.core.text.figure_names import CLASSES, FigureName
from registry.evaluation.comparison import holm
from registry.evaluation.decimals import UNIT, six
from registry.evaluation.fairness import gaps
from registry.evaluation.fairness.groups import Grouping
from registry.evaluation.fairness.resampled_counts import GroupCounts, ResampledCounts
from registry.evaluation.figures.ratios import ratio_of
from registry.evaluation.input.columns import Bools, Columns, Ints, take
from registry.evaluation.intervals.estimates import estimate
from registry.evaluation.intervals.intervals import Names, class_rates, draws, percentiles
from registry.evaluation.intervals.worst_interval import worst_interval

_MISSING = 2 * UNIT  # stands for a difference that a round does not have
_ROUNDS = 512  # at once


def recall_differences(counts: GroupCounts) -> Ints:
    """Each group's recall less that of all other images, in every round, (rounds, groups), in units of 2**-30."""
    right, total = gaps.right(counts)
    one = ratio_of(right, total)
    rest = ratio_of(right.sum(axis=1, keepdims=True) - right, total.sum(axis=1, keepdims=True) - total)
    return np.where((one >= 0) & (rest >= 0), one - rest, _MISSING)


def against_the_rest(
    groups: Sequence[FigureName], counts: GroupCounts, rounds: Ints, least: int, repeats: int
) -> list[GroupTest]:
    """A test of every group (its recall: ``groups``) that has ``least`` judgements, as the others have together.
    ``counts`` is of the judgements as they are, ``rounds`` what ``recall_differences`` gave."""
    hits, total = (part[0].tolist() for part in gaps.right(counts))
    rows: list[tuple[int, tuple[Fraction, Fraction], Fraction]] = []
    for index in range(len(groups)):
        known = rounds[:, index][rounds[:, index] < _MISSING]
        p = achieved_significance(known)
        if p is not None and min(total[index], sum(total) - total[index]) >= max(1, least):
            rows.append((index, percentiles(known), p))
    corrected = holm([p for _, _, p in rows])
    rest = [Fraction(sum(hits) - hits[index], max(1, sum(total) - total[index])) for index in range(len(groups))]
    return [
        GroupTest(
            metric=groups[index].metric,
            group=dict(groups[index].group),
            label=groups[index].label,
            difference=six(Fraction(hits[index], total[index]) - rest[index]) or "",
            low=six(low) or "",
            high=six(high) or "",
            p=six(p) or "",
            corrected=six(fair) or "",
            n=total[index] // repeats,
        )
        for (index, (low, high), p), fair in zip(rows, corrected, strict=True)
    ]


def achieved_significance(differences: Ints) -> Fraction | None:
    """Two-sided p of resampled differences against 0; None without rounds.

    Twice the smaller share of rounds at or beyond 0, each share counted with the sample itself; at most 1.
    """
    if not len(differences):
        return None
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(Fraction(1), Fraction(2 * (tail + 1), len(differences) + 1))


def by_class(
    columns: Columns, classes: Sequence[str], *, at: int | Ints, clusters: Names, rounds: int, min_group: int, seed: int
) -> tuple[Metric, list[GroupTest]]:
    """Classes as groups: ``worst_recall(class)``, and each class's recall against the other classes'.

    As ``recall_gap(class)`` the first is not estimable where a class that some image has is below
    ``min_group`` images.
    """
    shown, repeats = columns.truth < columns.classes, columns.repeats
    grouping = Grouping((CLASSES,), tuple(((CLASSES, name),) for name in classes), np.where(shown, columns.truth, -1))
    resampled, least = ResampledCounts(columns, at, [grouping], clusters), min_group * repeats
    (counts,) = resampled.as_it_is()
    drawn = draws(resampled.bags, rounds, seed, _ROUNDS)
    differences = np.concatenate([recall_differences(one) for times in drawn for one in resampled.of(times)])
    return (
        _worst(take(columns, shown), (columns.predicted(at) == columns.truth)[shown], resampled.of_row[shown], least),
        against_the_rest([FigureName("recall", label=name) for name in classes], counts, differences, least, repeats),
    )


def _worst(columns: Columns, right: Bools, of_row: Ints, least: int) -> Metric:
    """``worst_recall(class)`` of images of a class; ``right`` and ``of_row``: of each judgement, and its cluster."""
    parts, n = FigureName("worst_recall", of=(CLASSES,)), len(columns) // columns.repeats
    _, sizes = np.unique(columns.truth, return_counts=True)
    if len(sizes) < 2 or int(sizes.min()) < least:
        return estimate(parts, None, None, n, "too_few" if len(sizes) > 1 else "one_group")
    rates = class_rates(columns.truth, right, of_row, columns.repeats)
    return estimate(parts, min(rates)[0], worst_interval(rates), n, None)
