"""The figures of an evaluation's groups, put into tables: groups, classes within groups, and what stays a list.

Invariants: nothing is dropped and nothing is shown twice; a table is complete, so what fits into none stays in the
list; a figure's place follows from its parts, not from its name. The work is in proportion to the number of figures,
whatever a stranger's record holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.core import records
from registry.core.text.figure_names import FigureName, group_name, name_of
from registry.evaluation.result import Result

Figure = Mapping[str, Any]  # as ``Figure.document`` gives it
Row = tuple[str, tuple[Figure, ...]]  # a group, and its figures
OF_GROUP = ("recall", "precision", "f1", "ece")
WITHIN = ("selection", "recall", "precision", "fpr")  # of a class in a group


@dataclass(frozen=True)
class ByGroup:
    """``groups``: each with its figures in order of ``OF_GROUP``; ``within``: by kind, each group's figures in order
    of the classes; ``rest``: all others (the gaps), as they came."""

    groups: tuple[Row, ...] = ()
    within: tuple[tuple[str, tuple[Row, ...]], ...] = ()
    rest: tuple[Figure, ...] = ()


def people_of(evaluation: records.Evaluation | Result) -> list[Figure]:
    """The figures of people: of what is fairness, all but what stands among the figures of all images."""
    known = {metric.name for metric in evaluation.metrics}
    return [metric.document() for metric in evaluation.fairness if metric.name not in known]


def by_group(figures: Sequence[Figure], classes: Sequence[str]) -> ByGroup:
    """Figures of people, as an evaluation states them, sorted into tables."""
    count = Counter(one["name"] for one in figures)
    known = {str(one["name"]): one for one in figures if count[one["name"]] == 1}  # of two, neither can be meant
    given = [one["group"] for one in figures if one["metric"] == "ece" and one["group"] and one["class"] is None]
    groups = [row for group in given if (row := _row(group, OF_GROUP, (None,), known))]
    whole = {name for name, _ in groups}
    of_groups = [group for group in given if group_name(group) in whole]
    within = []
    for kind in WITHIN if groups and classes and len(groups) * len(classes) <= len(figures) else ():
        rows = [_row(group, (kind,), classes, known) for group in of_groups]
        there = tuple(row for row in rows if row is not None)
        within += [(kind, there)] if len(there) == len(rows) else []
    shown = {id(one) for rows in (groups, *(rows for _, rows in within)) for _, row in rows for one in row}
    return ByGroup(tuple(groups), tuple(within), tuple(one for one in figures if id(one) not in shown))


def _row(
    group: Mapping[str, str], kinds: Sequence[str], labels: Sequence[str | None], known: Mapping[str, Figure]
) -> Row | None:
    """A group's figures of some kinds and classes; None unless all are there."""
    parts = tuple(sorted(group.items()))
    names = [name_of(FigureName(kind, group=parts, label=label)) for kind in kinds for label in labels]
    if not all(name in known for name in names):
        return None
    return group_name(group), tuple(known[name] for name in names)
