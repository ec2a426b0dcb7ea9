"""Which versions of a kind of table's columns are read, and what an old row means today (docs/adr/0011).

A table's header says its kind and the version of its columns, beside ``v``, the version of its structure: how rows are
encoded and cut into nodes (``build``), which is the same for every kind. The newest columns of a kind are those of
``columns.KINDS``; ``STEPS`` has one step for each version before.

Invariants: pure; a kind keeps its key through all versions (another key makes another kind), so that rows of two
versions can be compared; a table is hashed and checked as it is written, and only its rows are read as today's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.core.errors import NewerVersion
from registry.core.table.columns import KINDS, Shape

STRUCTURE = 1
Row = Sequence[Any]
Named = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """``before``: the columns of version n; ``up``: a row of them by names, as version n + 1 has it."""

    before: Shape
    up: Callable[[Named], Named]


STEPS: dict[str, tuple[Step, ...]] = {}  # by kind; none yet: all are version 1


def added(before: Shape, **meant: Any) -> Step:
    """Columns that the version after ``before`` added, each with what their absence means."""
    return Step(before, lambda row: {**row, **meant})


def shape_of(kind: str, version: int) -> Shape | None:
    """The columns and key of a version that is read here, None for a kind that is not known. ``NewerVersion``."""
    if kind not in KINDS:
        return None
    if version > KINDS[kind].version:
        raise NewerVersion(f"the table {kind}", version)
    return [*(step.before for step in STEPS.get(kind, ())), KINDS[kind]][version - 1]


def reading(shape: Shape) -> Callable[[Row], tuple[Any, ...]]:
    """A function from a row as it is written to the same row in the newest columns of its kind."""
    steps = STEPS.get(shape.kind, ())[shape.version - 1 :]
    if shape.kind not in KINDS or not steps:
        return tuple
    columns = KINDS[shape.kind].columns

    def read(row: Row) -> tuple[Any, ...]:
        named = dict(zip(shape.columns, row, strict=True))
        for step in steps:
            named = step.up(named)
        return tuple(named[name] for name in columns)

    return read
