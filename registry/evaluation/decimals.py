"""Figures as they stand in records: decimal strings of six places, rounded half to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

PLACES = Decimal("0.000001")


def six(value: Fraction | int | Decimal | None) -> str | None:
    """An exact value as a decimal string of six places, half even; None stays None (not estimable)."""
    if value is None:
        return None
    with localcontext() as context:
        context.prec = 60
        if isinstance(value, Fraction):
            value = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = Decimal(value).quantize(PLACES, rounding=ROUND_HALF_EVEN)
    return str(rounded.copy_abs() if rounded == 0 else rounded)


def millionths(value: int) -> str:
    """An integer in millionths as a decimal string."""
    return f"{value // 1_000_000}.{value % 1_000_000:06d}"
