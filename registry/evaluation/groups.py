"""Images by what was declared of them: each attribute, and each pair of attributes together.

Invariants: an image of which an attribute was not declared is in no group of it; groups are in order of their names;
an attribute with more than ``MAX_VALUES`` values is no grouping (a number or a name, not a group of people), and
whoever calls is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from registry.evaluation.columns import Columns, Ints

Attributes = Mapping[bytes, Mapping[str, str]]
MAX_VALUES = 50  # groups of one attribute, or of a pair
MAX_PAIRS = 20  # pairs of attributes


@dataclass(frozen=True)
class Grouping:
    """``name`` is ATTR, or ``ATTR & ATTR``; ``values`` are ATTR=VALUE, or ``ATTR=VALUE & ATTR=VALUE``."""

    name: str
    values: tuple[str, ...]
    code: Ints  # (n) place in values, -1 where it was not declared


def groupings(
    columns: Columns, attributes: Attributes, names: Sequence[str]
) -> tuple[tuple[Grouping, ...], tuple[str, ...]]:
    """Every grouping by ``names`` that tells images apart, and the attributes that are none for their many values."""
    single, left_out = [], []
    for name in sorted(set(names)):
        declared = [attributes.get(key, {}).get(name) for key in columns.keys]
        found = sorted({value for value in declared if value is not None})
        place = {value: index for index, value in enumerate(found)}
        code = np.array([-1 if value is None else place[value] for value in declared], np.int64)
        if len(found) > MAX_VALUES:
            left_out.append(name)
        elif found:
            single.append(Grouping(name, tuple(f"{name}={value}" for value in found), code))
    pairs = [_both(*pair) for pair in list(combinations([one for one in single if len(one.values) > 1], 2))[:MAX_PAIRS]]
    return (*single, *(pair for pair in pairs if 1 < len(pair.values) <= MAX_VALUES)), tuple(left_out)


def _both(one: Grouping, other: Grouping) -> Grouping:
    """The values that occur together."""
    known = (one.code >= 0) & (other.code >= 0)
    together = np.where(known, one.code * len(other.values) + other.code, -1)
    found = np.unique(together[known])
    code = np.where(known, np.searchsorted(found, together), -1)
    names = [f"{one.values[at // len(other.values)]} & {other.values[at % len(other.values)]}" for at in found.tolist()]
    return Grouping(f"{one.name} & {other.name}", tuple(names), code)


def cells_of(columns: Columns, grouping: Grouping, called: Ints) -> Ints:
    """(n) place of each judgement in a table (groups, truths, calls); -1 in no group."""
    k = columns.classes
    place = (grouping.code * k + columns.truth) * (k + 1) + called
    return np.where(grouping.code >= 0, place, -1)


def counts_of(columns: Columns, grouping: Grouping, called: Ints) -> Ints:
    """Judgements by group, truth and call, (groups, k, k + 1)."""
    k, cells = columns.classes, cells_of(columns, grouping, called)
    shape = (len(grouping.values), k, k + 1)
    return np.bincount(cells[cells >= 0], minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)
