"""The figures of an evaluation's groups, put into tables: groups, classes within groups, and what stays a list.

Invariants: nothing is dropped and nothing is shown twice; a table is complete, so what fits into none stays in the
list; names are looked up whole and never taken apart, since groups and classes may bear any text. The work is in
proportion to the number of figures, whatever a stranger's record holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.core import records
from registry.core.records import to_value
from registry.evaluation.evaluate import Result

Figure = Mapping[str, Any]  # {name, value, low, high, n}
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
    return [to_value(metric) for metric in evaluation.fairness if metric.name not in known]


def by_group(figures: Sequence[Figure], classes: Sequence[str]) -> ByGroup:
    """Figures of people, as an evaluation states them, sorted into tables."""
    count = Counter(one["name"] for one in figures)
    known = {str(one["name"]): one for one in figures if count[one["name"]] == 1}  # of two, neither can be meant
    named = [name[len("ece(") : -1] for name in known if name.startswith("ece(") and name.endswith(")")]
    groups = [row for name in named if (row := _row(name, [f"{kind}({name})" for kind in OF_GROUP], known))]
    within = []
    for kind in WITHIN if groups and classes and len(groups) * len(classes) <= len(figures) else ():
        rows = [_row(name, [f"{kind}({name}, {label})" for label in classes], known) for name, _ in groups]
        whole = tuple(row for row in rows if row is not None)
        within += [(kind, whole)] if len(whole) == len(rows) else []
    shown = {id(one) for rows in (groups, *(rows for _, rows in within)) for _, row in rows for one in row}
    return ByGroup(tuple(groups), tuple(within), tuple(one for one in figures if id(one) not in shown))


def _row(group: str, names: Sequence[str], known: Mapping[str, Figure]) -> Row | None:
    """A group's figures by their names; None unless all are there."""
    if not all(name in known for name in names):
        return None
    return group, tuple(known[name] for name in names)
