"""Images by what was declared of them: each attribute, and each pair of attributes together.

Invariants: an image of which an attribute was not declared is in no group of it; groups are in order of their names;
what is not compared is told by name: an attribute (or pair) of more than ``MAX_VALUES`` values is no grouping (a number
or a name, not a group of people), a record holds so many pairs and figures and no more, and no more is compared than
takes an auditor seconds (``MAX_WORK``). Attributes come before pairs, both in order of their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from registry.core.text.figure_names import Group, group_name, word
from registry.evaluation.input.columns import Columns, Ints

Attributes = Mapping[bytes, Mapping[str, str]]
MAX_VALUES = 50  # groups of one attribute, or of a pair
MAX_PAIRS = 20  # pairs of attributes
MAX_BYTES = 1_000_000  # of all groups' figures in the record, whose block ends at 2 MiB
MAX_WORK = 10_000  # of all groupings' gaps: pairs of groups by class, each tested in every round
_EACH_WORK = 200  # what a grouping takes however few its groups are, in such pairs (measured)
_OF_GROUP, _OF_CLASS, _FIGURE = 4, 4, 100  # figures of a group, of a class in it, and bytes of one beside its names


@dataclass(frozen=True)
class Grouping:
    """Images by the values of one attribute, or of two together."""

    of: tuple[str, ...]  # the attributes
    values: tuple[Group, ...]
    code: Ints  # (n) place in values, -1 where it was not declared

    @property
    def name(self) -> str:
        """As gaps name it."""
        return " & ".join(map(word, self.of))

    @property
    def together(self) -> bool:
        """Whether it is a pair."""
        return len(self.of) > 1


def groupings(
    columns: Columns, attributes: Attributes, names: Sequence[str], classes: Sequence[str]
) -> tuple[tuple[Grouping, ...], tuple[str, ...]]:
    """Every grouping by ``names`` that holds an image, and the names of attributes and pairs that are left out."""
    single = [_single(columns, attributes, name) for name in sorted(set(names))]
    few = [one for one in single if 1 < len(one.values) <= MAX_VALUES]
    pairs = [_both(*pair) for pair in list(combinations(few, 2))[:MAX_PAIRS]]
    left_out = [f"{one.name} & {other.name}" for one, other in list(combinations(few, 2))[MAX_PAIRS:]]
    taken, room, time = [], MAX_BYTES, MAX_WORK
    for one in (*single, *(pair for pair in pairs if len(pair.values) > 1)):
        size, work = _bytes(one, classes), _EACH_WORK + len(classes) * comb(len(one.values), 2)
        if len(one.values) > MAX_VALUES or size > room or work > time:
            left_out.append(one.name)
        elif one.values:
            taken.append(one)
            room, time = room - size, time - work
    return tuple(taken), tuple(sorted(left_out))


def _bytes(grouping: Grouping, classes: Sequence[str]) -> int:
    """About what a grouping's figures take in a record."""
    labels = sum(len(name.encode()) + _FIGURE for name in classes)
    figures = _OF_GROUP + _OF_CLASS * len(classes)
    names = sum(len(group_name(dict(value)).encode()) for value in grouping.values)
    return names * figures + len(grouping.values) * (_OF_CLASS * labels + _OF_GROUP * _FIGURE)


def _single(columns: Columns, attributes: Attributes, name: str) -> Grouping:
    declared = [attributes.get(key, {}).get(name) for key in columns.keys]
    found = sorted({value for value in declared if value is not None})
    place = {value: index for index, value in enumerate(found)}
    code = np.array([-1 if value is None else place[value] for value in declared], np.int64)
    return Grouping((name,), tuple(((name, value),) for value in found), code)


def _both(one: Grouping, other: Grouping) -> Grouping:
    """The values that occur together."""
    known = (one.code >= 0) & (other.code >= 0)
    together = np.where(known, one.code * len(other.values) + other.code, -1)
    found = np.unique(together[known])
    code = np.where(known, np.searchsorted(found, together), -1)
    pairs = tuple(one.values[at // len(other.values)] + other.values[at % len(other.values)] for at in found.tolist())
    return Grouping(one.of + other.of, pairs, code)
