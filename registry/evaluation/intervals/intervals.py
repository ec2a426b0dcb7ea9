"""The interval of a figure: Wilson's, for the effective size of a sample ("worth" in docs/format).

A share of independent images gets Wilson's interval. Images of one group (a person, near-duplicates) are not
independent: ``effective_size`` says how many independent ones they stand for, from the groups' own variance (the design
effect). A figure that is no share of images but lies between 0 and 1 like one (F1, average precision) is
bootstrapped; its value p and the rounds' variance v give its effective size, p (1 - p) / v, and it gets the
same form. bench/coverage.py measures why: the percentile interval covers 90 % near 1, this one 93 to 97 %.
Differences are no shares: they get percentiles of the rounds.

The bootstrap draws whole groups. Its random numbers are the raw 64-bit outputs of Philox 4x64-10 under key (seed, 0),
its counter starting at 1, in order: draw number i of a round picks the group at ``((raw >> 32) * groups) >> 32`` of
the groups sorted by name. No sampling method of a library is used, so no version can change it. docs/intervals.md
has vectors.

Sources: Wilson 1927; Kish 1965 (design effect); Korn and Graubard 1998, Franco et al. 2019 (effective sample size in
Wilson's interval); Efron and Tibshirani 1993, chapters 6 and 13; Salmon et al. 2011 (Philox).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

import numpy as np

from registry.core.errors import InvalidInput
from registry.evaluation.decimals import UNIT, six
from registry.evaluation.input.columns import Bools, Ints

Z = Decimal("1.959963984540054")  # 95 %: ``quantile`` of 1/40
_PI = Decimal("3.14159265358979323846264338327950288419716939937510")
MAX_ROUNDS = 100_000
BAGS = 1024
Interval = tuple[str, str]
Rate = tuple[Fraction, Fraction]  # value, effective size
Names = Sequence[bytes] | Ints  # of groups, one a judgement


def share_interval(value: Fraction, effective_size: Fraction) -> Interval:
    """Wilson's 95 % interval of ``value`` (0 to 1) seen on ``effective_size`` (above 0) independent images, as
    decimals of six places."""
    low, high = share_bounds(value, effective_size)
    return six(low) or "", six(high) or ""


def share_bounds(value: Fraction, effective_size: Fraction, z: Decimal = Z) -> tuple[Decimal, Decimal]:
    """Wilson's interval of z standard errors, not yet rounded to six places."""
    with localcontext() as context:
        context.prec = 50
        n, z2 = Decimal(effective_size.numerator) / Decimal(effective_size.denominator), z * z
        p = Decimal(value.numerator) / Decimal(value.denominator)
        centre = p + z2 / (2 * n)
        spread = z * ((p * (1 - p) + z2 / (4 * n)) / n).sqrt()
        low = Decimal(0) if value == 0 else (centre - spread) / (1 + z2 / n)
        high = Decimal(1) if value == 1 else (centre + spread) / (1 + z2 / n)
        return low, high


@cache
def quantile(tail: Fraction) -> Decimal:
    """The z that a standard normal number exceeds with this probability (1e-20 to 1/2), to 15 places.

    By halving, in decimals of 50 digits, as the same on every machine. The probability of 0 to z is the density at z
    times z + z^3 / 3 + z^5 / (3 * 5) + ... (Marsaglia 2004).
    """
    with localcontext() as context:
        context.prec = 50
        wanted = Decimal(1) / 2 - Decimal(tail.numerator) / Decimal(tail.denominator)
        low, high = Decimal(0), Decimal(10)
        while high - low > Decimal("1e-20"):
            z = (low + high) / 2
            low, high = (z, high) if _from_0_to(z) < wanted else (low, z)
        return ((low + high) / 2).quantize(Decimal("1e-15"))


def _from_0_to(z: Decimal) -> Decimal:
    """The probability of a standard normal number between 0 and z."""
    term = total = z
    number = 1
    while term > Decimal("1e-45"):
        number += 2
        term = term * z * z / number
        total += term
    return total * (-z * z / 2).exp() / (2 * _PI).sqrt()


def wilson(right: int, total: int, repeats: int = 1) -> Interval | None:
    """95 % interval of a proportion as decimals of six places; None of nothing.

    Where each image was judged ``repeats`` times, the effective size of ``total`` judgements is a ``repeats``-th of it.
    """
    return share_interval(Fraction(right, total), Fraction(total, repeats)) if total else None


def effective_size(groups: Ints, right: Bools, repeats: int = 1) -> Fraction:
    """How many independent images some judgements stand for; 0 of none, never more than there are images.

    ``groups`` (n) is each judgement's group, ``right`` (n) whether it counts in the share. With n judgements, h right,
    and m_g, h_g of group g: n^2 h (n - h) / sum (n h_g - h m_g)^2, that is n over the design effect. Where none or all
    are right the groups show no variance; each is then taken for one judgement repeated: n^2 / sum m_g^2.
    """
    size = int(groups.max(initial=-1)) + 1
    members, own = np.bincount(groups, minlength=size), np.bincount(groups[right], minlength=size)
    sums = (int(members @ members), int(members @ own), int(own @ own))
    return effective_size_of(len(groups), int(own.sum()), sums, repeats)


