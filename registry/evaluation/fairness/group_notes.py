"""Notes on one attribute's groups: which is worst off, and how many images are in none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.core.records import Metric, Note
from registry.core.text.figure_names import group_name
from registry.evaluation.fairness.groups import Grouping


def worst_off(grouping: Grouping, figures: Sequence[Metric]) -> Iterator[Note]:
    """The group with the lowest recall, of those that have a figure."""
    names = {value: group_name(dict(value)) for value in grouping.values}
    of = [(one.value, one.parts) for one in figures if one.metric == "recall" and one.label is None]
    known = [(value, names[parts.group]) for value, parts in of if value is not None and parts.group in names]
    if len(known) >= 2:
        worst = min(value for value, _ in known)
        groups = tuple(name for value, name in known if value == worst)
        yield Note(code="lowest_recall", values={"attribute": grouping.name, "groups": groups, "recall": worst})


def undeclared(grouping: Grouping, repeats: int) -> Iterator[Note]:
    """How many images are in no group."""
    missing = int((grouping.code < 0).sum()) // repeats
    if missing:
        yield Note(code="undeclared", values={"attribute": grouping.name, "images": missing})
