"""The interval of the gap between the best and the worst group: every gap that a 5 % test of the rates does not reject.

A resampled gap is no help: where groups are alike the gap seen is above 0 by chance alone, and a resampled one is
larger still. So each gap g from 0 to 1 in thousandths is tested; the interval reaches from one that is refused to one
that is refused, outward, or to 0 or 1.

* Rates: each has a value p and an effective size n (``intervals.effective_size``). Smoothed: q = (n p + 1) / (n + 2),
  with variance u = q (1 - q) / (n + 2) (Agresti and Caffo 2000).
* How far the rates lie from g: T = max over rows and pairs i, j of (q_i - q_j - g) / sqrt(u_i + u_j).
* The rates that have gap g and are nearest, each rate's distance squared times n + 2: ``_nearest``. (Not over its
  variance: that is smallest near 0 and 1, draws the rates there and makes too little of chance.)
* From those each round draws every rate anew: X of N = floor(n) (1 to ``MOST``, and to ``DRAWS`` over the number of
  rates) are right, p* = m + (X / N - m) sqrt(N / n). X counts the 32-bit numbers below floor(2**32 m); they are the
  upper halves of the raw outputs of Philox 4x64-10 under key (seed, 1), counter from 1: for each rate in order, for
  each round, N of them.
* g is refused if |T*| reaches |T| in at most 4 % of the rounds (a slack of 2**-20 counts as reached). The fifth per
  cent is for the rates being known from the sample alone (as Berger and Boos 1994 set a share aside).

Invariants: floating point is IEEE 754 double with + - * / sqrt alone, each rounded once, sums in the order of the
rates, so the result is the same on every machine. Groups are taken as independent of each other: where a person's
images lie in several and go wrong together, the interval is a little wide.

Sources: Chuang and Lai 2000 (hybrid resampling: a test of each value at the nearest parameters); Feldman and Cousins
1998 (why one test on both sides, near a bound).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.decimals import six
from registry.evaluation.intervals.intervals import Interval, Rate

MOST = 1000
DRAWS = 8192
STEPS = 1000  # gaps that are tested
HALVINGS = 40
SLACK = 2.0**-20
_AT_ONCE = 1 << 18  # numbers that are drawn together: what a core's cache holds
KEPT = 2000 * DRAWS  # numbers that are kept for the next gap: 64 MiB
Floats = NDArray[np.float64]


def gap_interval(rows: Sequence[Sequence[Rate]], rounds: int, seed: int) -> Interval:
    """95 % interval of the largest over ``rows`` of (largest rate - smallest rate), as decimals of six places.

    A row is one kind of rate of two or more groups; each effective size is above 0.
    """
    model = _Model(rows, rounds, seed)
    seen = max(max(value for value, _ in row) - min(value for value, _ in row) for row in rows)
    middle = round(max(max(row) - min(row) for row in model.split(model.smooth)) * STEPS)
    low = 0 if model.accepts(0) else _edge(model, refused=0, accepted=middle)
    high = STEPS if model.accepts(STEPS) else _edge(model, refused=STEPS, accepted=middle)
    return six(min(seen, Fraction(low, STEPS))) or "", six(max(seen, Fraction(high, STEPS))) or ""


def _edge(model: _Model, refused: int, accepted: int) -> int:
    """The refused gap beside an accepted one, by halving."""
    while abs(refused - accepted) > 1:
        between = (refused + accepted) // 2
        if model.accepts(between):
            accepted = between
        else:
            refused = between
    return refused


@dataclass(frozen=True)
class _Drawn:
    """One rate's random numbers, (rounds, N), and what a round's deviation is multiplied with."""

    numbers: NDArray[np.uint32]
    shrink: float

    def around(self, middle: float) -> Floats:
        """(rounds) shares drawn where the true one is ``middle``."""
        most = self.numbers.shape[1]
        below = _true_in(self.numbers < floor(middle * 2.0**32)) if middle < 1 else np.full(len(self.numbers), most)
        found: Floats = np.clip(middle + (below / float(most) - middle) * self.shrink, 0.0, 1.0)
        return found


def _true_in(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of each row are true."""
    found: NDArray[np.int64] = np.bitwise_count(np.packbits(rows, axis=1)).sum(axis=1, dtype=np.int64)
    return found


_kept: dict[int, NDArray[np.uint32]] = {}  # of one seed


def _numbers(seed: int, count: int) -> NDArray[np.uint32]:
    """The first ``count`` numbers under a seed: all gaps of a release draw from the same ones."""
    found = _kept.get(seed, np.zeros(0, np.uint32))
    if len(found) < count:
        found = np.empty(count, np.uint32)
        generator = np.random.Philox(key=np.array([seed, 1], np.uint64))
        for first in range(0, count, _AT_ONCE):
            part = found[first : first + _AT_ONCE]
            part[:] = generator.random_raw(len(part)) >> np.uint64(32)
        if count <= KEPT:
            _kept.clear()
            _kept[seed] = found
    return found[:count]


