"""Intervals of the worst rate and of ratios: by hand, what must hold always, and how often they hold a known truth."""

from __future__ import annotations

from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import rel_entr
from scipy.stats import binom

from registry.evaluation.intervals.intervals import Interval, Rate, share_interval, wilson
from registry.evaluation.intervals.worst_interval import ratio_interval, worst_interval

RATES = st.tuples(st.fractions(0, 1, max_denominator=50), st.fractions(Fraction(1, 3), 500, max_denominator=9))
ROWS = st.lists(st.lists(RATES, min_size=2, max_size=4), min_size=1, max_size=3)


def plain(rate: Rate, tail: float) -> tuple[float, float]:
    """Wilson's bounds in floating point, as textbooks have them."""
    (p, n), z = map(float, rate), -NormalDist().inv_cdf(tail)
    centre, spread = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, centre - spread) / (1 + z * z / n), min(1.0, (centre + spread) / (1 + z * z / n))


def strict_upper(rate: Rate, tail: float) -> float:
    """The outer of Wilson's upper bound and scipy's solution of the likelihood ratio."""
    (p, n), z = map(float, rate), -NormalDist().inv_cdf(tail)
    wilson = plain(rate, tail)[1]

    def beyond(other: float) -> float:
        return float(2 * n * (rel_entr(p, other) + rel_entr(1 - p, 1 - other)) - z * z)

    if p == 1 or beyond(wilson) >= 0 or beyond(1 - 1e-15) <= 0:
        return wilson if p == 1 or beyond(wilson) >= 0 else 1.0
    return float(brentq(beyond, wilson, 1 - 1e-15, xtol=1e-12))


def strict(rate: Rate, tail: float) -> tuple[float, float]:
    return 1 - strict_upper((1 - rate[0], rate[1]), tail), strict_upper(rate, tail)


@given(st.lists(RATES, min_size=1, max_size=6))
@settings(deadline=None, max_examples=40)
def test_the_worst_rate_is_bounded_by_every_rates_own_interval(rates: list[Rate]) -> None:
    low, high = worst_interval(rates)
    assert low == min(share_interval(*rate)[0] for rate in rates)
    assert float(high) == pytest.approx(min(strict_upper(rate, 0.025 / len(rates)) for rate in rates), abs=1e-6)
    assert float(low) - 1e-6 <= min(float(value) for value, _ in rates) <= float(high) + 1e-6


@given(ROWS)
@settings(deadline=None, max_examples=40)
def test_a_ratio_is_bounded_by_the_smallest_over_the_largest(rows: list[list[Rate]]) -> None:
    low, high = map(float, ratio_interval(rows))
    wide = [[plain(rate, 0.0125) for rate in row] for row in rows]
    wider = [[strict(rate, 0.0125 / sum(map(len, rows))) for rate in row] for row in rows]
    assert low == pytest.approx(min(min(a for a, _ in row) / max(b for _, b in row) for row in wide), abs=1e-6)
    ends = [(min(b for _, b in row), max(a for a, _ in row)) for row in wider]
    assert high == pytest.approx(min(min(1.0, most / max(least, 1e-9)) for most, least in ends), abs=2e-6)
    seen = [float(min(row)[0] / max(row)[0]) for row in rows if max(row)[0] > 0]
    assert all(low - 1e-6 <= min(seen) <= high + 1e-6 for _ in seen[:1])


def sure(right: int, total: int) -> Interval:
    found = wilson(right, total)
    assert found is not None
    return found


def test_one_group_is_its_own_worst() -> None:
    low, high = worst_interval([(Fraction(3, 4), Fraction(40))])
    assert (low, round(float(high), 2)) == (sure(30, 40)[0], 0.87)
    assert worst_interval([(Fraction(1), Fraction(40))]) == wilson(40, 40)


def test_more_rates_make_no_surer() -> None:
    """The lower bound of a worst of equals is each one's own; the upper one widens with their number."""
    alike = (Fraction(9, 10), Fraction(30))
    found = [worst_interval([alike] * count) for count in (1, 2, 8, 50)]
    assert {low for low, _ in found} == {sure(27, 30)[0]}
    assert [high for _, high in found] == sorted({high for _, high in found})
    nothing = (Fraction(0), Fraction(30))
    assert ratio_interval([[alike, alike], [nothing, nothing]])[0] == "0.000000"  # rates unseen may be as far apart
    assert ratio_interval([[nothing, nothing]])[1] == "1.000000"


@pytest.mark.parametrize("groups", [4, 50])
@pytest.mark.parametrize("images", [30, 100])
def test_how_often_the_worst_of_equals_lies_outside(groups: int, images: int) -> None:
    """Computed from binomial probabilities. Wilson's upper bounds alone are too low in 8 % (4 groups) to 22 % (50)."""
    counts = [[(Fraction(hits, images), Fraction(images))] * groups for hits in range(images + 1)]
    bounds = np.array([worst_interval(rates) for rates in counts], float)
    hits = np.arange(images + 1)
    for rate in np.arange(0.5, 1 - 3 / images, 0.01):
        chance = binom.pmf(hits, images, rate)
        below, above = chance[bounds[:, 1] < rate].sum(), chance[bounds[:, 0] > rate].sum()
        assert 1 - (1 - below) ** groups < 0.05
        assert above**groups < 0.025


@pytest.mark.parametrize("truth", [(0.9, 0.9, 0.9, 0.9), (1.0, 1.0, 1.0, 0.95), (0.95, 0.9, 0.85, 0.8)])
def test_intervals_of_30_hold_the_truth(truth: tuple[float, ...]) -> None:
    """Of 200 samples at most 4 in 100 lie above the truth, and as many below."""
    drawn = np.random.Generator(np.random.PCG64(3)).binomial(30, truth, (200, 4)).tolist()
    for interval, value in ((worst_interval, min(truth)), (lambda row: ratio_interval([row]), min(truth) / max(truth))):
        found = [interval([(Fraction(hits, 30), Fraction(30)) for hits in one]) for one in drawn]
        assert sum(float(low) > value for low, _ in found) <= 8
        assert sum(float(high) < value for _, high in found) <= 8
