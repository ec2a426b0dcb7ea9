"""The interval of the gap: against the docstring done plainly, and what it must say of clear cases."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.evaluation.intervals.gap_interval import _nearest, gap_interval
from registry.evaluation.intervals.intervals import Rate
from tests.evaluation.intervals.test_intervals import philox


def rates(*pairs: tuple[int, int]) -> list[Rate]:
    return [(Fraction(right, total), Fraction(total)) for right, total in pairs]


def numbers(seed: int, count: int) -> list[int]:
    """Upper halves of the raw outputs under key (seed, 1)."""
    return [raw >> 32 for block in range(1, count // 4 + 2) for raw in philox((seed, 1), block)][:count]


def smooth(right: float, total: float) -> tuple[float, float]:
    q = (right + 1) / (total + 2)
    return q, q * (1 - q) / (total + 2)


def distance(found: list[tuple[float, float]], gap: float) -> float:
    return max((a[0] - b[0] - gap) / sqrt(a[1] + b[1]) for a in found for b in found if a is not b)


def plainly(row: list[tuple[int, int]], rounds: int, seed: int) -> list[bool]:
    """Whether each gap in thousandths is accepted, by the docstring, one row of small groups of whole images."""
    raw = numbers(seed, rounds * sum(total for _, total in row))
    pools, at = [], 0
    for _, total in row:
        pools.append([raw[at + total * number : at + total * (number + 1)] for number in range(rounds)])
        at += rounds * total
    seen = [smooth(*one) for one in row]
    accepted = []
    for step in range(1001):
        gap = step / 1000
        middles = _nearest([[q for q, _ in seen]], [[1 / (total + 2) for _, total in row]], gap)
        here, reached = abs(distance(seen, gap)), 0
        for number in range(rounds):
            drawn = [
                smooth(sum(one < int(middle * 2**32) for one in pool[number]), total)
                for pool, middle, (_, total) in zip(pools, middles, row, strict=True)
            ]
            reached += abs(distance(drawn, gap)) >= here - 2**-20
        accepted.append(25 * reached > rounds)
    return accepted


@pytest.mark.parametrize("row", [[(7, 8), (3, 6)], [(5, 5), (5, 5), (4, 5)], [(9, 9), (1, 7)]])
def test_the_interval_is_the_one_that_the_docstring_defines(row: list[tuple[int, int]]) -> None:
    accepted = plainly(row, 40, 2023)
    low, high = (int(Fraction(text) * 1000) for text in gap_interval([rates(*row)], 40, 2023))
    shares = [Fraction(*one) for one in row]
    seen = int(1000 * (max(shares) - min(shares)))
    assert accepted[0] if low == 0 else (low >= seen or (not accepted[low] and accepted[low + 1]))
    assert accepted[1000] if high == 1000 else (high <= seen + 1 or (not accepted[high] and accepted[high - 1]))


@given(st.lists(st.tuples(st.floats(0.05, 0.95), st.floats(0.001, 0.1)), min_size=2, max_size=5), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_the_nearest_rates_have_the_gap(row: list[tuple[float, float]], step: int) -> None:
    """And none of many random ones with that gap is nearer (a clipped row's optimum is found by halving)."""
    values, spreads, gap = [one for one, _ in row], [two for _, two in row], step / 1000
    [*found] = _nearest([values], [spreads], gap)
    assert max(found) - min(found) == pytest.approx(gap, abs=1e-9)
    if gap > max(values) - min(values):
        return
    cost = sum((a - b) ** 2 / s for a, b, s in zip(found, values, spreads, strict=True))
    for start in np.linspace(min(values), max(values) - gap, 60):
        other = np.clip(values, start, start + gap)
        assert cost <= float(((other - values) ** 2 / spreads).sum()) + 1e-9


def test_equal_groups_are_not_told_apart_and_unequal_ones_are() -> None:
    low, high = gap_interval([rates((36, 40), (36, 40), (35, 40), (37, 40))], 2000, 1)
    assert low == "0.000000"
    assert 0.1 < float(high) < 0.25
    low, high = gap_interval([rates((380, 400), (200, 400))], 2000, 1)
    assert 0.38 < float(low) < 0.41
    assert 0.49 < float(high) < 0.52


def test_perfection_of_few_proves_little() -> None:
    assert gap_interval([rates((10, 10), (10, 10))], 500, 1)[0] == "0.000000"
    assert float(gap_interval([rates((10, 10), (10, 10))], 500, 1)[1]) > 0.2
    assert float(gap_interval([rates((3, 3), (0, 3))], 500, 1)[1]) == 1


def test_the_widest_row_decides() -> None:
    alike, apart = rates((90, 100), (91, 100)), rates((90, 100), (50, 100))
    both = gap_interval([alike, apart], 1000, 1)
    one = gap_interval([apart], 1000, 1)
    assert [float(text) for text in both] == pytest.approx([float(text) for text in one], abs=0.02)


def test_large_groups_and_many_rates_stay_bounded() -> None:
    large = [(Fraction(9, 10), Fraction(250_000)), (Fraction(89, 100), Fraction(250_000))]
    low, high = gap_interval([large], 500, 1)
    assert 0.007 < float(low) < 0.01 < float(high) < 0.013
    many = gap_interval([rates(*[(80 + place % 3, 100) for place in range(50)])] * 2, 200, 1)
    assert many[0] == "0.000000"