class _Model:
    """The rates, smoothed, and the random numbers of every round."""

    def __init__(self, rows: Sequence[Sequence[Rate]], rounds: int, seed: int) -> None:
        self.sizes = [len(row) for row in rows]
        rates = [rate for row in rows for rate in row]
        self.rounds = rounds
        self.effective_size = [float(effective_size) for _, effective_size in rates]
        right = np.array([float(value * effective_size) for value, effective_size in rates])[:, None]
        smooth, variance = self._smoothed(right)
        self.smooth, self.variance = smooth[:, 0].tolist(), variance[:, 0].tolist()
        self.loose = [1.0 / (one + 2.0) for one in self.effective_size]
        sizes = [max(1, min(floor(one), MOST, DRAWS // len(rates))) for one in self.effective_size]
        parts = np.split(_numbers(seed, rounds * sum(sizes)), np.cumsum(sizes)[:-1] * rounds)
        self.drawn = [
            _Drawn(part.reshape(rounds, most), sqrt(most / size))
            for part, most, size in zip(parts, sizes, self.effective_size, strict=True)
        ]

    def _smoothed(self, right: Floats) -> tuple[Floats, Floats]:
        """Smoothed rates and their variances of (rates, rounds) right ones."""
        size = np.array(self.effective_size)[:, None] + 2.0
        found = (right + 1.0) / size
        return found, found * (1.0 - found) / size

    def split(self, values: list[float]) -> list[list[float]]:
        """By row."""
        ends = np.cumsum(self.sizes).tolist()
        return [values[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]

    def accepts(self, step: int) -> bool:
        """Whether the test does not reject this gap, in thousandths."""
        gap = step / STEPS
        observed = self._distance(np.array(self.smooth)[:, None], np.array(self.variance)[:, None], gap)[0]
        middles = _nearest(self.split(self.smooth), self.split(self.loose), gap)
        shares = np.stack([one.around(middle) for one, middle in zip(self.drawn, middles, strict=True)])
        drawn = self._distance(*self._smoothed(shares * np.array(self.effective_size)[:, None]), gap)
        return 25 * int((np.abs(drawn) >= abs(observed) - SLACK).sum()) > self.rounds

    def _distance(self, rates: Floats, variance: Floats, gap: float) -> Floats:
        """T of every round."""
        found = np.full(rates.shape[1], -np.inf)
        start = 0
        for size in self.sizes:
            row, spread = rates[start : start + size], variance[start : start + size]
            for one in range(size):
                for other in range(one):
                    apart = (np.abs(row[one] - row[other]) - gap) / np.sqrt(spread[one] + spread[other])
                    np.maximum(found, apart, out=found)
            start += size
        return found


def _nearest(rows: list[list[float]], loose: list[list[float]], gap: float) -> list[float]:
    """The rates that have this gap and lie nearest to those seen, in squares over how loose they are.

    Rows that are wider are clipped. If none is, the pair for which it costs least is moved apart.
    """
    widest = max(max(row) - min(row) for row in rows)
    if widest >= gap:
        clipped = [_clipped(row, spread, gap) for row, spread in zip(rows, loose, strict=True)]
        return [value for row in clipped for value in row]
    _, at, high, low = min(
        ((gap - (row[i] - row[j])) ** 2 / (spread[i] + spread[j]), at, i, j)
        for at, (row, spread) in enumerate(zip(rows, loose, strict=True))
        for i in range(len(row))
        for j in range(len(row))
        if i != j
    )
    row, spread = rows[at], loose[at]
    floor_of = (spread[low] * (row[high] - gap) + spread[high] * row[low]) / (spread[low] + spread[high])
    floor_of = min(max(floor_of, 0.0), 1.0 - gap)
    moved = [min(max(value, floor_of), floor_of + gap) for value in row]
    moved[high], moved[low] = floor_of + gap, floor_of
    return [value for place, one in enumerate(rows) for value in (moved if place == at else one)]


def _clipped(row: list[float], loose: list[float], gap: float) -> list[float]:
    """A row between some a and a + gap, a by halving so that what is cut above and below weighs alike."""
    if max(row) - min(row) <= gap:
        return row
    low, high = min(row), max(row) - gap
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        pull = 0.0
        for value, spread in zip(row, loose, strict=True):
            pull += (max(middle - value, 0.0) - max(value - middle - gap, 0.0)) / spread
        low, high = (middle, high) if pull < 0 else (low, middle)
    return [min(max(value, low), low + gap) for value in row]
