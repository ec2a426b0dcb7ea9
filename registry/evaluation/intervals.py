"""How sure a figure is: one form of interval, Wilson's, fed with what the images are worth.

A share of independent images gets Wilson's interval. Images of one group (a person, near-duplicates) are not
independent: ``worth`` says how many independent ones they stand for, from the groups' own variance (the design
effect). A figure that is no share of images but lies between 0 and 1 like one (F1, average precision) is
bootstrapped; its value p and the rounds' variance v say what the images are worth to it, p (1 - p) / v, and it gets
the same form. bench/coverage.py measures why: the percentile interval covers 90 % near 1, this one 93 to 97 %.

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

import numpy as np

from registry.core.errors import InvalidInput
from registry.evaluation.columns import Bools, Ints
from registry.evaluation.decimals import UNIT, six

Z = Decimal("1.959963984540054")  # 95 %
MAX_ROUNDS = 100_000
BAGS = 1024
Interval = tuple[str, str]
Names = Sequence[bytes] | Ints  # of groups, one a judgement


def share_interval(value: Fraction, worth: Fraction) -> Interval:
    """Wilson's 95 % interval of ``value`` (0 to 1) seen on ``worth`` (above 0) independent images: decimals of six
    places."""
    with localcontext() as context:
        context.prec = 50
        n, z2 = Decimal(worth.numerator) / Decimal(worth.denominator), Z * Z
        p = Decimal(value.numerator) / Decimal(value.denominator)
        centre = p + z2 / (2 * n)
        spread = Z * ((p * (1 - p) + z2 / (4 * n)) / n).sqrt()
        low = Decimal(0) if value == 0 else (centre - spread) / (1 + z2 / n)
        high = Decimal(1) if value == 1 else (centre + spread) / (1 + z2 / n)
        return six(low) or "", six(high) or ""


def wilson(right: int, total: int, repeats: int = 1) -> Interval | None:
    """95 % interval of a proportion as decimals of six places; None of nothing.

    Where each image was judged ``repeats`` times, ``total`` judgements are worth a ``repeats``-th of them.
    """
    return share_interval(Fraction(right, total), Fraction(total, repeats)) if total else None


def worth(groups: Ints, right: Bools, repeats: int = 1) -> Fraction:
    """How many independent images some judgements stand for; 0 of none, never more than there are images.

    ``groups`` (n) is each judgement's group, ``right`` (n) whether it counts in the share. With n judgements, h right,
    and m_g, h_g of group g: n^2 h (n - h) / sum (n h_g - h m_g)^2, that is n over the design effect. Where none or all
    are right the groups show no variance; each is then taken for one judgement repeated: n^2 / sum m_g^2.
    """
    size = int(groups.max(initial=-1)) + 1
    members, own = np.bincount(groups, minlength=size), np.bincount(groups[right], minlength=size)
    sums = (int(members @ members), int(members @ own), int(own @ own))
    return worth_of(len(groups), int(own.sum()), sums, repeats)


def worth_of(n: int, hits: int, sums: tuple[int, int, int], repeats: int = 1) -> Fraction:
    """``worth`` from n, h, and the sums over groups of m_g^2, m_g h_g and h_g^2."""
    if not n:
        return Fraction(0)
    squares, products, own_squares = sums
    if hits in (0, n):
        found = Fraction(n * n, squares)
    else:
        spread = n * n * own_squares - 2 * n * hits * products + hits * hits * squares
        found = Fraction(n * n * hits * (n - hits), spread) if spread else Fraction(n)
    return min(found, Fraction(n, repeats))


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
        raise InvalidInput(f"{rounds} bootstrap rounds: use 1 to {MAX_ROUNDS}", code="bad_rounds")
    if not 0 <= seed < 1 << 64:
        raise InvalidInput(f"seed {seed} is no unsigned number of 64 bits", code="bad_seed")
    generator = np.random.Philox(key=np.array([seed, 0], np.uint64))
    for first in range(0, rounds, at_once):
        some = min(at_once, rounds - first)
        raw = generator.random_raw(some * groups).reshape(some, groups)
        picked = (((raw >> np.uint64(32)) * np.uint64(groups)) >> np.uint64(32)).astype(np.int64)
        picked += np.arange(some, dtype=np.int64)[:, None] * groups
        yield np.bincount(picked.ravel(), minlength=some * groups).reshape(some, groups)


def bounds(values: Ints, groups: int, value: Fraction | None = None) -> Interval | None:
    """95 % interval from rounds' values (units of 2**-30, -1 for none); None if fewer than half have a value.

    Of a figure that lies between 0 and 1 as a share does, give its ``value``: Wilson's form on p (1 - p) / v images,
    v being the rounds' variance (about their mean, divided by their number). Where p is 0 or 1, or no round
    differs, resampling sees nothing, and ``groups`` images are meant. Without a ``value`` (ratios, and what is a
    largest or smallest): percentile bounds, order statistics without interpolation, of R sorted rounds those at
    ceil(0.025 R) and ceil(0.975 R), counted from 1; where every round gives 1 the lower one is Wilson's for
    ``groups`` right of ``groups``, where every round gives 0 the upper one mirrored.
    """
    known = np.sort(values[values >= 0])
    if not groups or not len(known) or 2 * len(known) < len(values):
        return None
    if value is not None:
        spread = variance(known)
        seen = spread > 0 and 0 < value < 1
        return share_interval(value, value * (1 - value) / spread if seen else Fraction(groups))
    low, high = (int(known[-(-per_mille * len(known) // 1000) - 1]) for per_mille in (25, 975))
    if int(known[0]) == UNIT:
        return wilson(groups, groups)
    if int(known[-1]) == 0:
        return wilson(0, groups)
    return six(Fraction(low, UNIT)) or "", six(Fraction(high, UNIT)) or ""


def variance(values: Ints) -> Fraction:
    """Exact variance of integers in units of 2**-30, about their mean, divided by their number."""
    whole = values.tolist()
    count, total = len(whole), sum(whole)
    return Fraction(count * sum(one * one for one in whole) - total * total, (count * UNIT) ** 2)
