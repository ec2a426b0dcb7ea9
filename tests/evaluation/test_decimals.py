"""Six places, half to even, exactly."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.evaluation.decimals import MOST_TERMS, exact_sum, six, six_ratio


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (0, "0.000000"),
        (1, "1.000000"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(2, 3), "0.666667"),
        (Fraction(1, 2_000_000), "0.000000"),  # half of a millionth: to the even 0
        (Fraction(3, 2_000_000), "0.000002"),  # one and a half: to the even 2
        (Fraction(-1, 3), "-0.333333"),
        (Fraction(-1, 10_000_000), "0.000000"),  # no negative zero
        (Decimal("-0.0000001"), "0.000000"),
        (Decimal("0.0000025"), "0.000002"),
        (Fraction(1_999_999_999, 1_000_000_000), "2.000000"),
    ],
)
def test_a_half_is_rounded_to_even(value: Fraction | None, text: str | None) -> None:
    assert six(value) == text


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_equals_the_decimal_module(part: int, whole: int) -> None:
    with localcontext() as context:
        context.prec = 60
        wanted = (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    assert Decimal(six_ratio(part, whole)) == wanted
    assert not six_ratio(part, whole).startswith("-0.000000")


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 50)), max_size=40))
def test_a_sum_of_fractions_is_exact(terms: list[tuple[int, int]]) -> None:
    assert exact_sum(terms) == sum((Fraction(*term) for term in terms), Fraction(0))


def test_many_terms_are_rounded_down_alike() -> None:
    terms = [(1, number) for number in range(1, MOST_TERMS + 2)]
    exact = sum(map(Fraction, *zip(*terms[:-1], strict=True)), Fraction(0))
    assert exact_sum(terms[:-1]) == exact
    many = exact_sum(terms)
    assert (1 << 128) % many.denominator == 0
    assert 0 <= exact + Fraction(1, MOST_TERMS + 1) - many < Fraction(1, 1 << 100)
