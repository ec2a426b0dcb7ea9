"""Is it chance? Each group's recall against that of all other images, and of the classes as groups the worst recall.

Invariants: whole clusters are drawn, so a person's images are not taken for independent ones; p counts the sample
itself; Holm's correction is over the groups of one attribute (or pair), and over the classes.

Sources: Davison and Hinkley 1997, section 4.4 (p of a bootstrap); Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from registry.core.records import GroupTest, Metric
from registry.evaluation import gaps
from registry.evaluation.columns import Columns, Ints
from registry.evaluation.comparison import holm
from registry.evaluation.decimals import UNIT, six
from registry.evaluation.groups import Grouping
from registry.evaluation.intervals import Names, bounds, draws
from registry.evaluation.ratios import ratio_of
from registry.evaluation.tallies import Tallies, Tally

_MISSING = 2 * UNIT  # stands for a difference that a round does not have
_ROUNDS = 512  # at once


def apart(tally: Tally) -> Ints:
    """Each group's recall less that of all other images, in every round, (rounds, groups), in units of 2**-30."""
    right, total = gaps.right(tally)
    one = ratio_of(right, total)
    rest = ratio_of(right.sum(axis=1, keepdims=True) - right, total.sum(axis=1, keepdims=True) - total)
    return np.where((one >= 0) & (rest >= 0), one - rest, _MISSING)


def against_the_rest(values: Sequence[str], tally: Tally, rounds: Ints, least: int, repeats: int) -> list[GroupTest]:
    """A test of every group ``values`` that has ``least`` judgements, as the others have together. ``tally`` is of the
    judgements as they are, ``rounds`` what ``apart`` gave."""
    hits, total = (part[0].tolist() for part in gaps.right(tally))
    rows: list[tuple[int, Ints, Fraction]] = []
    for index in range(len(values)):
        known = np.sort(rounds[:, index][rounds[:, index] < _MISSING])
        p = achieved_significance(known)
        if p is not None and min(total[index], sum(total) - total[index]) >= max(1, least):
            rows.append((index, known, p))
    corrected = holm([p for _, _, p in rows])
    rest = [Fraction(sum(hits) - hits[index], max(1, sum(total) - total[index])) for index in range(len(values))]
    return [
        GroupTest(
            name=f"recall({values[index]})",
            difference=six(Fraction(hits[index], total[index]) - rest[index]) or "",
            low=_quantile(known, 25),
            high=_quantile(known, 975),
            p=six(p) or "",
            corrected=six(fair) or "",
            n=total[index] // repeats,
        )
        for (index, known, p), fair in zip(rows, corrected, strict=True)
    ]


def achieved_significance(differences: Ints) -> Fraction | None:
    """Two-sided p of resampled differences against 0; None without rounds.

    Twice the smaller share of rounds at or beyond 0, each share counted with the sample itself; at most 1.
    """
    if not len(differences):
        return None
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(Fraction(1), Fraction(2 * (tail + 1), len(differences) + 1))


def _quantile(ordered: Ints, per_mille: int) -> str:
    return six(Fraction(int(ordered[-(-per_mille * len(ordered) // 1000) - 1]), UNIT)) or ""


def by_class(
    columns: Columns, classes: Sequence[str], *, at: int | Ints, clusters: Names, rounds: int, min_group: int, seed: int
) -> tuple[Metric, list[GroupTest]]:
    """Classes as groups: ``worst_recall(class)``, and each class's recall against the other classes'.

    As ``recall_gap(class)`` the first is not estimable where a class that some image has is below
    ``min_group`` images.
    """
    grouping, repeats = Grouping("class", tuple(classes), columns.truth), columns.repeats
    tallies, least = Tallies(columns, at, [grouping], clusters), min_group * repeats
    (tally,) = tallies.as_it_is()
    gap = gaps.gaps_of(tally, 1)
    drawn = [one for times in draws(tallies.bags, rounds, seed, _ROUNDS) for one in tallies.of(times)]
    worst = np.concatenate([gaps.resampled(one, gap)["worst_recall"] for one in drawn])
    counts = tally.total[0]
    small = min(counts[counts > 0].tolist(), default=0) < least
    value = None if small else gap.values["worst_recall"]
    interval = None if value is None else bounds(worst, int(tallies.clusters_of(grouping).sum()))
    low, high = interval or (None, None)
    n = len(columns) // repeats
    differences = np.concatenate([apart(one) for one in drawn])
    return (
        Metric(name="worst_recall(class)", value=six(value), low=low, high=high, n=n),
        against_the_rest(classes, tally, differences, least, repeats),
    )
