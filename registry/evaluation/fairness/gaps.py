"""Gaps between groups: demographic parity, equal opportunity, equalized odds, and the worst group.

Definitions, by Fairlearn's names, each class in turn against the rest, a group being the images of one value:

* selection rate: of the group's images, the share predicted as the class; true positive rate: of its images of the
  class; false positive rate: of its images of other classes.
* ``demographic_parity_difference(ATTR)``: largest selection rate less the smallest; of the classes the largest.
  ``equal_opportunity_difference``: the same of true positive rates. ``equalized_odds_difference``: the larger of the
  differences in true and in false positive rates. ``..._ratio``: smallest over largest rate; of the classes the
  smallest; a class for which every rate is 0 says nothing.
* ``recall_gap(ATTR)``: of shares of images predicted right, the best group's less the worst's; ``worst_recall(ATTR)``:
  the worst group's.

A rate counts only where it rests on ``min_group`` images; a gap has a value only where two groups have a rate. A rate
that does not count could be anything, so a gap that leaves one out is open on that side: the upper bound of a
difference is then 1, the lower bound of a ratio and of ``worst_recall`` 0, and no claim is proved by having few images
of somebody. (A class that no image has is left out of true positive rates: it has none.)

Sources: Hardt et al. 2016 (equalized odds, equal opportunity); Bird et al. 2020 (Fairlearn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.fairness.resampled_counts import EffectiveSizes, GroupCounts
from registry.evaluation.input.columns import Ints

KINDS = ("demographic_parity", "equal_opportunity", "equalized_odds")
RATES = {
    "demographic_parity": ("selection",),
    "equal_opportunity": ("recall",),
    "equalized_odds": ("recall", "fpr"),
}
Row = list[tuple[Fraction, str, int, int]]  # value, kind of rate ("right", or as in RATES), group, class (-1: all)
Parts = tuple[Ints, Ints]  # numerators and denominators, (rounds, groups) or (rounds, groups, k)


def right(counts: GroupCounts) -> Parts:
    """Images predicted right, and all, by group."""
    return counts.hits.sum(axis=-1), counts.total


def rates(counts: GroupCounts) -> dict[str, Parts]:
    """Selection, true and false positive rates as numerators and denominators, (rounds, groups, k)."""
    hits, truth, predicted = (part[..., :-1] for part in (counts.hits, counts.truth, counts.predicted))
    whole = np.broadcast_to(counts.total[..., None], predicted.shape)
    return {"selection": (predicted, whole), "recall": (hits, truth), "fpr": (predicted - hits, whole - truth)}


@dataclass(frozen=True)
class Gaps:
    """The gaps of one grouping, by name without its attribute: exact values, and which rates they rest on."""

    values: dict[str, Fraction | None]
    rows: dict[str, list[Row]]  # of each: the rates of one kind, and class, that it compares
    open: frozenset[str]  # names of those that leave a rate out


def gaps_of(counts: GroupCounts, least: int) -> Gaps:
    """Every gap of the first round; ``least`` judgements make a rate count."""
    hits, total = (part[0] for part in right(counts))
    groups = total >= max(1, least)
    recalls = [_row("right", -1, hits, total, groups)]
    parts = {name: (part[0], whole[0]) for name, (part, whole) in rates(counts).items()}
    which = {name: (whole >= max(1, least)) & groups[:, None] for name, (_, whole) in parts.items()}
    found = {name: _by_class(name, *parts[name], which[name]) for name in parts}
    there = {name: whole.sum(axis=0) > 0 for name, (_, whole) in parts.items()}
    left_out = {name for name, mask in which.items() if not mask[:, there[name]].all()}
    rows = {"recall_gap": [row for row in recalls if len(row) > 1]}
    rows |= {f"{kind}_difference": [row for name in RATES[kind] for row in found[name]] for kind in KINDS}
    values: dict[str, Fraction | None] = {
        name: max(map(_difference, some), default=None) for name, some in rows.items()
    }
    values["worst_recall"] = min((one[0] for row in rows["recall_gap"] for one in row), default=None)
    for kind in KINDS:
        ends = [(min(row)[0], max(row)[0]) for row in rows[f"{kind}_difference"]]
        values[f"{kind}_ratio"] = min((low / high for low, high in ends if high > 0), default=None)
    loose = {f"{kind}_{form}" for kind in KINDS if left_out & {*RATES[kind]} for form in ("difference", "ratio")}
    loose |= set() if groups.all() else {"recall_gap", "worst_recall"}
    rows["worst_recall"] = rows["recall_gap"]
    rows |= {f"{kind}_ratio": rows[f"{kind}_difference"] for kind in KINDS}
    return Gaps(values, rows, frozenset(loose))


def _row(kind: str, label: int, part: Ints, whole: Ints, mask: NDArray[np.bool_]) -> Row:
    return [(Fraction(int(part[at]), int(whole[at])), kind, at, label) for at in np.flatnonzero(mask).tolist()]


def _by_class(kind: str, part: Ints, whole: Ints, which: NDArray[np.bool_]) -> list[Row]:
    """For each class of which two groups have a rate, those rates."""
    rows = [_row(kind, label, part[:, label], whole[:, label], mask) for label, mask in enumerate(which.T)]
    return [row for row in rows if len(row) > 1]


def _difference(row: Row) -> Fraction:
    return max(row)[0] - min(row)[0]


def with_sizes(rows: Sequence[Row], sizes: EffectiveSizes) -> list[list[tuple[Fraction, Fraction]]]:
    """Rates as ``gap_interval`` and ``worst_interval`` take them, each with how many independent images it rests on."""
    return [
        [
            (value, sizes.right[group] if kind == "right" else sizes.of_class[kind][group][label])
            for value, kind, group, label in row
        ]
        for row in rows
    ]
