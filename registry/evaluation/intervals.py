"""How sure a figure is: Wilson's interval for proportions, the cluster bootstrap's draws and bounds for the rest.

The bootstrap draws whole groups (a person's images stay together). Its random numbers are the raw 64-bit
outputs of Philox 4x64-10 under key (seed, 0), its counter starting at 1, in order: draw number i of a
round picks the group at ``((raw >> 32) * groups) >> 32`` of the groups sorted by name. No sampling method of
a library is used, so no version can change it. Bounds are order statistics, without interpolation: of R sorted
rounds those at ceil(0.025 R) and ceil(0.975 R), counted from 1.

Sources: Wilson 1927; Efron and Tibshirani 1993, chapter 13 (percentile); Salmon et al. 2011 (Philox).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from registry.core.errors import InvalidInput
from registry.evaluation.columns import Ints
from registry.evaluation.decimals import UNIT, six

Z = Decimal("1.959963984540054")  # 95 %
MAX_ROUNDS = 100_000
Interval = tuple[str, str]


def wilson(right: int, total: int, repeats: int = 1) -> Interval | None:
    """95 % interval of a proportion as decimals of six places; None of nothing.

    Where each image was judged ``repeats`` times, ``total`` judgements are worth a ``repeats``-th of them.
    """
    if not total:
        return None
    with localcontext() as context:
        context.prec = 50
        n, p, z2 = Decimal(total) / repeats, Decimal(right) / Decimal(total), Z * Z
        centre = p + z2 / (2 * n)
        spread = Z * ((p * (1 - p) + z2 / (4 * n)) / n).sqrt()
        low = Decimal(0) if right == 0 else (centre - spread) / (1 + z2 / n)
        high = Decimal(1) if right == total else (centre + spread) / (1 + z2 / n)
        return six(low) or "", six(high) or ""


def group_indices(names: Sequence[bytes]) -> tuple[Ints, int]:
    """Each image's place among the groups sorted by name, and how many groups there are."""
    position = {name: index for index, name in enumerate(sorted(set(names)))}
    return np.array([position[name] for name in names], np.int64), len(position)


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


def bounds(values: Ints, groups: int) -> Interval | None:
    """Percentile bounds of rounds' values (units of 2**-30, -1 for none); None if fewer than half have a value.

    Where every round gives 1, resampling can't see what a larger sample would show: the lower bound is
    then Wilson's for ``groups`` right of ``groups``; where every round gives 0, the upper one mirrored.
    """
    known = np.sort(values[values >= 0])
    if not groups or not len(known) or 2 * len(known) < len(values):
        return None
    low, high = (int(known[-(-per_mille * len(known) // 1000) - 1]) for per_mille in (25, 975))
    if int(known[0]) == UNIT:
        return wilson(groups, groups)
    if int(known[-1]) == 0:
        return wilson(0, groups)
    return six(Fraction(low, UNIT)) or "", six(Fraction(high, UNIT)) or ""