def effective_size_of(n: int, hits: int, sums: tuple[int, int, int], repeats: int = 1) -> Fraction:
    """``effective_size`` from n, h, and the sums over groups of m_g^2, m_g h_g and h_g^2."""
    if not n:
        return Fraction(0)
    squares, products, own_squares = sums
    if hits in (0, n):
        found = Fraction(n * n, squares)
    else:
        spread = n * n * own_squares - 2 * n * hits * products + hits * hits * squares
        found = Fraction(n * n * hits * (n - hits), spread) if spread else Fraction(n)
    return min(found, Fraction(n, repeats))


def class_rates(truth: Ints, right: Bools, groups: Ints, repeats: int = 1) -> list[Rate]:
    """Recall of each class that some judgement has, in order, with its ``effective_size``. Arguments, all (n): class,
    whether the prediction is right, group."""
    found = []
    for label in np.unique(truth).tolist():
        mine = truth == label
        value = Fraction(int(right[mine].sum()), int(mine.sum()))
        found.append((value, effective_size(groups[mine], right[mine], repeats)))
    return found


def group_indices(names: Names) -> tuple[Ints, int]:
    """Each image's place among the groups sorted by name, and how many groups there are."""
    if isinstance(names, np.ndarray):
        numbers, place = np.unique(names, return_inverse=True)
        return place, len(numbers)
    position = {name: index for index, name in enumerate(sorted(dict.fromkeys(names)))}  # half in order: sorts fast
    return np.array([position[name] for name in names], np.int64), len(position)


def bags_of(names: Names) -> tuple[Ints, int]:
    """What is drawn: the groups, or if they are more than ``BAGS``, as many bags; group number i lies in bag i mod
    ``BAGS``. Bags hold equally many groups (but for one) that have nothing in common, so they vary as their sum does.
    """
    place, count = group_indices(names)
    return (place, count) if count <= BAGS else (place % BAGS, BAGS)


def draws(groups: int, rounds: int, seed: int, at_once: int) -> Iterator[Ints]:
    """How often each group is drawn, (up to ``at_once`` rounds, groups) at a time; ``rounds`` in all.

    ``InvalidInput`` (``bad_rounds``, ``bad_seed``) for what no plan may ask.
    """
    if not 1 <= rounds <= MAX_ROUNDS:
        raise InvalidInput(
            f"{rounds} bootstrap rounds are out of bounds", code="bad_rounds", hint=f"use 1 to {MAX_ROUNDS}."
        )
    if not 0 <= seed < 1 << 64:
        raise InvalidInput(f"seed {seed} is not an unsigned number of 64 bits", code="bad_seed")
    generator = np.random.Philox(key=np.array([seed, 0], np.uint64))
    for first in range(0, rounds, at_once):
        some = min(at_once, rounds - first)
        raw = generator.random_raw(some * groups).reshape(some, groups)
        picked = (((raw >> np.uint64(32)) * np.uint64(groups)) >> np.uint64(32)).astype(np.int64)
        picked += np.arange(some, dtype=np.int64)[:, None] * groups
        yield np.bincount(picked.ravel(), minlength=some * groups).reshape(some, groups)


def bounds(values: Ints, groups: int, value: Fraction) -> Interval | None:
    """95 % interval of a figure from its rounds (units of 2**-30, -1 for none); None if fewer than half have one.

    Wilson's form on p (1 - p) / v images, p being the figure's ``value`` and v the rounds' variance (about their mean,
    divided by their number). Where p is 0 or 1, or no round differs, resampling sees nothing, and ``groups`` images
    are meant.
    """
    known = values[values >= 0]
    if not groups or not len(known) or 2 * len(known) < len(values):
        return None
    spread = variance(known)
    seen = spread > 0 and 0 < value < 1
    return share_interval(value, value * (1 - value) / spread if seen else Fraction(groups))


def percentiles(differences: Ints) -> tuple[Fraction, Fraction]:
    """95 % interval of a difference from its rounds (units of 2**-30, one at least): of R sorted ones those at
    ceil(0.025 R) and ceil(0.975 R), counted from 1."""
    ordered = np.sort(differences)
    low, high = (Fraction(int(ordered[-(-part * len(ordered) // 1000) - 1]), UNIT) for part in (25, 975))
    return low, high


def variance(values: Ints) -> Fraction:
    """Exact variance of integers in units of 2**-30, about their mean, divided by their number."""
    whole = values.tolist()
    count, total = len(whole), sum(whole)
    return Fraction(count * sum(one * one for one in whole) - total * total, (count * UNIT) ** 2)
