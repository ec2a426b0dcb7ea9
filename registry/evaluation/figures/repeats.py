"""Repeated folds: each repeat's own figures, and their spread.

Invariants: a repeat judges every image once, so its figures are those of one k-fold procedure; their spread shows what
the drawing of folds and the training's own chance do, and nothing of what other images would do (intervals do). The
spread is taken from the figures as stated, decimals of six places; the deviation is of a sample, its divisor one less
than the number of repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from registry.core.records import Metric, Spread
from registry.evaluation.decimals import six, six_ratio
from registry.evaluation.input.columns import Bools, Columns

MILLION = 1_000_000


def by_repeat(columns: Columns, k: int) -> list[Bools]:
    """Masks of each repeat's judgements where there are several; nothing where there is one."""
    repeat = columns.fold // k
    found = np.unique(repeat).tolist()
    return [repeat == one for one in found] if len(found) > 1 else []


def spread(per_repeat: Sequence[Sequence[Metric]]) -> tuple[Spread, ...]:
    """Of every figure that each of at least two repeats has, in their order."""
    if len(per_repeat) < 2:
        return ()
    return tuple(
        _of(group[0], [int(one.value.replace(".", "")) for one in group if one.value is not None])
        for group in zip(*per_repeat, strict=True)
        if all(one.value is not None for one in group)
    )


def _of(one: Metric, values: Sequence[int]) -> Spread:
    """Of the figure ``one``; ``values`` in millionths."""
    count, total = len(values), sum(values)
    squares = Fraction(sum((count * value - total) ** 2 for value in values), count * count * (count - 1))
    with localcontext() as context:
        context.prec = 60
        deviation = (Decimal(squares.numerator) / Decimal(squares.denominator)).sqrt() / MILLION
    return Spread(
        metric=one.metric,
        of=one.of,
        group=one.group,
        label=one.label,
        mean=six(Fraction(total, MILLION * count)) or "",
        lowest=six_ratio(min(values), MILLION),
        highest=six_ratio(max(values), MILLION),
        deviation=six(deviation) or "",
    )
