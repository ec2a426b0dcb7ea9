"""Sums and maxima that run along the rows of a wide array, and how often what is ranked was drawn, in integers.

Invariants: sums are of whole numbers that their type holds exactly (``ratios.exact``), so no result depends on the
order of its terms. Rows are taken a block at a time, because one pass over a whole row per step is what a processor's
cache likes least; that changes no result.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from registry.evaluation.figures.ratios import Floats, exact
from registry.evaluation.input.columns import Ints

BLOCK = 16  # rows that are summed beside those of the other blocks
_ROWS = 1024  # rows that are gathered at once
_DENSE = 32  # how many products of a matrix take as long as to gather and to add one number


def add_up(values: Floats) -> Floats:
    """Each row the sum of it and all before, in place."""
    whole = len(values) - len(values) % BLOCK
    blocks = values[:whole].reshape(-1, BLOCK, values.shape[1])
    for place in range(1, BLOCK):
        blocks[:, place] += blocks[:, place - 1]
    for before, block in itertools.pairwise(blocks):
        block += before[-1]
    for place in range(max(whole, 1), len(values)):
        values[place] += values[place - 1]
    return values


def best_from_here(values: Floats) -> Floats:
    """Each row the largest of it and all behind, in place."""
    whole = len(values) - len(values) % BLOCK
    for place in range(len(values) - 2, whole - 1, -1):
        np.maximum(values[place], values[place + 1], out=values[place])
    blocks = values[:whole].reshape(-1, BLOCK, values.shape[1])
    for place in range(BLOCK - 2, -1, -1):
        np.maximum(blocks[:, place], blocks[:, place + 1], out=blocks[:, place])
    behind = values[whole] if whole < len(values) else None
    for block in blocks[::-1]:
        if behind is not None:
            np.maximum(block, behind, out=block)
        behind = block[0]
    return values


@dataclass(frozen=True)
class Ranked:
    """What is ranked: the bag of each, in order, up to the last of ``ends``; ``ends``, rising, say how many lie up to
    each step."""

    bag: Ints
    ends: Ints
    bags: int

    def drawn(self, times: Floats) -> Floats:
        """How many lie up to each step, (steps, rounds), with bags drawn so often, (bags, rounds)."""
        if len(self.bag) * _DENSE > len(self.ends) * self.bags:
            return self._counts @ times
        times = times.astype(self._type, copy=False)
        found = np.empty((len(self.ends), times.shape[1]), self._type)
        before, step = np.zeros(times.shape[1], self._type), 0
        for first in range(0, len(self.bag), _ROWS):
            sums = times[self.bag[first : first + _ROWS]]
            sums[0] += before
            add_up(sums)
            last = int(np.searchsorted(self.ends, first + len(sums), side="right"))
            np.take(sums, self.ends[step:last] - first - 1, axis=0, out=found[step:last], mode="clip")
            before, step = sums[-1], last
        return found

    @cached_property
    def _type(self) -> np.dtype[np.floating]:
        return exact(np.bincount(self.bag, minlength=self.bags)).dtype

    @cached_property
    def _counts(self) -> Floats:
        """How many of each bag lie up to each step, (steps, bags)."""
        step = np.searchsorted(self.ends, np.arange(len(self.bag)), side="right")
        found = np.bincount(step * self.bags + self.bag, minlength=len(self.ends) * self.bags)
        return add_up(found.reshape(len(self.ends), self.bags).astype(self._type))
