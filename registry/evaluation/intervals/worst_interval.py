"""Intervals of the worst group's rate and of the ratio of worst to best, from the interval of each rate.

Resampling is no help: the smallest of several resampled rates lies below the smallest seen, which lies below the true
one already where groups are alike; and where all is right in every round it sees nothing. Each rate has a value and a
effective size (see ``intervals.effective_size``), so bounds L and U of its own.

* Worst rate of m. The lower bound is too high only if it lies above the rate that is truly smallest, so above that
  rate's own: low = min L, Wilson's at the usual 2.5 % a side. The upper bound is too low if any U is: high = min U,
  strict ones of 2.5 % / m a side.
* Smallest over largest rate of a row, of the rows the smallest. For the lower bound to be too high, L or U of two
  certain rates must be wrong, those of the true ratio: low = min over rows of (min L / max U), Wilson's of 1.25 % a
  side. The upper bound is too low only if one of all m rates lies outside: high = min over rows of (min U / max L), at
  most 1, and 1 where max L is 0; strict ones of 1.25 % / m a side.
* Strict bounds are the outer of two: Wilson's, and the likelihood ratio's, at which 2 n (p ln(p / U) + (1 - p)
  ln((1 - p) / (1 - U))) = z^2. In thin tails Wilson's alone is wrong too often near 1 (a worst of four groups: up to
  8 %, of 50 up to 22 %), the other where all or none is right.

So each bound is wrong in about 2.5 % of cases at most (Bonferroni's inequality, which holds also where a person's
images lie in several groups); docs/intervals.md has figures.

Invariants: decimals of 50 digits (30 for logarithms), so the result is the same on every machine; the interval holds
the figure itself.

Sources: Wilson 1927; Wilks 1938 (likelihood ratio).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from registry.evaluation.decimals import six
from registry.evaluation.intervals.intervals import Interval, Rate, quantile, share_bounds

SIDE = Fraction(1, 40)
CLOSE = Decimal("1e-10")  # how near a bound of the likelihood ratio is found


def worst_interval(rates: Sequence[Rate]) -> Interval:
    """95 % interval of the smallest of ``rates`` (one or more, each effective size above 0), decimals of six places."""
    low = min(share_bounds(*rate)[0] for rate in rates)
    return six(low) or "", six(_least_upper(rates, quantile(SIDE / len(rates)))) or ""


def ratio_interval(rows: Sequence[Sequence[Rate]]) -> Interval:
    """95 % interval of the smallest over ``rows`` of (smallest rate / largest rate), as decimals of six places.

    A row is one kind of rate of two or more groups; each effective size is above 0.
    """
    usual, strict = quantile(SIDE / 2), quantile(SIDE / 2 / sum(map(len, rows)))
    with localcontext() as context:
        context.prec = 50
        low = min(_lowest(row, usual) for row in rows)
        high = min(_highest(row, strict) for row in rows)
    return six(low) or "", six(high) or ""


def _lowest(row: Sequence[Rate], z: Decimal) -> Decimal:
    bounds = [share_bounds(*rate, z) for rate in row]
    return min(low for low, _ in bounds) / max(high for _, high in bounds)


def _highest(row: Sequence[Rate], z: Decimal) -> Decimal:
    largest = 1 - _least_upper([(1 - value, effective_size) for value, effective_size in row], z)
    return min(Decimal(1), _least_upper(row, z) / largest) if largest > 0 else Decimal(1)


def _least_upper(rates: Iterable[Rate], z: Decimal) -> Decimal:
    """The smallest of the rates' strict upper bounds; those that Wilson's already puts above another's are passed."""
    least = Decimal(1)
    for wilson, rate in sorted((share_bounds(*rate, z)[1], rate) for rate in set(rates)):
        if wilson >= least:
            break
        least = min(least, _upper(*rate, z, wilson))
    return least


def _upper(value: Fraction, effective_size: Fraction, z: Decimal, wilson: Decimal) -> Decimal:
    """The likelihood ratio's bound, to ``CLOSE``, or Wilson's if that is wider."""
    with localcontext() as context:
        context.prec = 30  # of which a bound needs ten; logarithms of 50 take twice as long
        p = Decimal(value.numerator) / Decimal(value.denominator)
        wanted = z * z * Decimal(effective_size.denominator) / Decimal(effective_size.numerator) / 2
        low, high = wilson, Decimal(1)
        if _divergence(p, low) >= wanted:
            return wilson
        while high - low > CLOSE:
            middle = (low + high) / 2
            low, high = (middle, high) if _divergence(p, middle) < wanted else (low, middle)
        return high


def _divergence(p: Decimal, other: Decimal) -> Decimal:
    """Kullback and Leibler's, of a share p (below 1) from another one that lies between p and 1."""
    return (p * (p / other).ln() if p else Decimal(0)) + (1 - p) * ((1 - p) / (1 - other)).ln()
