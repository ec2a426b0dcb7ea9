"""How far groups lie apart: parity of selection, of opportunity, of odds; the worst group; and by chance alone?

Definitions, by Fairlearn's names, each class in turn against the rest, a group being the images of one value:

* selection rate: of the group's images, how many are called so; true positive rate: of its images of the class;
  false positive rate: of its images of other classes.
* ``demographic_parity_difference(ATTR)``: largest selection rate less the smallest; of the classes the largest.
  ``equal_opportunity_difference``: the same of true positive rates. ``equalized_odds_difference``: the larger of the
  differences in true and in false positive rates. ``..._ratio``: smallest over largest rate; of the classes the
  smallest; a class for which every rate is 0 says nothing.
* ``recall_gap(ATTR)``: of shares of images called right, the best group's less the worst's; ``worst_recall(ATTR)``:
  the worst group's.

A rate counts only where it rests on ``min_group`` images; a gap only where two groups have it, otherwise it is not
estimable. Which rates count is decided on the images as they are, and kept in every round of the bootstrap.

Sources: Hardt et al. 2016 (equalized odds, equal opportunity); Bird et al. 2020 (Fairlearn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.bootstrap import NONE, ratio_of
from registry.evaluation.columns import Ints
from registry.evaluation.decimals import UNIT

KINDS = ("demographic_parity", "equal_opportunity", "equalized_odds")
RATES = {
    "demographic_parity": ("selection",),
    "equal_opportunity": ("tpr",),
    "equalized_odds": ("tpr", "fpr"),
}
Parts = tuple[Ints, Ints]  # numerators and denominators, (..., groups) or (..., groups, classes)


def right(counts: Ints) -> Parts:
    """Images called right, and all, by group; ``counts`` is (..., groups, k, k + 1)."""
    k = counts.shape[-2]
    return counts[..., np.arange(k), np.arange(k)].sum(axis=-1), counts.sum(axis=(-1, -2))


def rates(counts: Ints) -> dict[str, Parts]:
    """Selection, true and false positive rates as numerators and denominators, (..., groups, k)."""
    k = counts.shape[-2]
    hits, truth = counts[..., np.arange(k), np.arange(k)], counts.sum(axis=-1)
    called, total = counts.sum(axis=-2)[..., :k], counts.sum(axis=(-1, -2))[..., None]
    whole = np.broadcast_to(total, called.shape)
    return {"selection": (called, whole), "tpr": (hits, truth), "fpr": (called - hits, total - truth)}


@dataclass(frozen=True)
class Gaps:
    """The gaps of one grouping, by name without its attribute: exact values, and which rates they rest on."""

    values: dict[str, Fraction | None]
    groups: NDArray[np.bool_]  # (groups) whose recall counts
    which: dict[str, NDArray[np.bool_]]  # by rate, (groups, k)


def gaps_of(counts: Ints, least: int) -> Gaps:
    """Every gap of a table (groups, k, k + 1); ``least`` judgements make a rate count."""
    hits, total = right(counts)
    groups = total >= max(1, least)
    recalls = _fractions(hits[groups], total[groups])
    which = {name: (parts[1] >= max(1, least)) & groups[:, None] for name, parts in rates(counts).items()}
    found = {name: _by_class(*parts, which[name]) for name, parts in rates(counts).items()}
    values: dict[str, Fraction | None] = {
        "recall_gap": max(recalls) - min(recalls) if len(recalls) > 1 else None,
        "worst_recall": min(recalls) if len(recalls) > 1 else None,
    }
    for kind in KINDS:
        rows = [row for name in RATES[kind] for row in found[name]]
        ratios = [min(row) / max(row) for row in rows if max(row) > 0]
        values[f"{kind}_difference"] = max((max(row) - min(row) for row in rows), default=None)
        values[f"{kind}_ratio"] = min(ratios, default=None)
    return Gaps(values, groups, which)


def _fractions(part: Ints, whole: Ints) -> list[Fraction]:
    return [Fraction(one, other) for one, other in zip(part.tolist(), whole.tolist(), strict=True)]


def _by_class(part: Ints, whole: Ints, which: NDArray[np.bool_]) -> list[list[Fraction]]:
    """For each class of which two groups have a rate, those rates."""
    rows = [_fractions(part[mask, label], whole[mask, label]) for label, mask in enumerate(which.T)]
    return [row for row in rows if len(row) > 1]


def resampled(counts: Ints, gaps: Gaps) -> dict[str, Ints]:
    """The same gaps of tables (rounds, groups, k, k + 1), in units of 2**-30, -1 where a round has none."""
    recalls = ratio_of(*right(counts))[:, gaps.groups]
    found = {
        "recall_gap": _spread(recalls),
        "worst_recall": np.where((recalls >= 0).sum(axis=1) > 1, _lowest(recalls), NONE),
    }
    shares = {name: np.where(gaps.which[name], ratio_of(*parts), NONE) for name, parts in rates(counts).items()}
    counted = {name: mask.sum(axis=0) > 1 for name, mask in gaps.which.items()}
    for kind in KINDS:
        columns = [
            shares[name][:, :, label] for name in RATES[kind] for label in np.flatnonzero(counted[name]).tolist()
        ]
        found[f"{kind}_difference"] = _worst([_spread(one) for one in columns], np.max, len(counts))
        found[f"{kind}_ratio"] = _worst([_proportion(one) for one in columns], np.min, len(counts))
    return found


def _lowest(values: Ints) -> Ints:
    found: Ints = np.where(values >= 0, values, UNIT + 1).min(axis=1, initial=UNIT + 1)
    return found


def _spread(values: Ints) -> Ints:
    """Largest less smallest of those that are there, (rounds)."""
    highest = values.max(axis=1, initial=NONE)
    return np.where((values >= 0).sum(axis=1) > 1, highest - _lowest(values), NONE)


def _proportion(values: Ints) -> Ints:
    """Smallest over largest; -1 where the largest is 0 or there are not two."""
    highest = values.max(axis=1, initial=NONE)
    usable = ((values >= 0).sum(axis=1) > 1) & (highest > 0)
    return np.where(usable, ratio_of(np.where(usable, _lowest(values), 0), np.where(usable, highest, 1)), NONE)


def _worst(columns: Sequence[Ints], pick: np.ufunc | object, rounds: int) -> Ints:
    """The largest (or smallest) over classes of those that are there."""
    if not columns:
        return np.full(rounds, NONE)
    table = np.stack(columns)
    if pick is np.max:
        return np.asarray(table.max(axis=0))
    low = np.where(table >= 0, table, UNIT + 1).min(axis=0)
    return np.where(low > UNIT, NONE, low)


def achieved_significance(differences: Ints, there: NDArray[np.bool_]) -> Fraction | None:
    """Two-sided p of resampled differences against 0 (Davison and Hinkley 1997, section 4.4); None without rounds.

    Twice the smaller share of rounds at or beyond 0, each share counted with the sample itself; at most 1.
    """
    known = differences[there]
    if not len(known):
        return None
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(Fraction(1), Fraction(2 * (tail + 1), len(known) + 1))
