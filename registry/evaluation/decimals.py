"""Figures as they stand in records: decimal strings of six places, rounded half to even.

``UNIT`` is how resampled figures are kept on their way: integers in units of 2**-30, rounded down, so that
sums come out alike in any order and on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

UNIT = 1 << 30
MOST_TERMS = 4096  # that are added exactly
_PLACES = Decimal("0.000001")


def six(value: Fraction | int | Decimal | None) -> str | None:
    """An exact value as a decimal string of six places, half even; None stays None (not estimable)."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        rounded = value.quantize(_PLACES, rounding=ROUND_HALF_EVEN)
        return str(rounded.copy_abs() if rounded == 0 else rounded)
    return six_ratio(value.numerator, value.denominator)


def six_ratio(part: int, whole: int) -> str:
    """``part / whole`` (``whole`` above 0) as a decimal string of six places, half even."""
    sign, part = ("-", -part) if part < 0 else ("", part)
    quotient, rest = divmod(part * 1_000_000, whole)
    if 2 * rest > whole or (2 * rest == whole and quotient % 2):
        quotient += 1
    text = f"{quotient // 1_000_000}.{quotient % 1_000_000:06d}"
    return sign + text if quotient else text


def exact_sum(terms: Sequence[tuple[int, int]]) -> Fraction:
    """The sum of (numerator, denominator) pairs, by halves: far faster than adding fractions one by one.

    More than ``MOST_TERMS`` terms are each rounded down to a multiple of 2**-128 first: the common denominator of a
    million would have millions of digits, and the sum stays the same on every machine, less than 2**-100 too small.
    """
    if len(terms) > MOST_TERMS:
        return Fraction(sum((part << 128) // whole for part, whole in terms), 1 << 128)

    def add(low: int, high: int) -> tuple[int, int]:
        if high - low == 1:
            return terms[low]
        middle = (low + high) // 2
        (a, b), (c, d) = add(low, middle), add(middle, high)
        return a * d + c * b, b * d

    return Fraction(*add(0, len(terms))) if terms else Fraction(0)


def exact_sum_of(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> Fraction:
    """``exact_sum`` of arrays, none negative; many are divided all at once, 32 bits of the quotient at a time."""
    if len(parts) <= MOST_TERMS or int(wholes.max()) >= 1 << 31:
        return exact_sum(list(zip(parts.tolist(), wholes.tolist(), strict=True)))
    quotient, rest = np.divmod(parts, wholes)
    total = int(quotient.sum())
    for _ in range(4):
        quotient, rest = np.divmod(rest << 32, wholes)
        total = (total << 32) + int(quotient.sum())
    return Fraction(total, 1 << 128)
