"""Sums and ratios of every round, exact: ratios are integers in units of 2**-30, rounded down; -1 stands for "none".

Invariant: floating point is used only where the result is exact, so no sum depends on the order of its terms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.decimals import UNIT
from registry.evaluation.input.columns import Ints

NONE = -1
EXACT = 1 << 22  # below this a float64 quotient times 2**30 has the right floor
_SINGLE = 1 << 24  # below this float32 holds every whole number
Floats = NDArray[np.floating]


def ratio_of(part: Ints, whole: Ints) -> Ints:
    """floor(2**30 part / whole), -1 where ``whole`` is 0; ``part`` at most ``whole``."""
    safe = np.maximum(whole, 1)
    if safe.size and int(safe.max()) < EXACT:
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


def shares_of(hits: Floats, totals: Floats) -> Floats:
    """``ratio_of`` of whole numbers, ``totals`` above 0 and never falling from row to row, in float64."""
    if totals.size and int(totals[-1].max()) >= EXACT:
        return ratio_of(hits.astype(np.int64), totals.astype(np.int64)).astype(np.float64)
    found = hits.astype(np.float64)  # a product would do the same, piece by piece
    found *= float(UNIT)
    found /= totals
    return np.floor(found, out=found)


def as_ints(values: Floats) -> Ints:
    """Whole numbers as such."""
    found: Ints = values.astype(np.int64)
    return found
