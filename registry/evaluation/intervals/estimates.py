"""Builds a figure's record: value and interval, or no value and the reason.

Invariant: a figure has a value or a reason, never both.
"""

from __future__ import annotations

from fractions import Fraction

from registry.core.records import Metric
from registry.core.text.figure_names import FigureName
from registry.evaluation.decimals import six
from registry.evaluation.intervals.intervals import Interval, share_interval


def estimate(
    parts: FigureName, value: Fraction | None, interval: Interval | None, n: int, reason: str | None
) -> Metric:
    """One figure of ``n`` images; ``reason`` is why it has no value where it has none."""
    low, high = interval or (None, None)
    return Metric(
        metric=parts.metric,
        of=parts.of,
        group=dict(parts.group),
        label=parts.label,
        value=six(value),
        low=low,
        high=high,
        n=n,
        reason=reason if value is None else None,
    )


def proportion(
    parts: FigureName,
    right: int,
    total: int,
    min_group: int = 1,
    repeats: int = 1,
    effective_size: Fraction | None = None,
    *,
    none: str = "no_images",
    reason: str | None = None,
) -> Metric:
    """A share of ``total`` judgements, ``repeats`` an image, with Wilson's interval; not estimable below ``min_group``
    images, of none for the reason ``none``, and for a ``reason`` if one is given.

    ``effective_size``: see ``intervals.effective_size``; None: the images are independent.
    """
    images = total // repeats
    if not total or images < min_group or reason:
        return estimate(parts, None, None, images, reason or ("too_few" if total else none))
    value = Fraction(right, total)
    interval = share_interval(value, Fraction(total, repeats) if effective_size is None else effective_size)
    return estimate(parts, value, interval, images, None)
