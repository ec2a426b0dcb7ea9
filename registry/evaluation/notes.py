"""The notes of an evaluation, which state its limits, as codes with values; ``sentences`` has their text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.core.records import Metric, Note
from registry.core.text.figure_names import word
from registry.evaluation.fairness.groups import Attributes
from registry.evaluation.figures.areas import in_steps, steps_of
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.input.columns import Columns
from registry.evaluation.intervals.intervals import BAGS


def _says_all(one: Metric) -> bool:
    """Whether a figure stands for its group: where it is not estimable the others are not either."""
    return one.metric in ("recall", "recall_gap") and not (one.group and one.label is not None)


def notes(
    columns: Columns,
    attributes: Attributes,
    names: Sequence[str],
    rule: ThresholdRule,
    procedure: Note,
    figures: Sequence[Metric],
    more: Sequence[Note] = (),
    persons: int = 0,
) -> tuple[Note, ...]:
    """All notes of an evaluation; what is missing comes first. ``persons``: how many groups there are of persons and
    near-duplicates."""
    values = {name: {attributes.get(key, {}).get(name) for key in columns.keys} - {None} for name in names}
    declared = tuple(word(name) for name in names if len(values[name]) > 1)  # what all have in common compares nobody
    return (
        Note(code="compared", values={"attributes": declared}) if declared else Note(code="classes_only", values={}),
        *_not_estimable(figures),
        *more,
        Note(code="balance", values={}),
        procedure,
        rule.note(),
        Note(code="areas", values={}),
        Note(code="intervals", values={}),
        *_bounded(columns, persons),
    )


def _not_estimable(figures: Sequence[Metric]) -> Iterator[Note]:
    small = [one for one in figures if one.value is None and _says_all(one)]
    if small:
        names, images = tuple(one.name for one in small), tuple(one.n for one in small)
        yield Note(code="not_estimable", values={"figures": names, "images": images})


def _bounded(columns: Columns, groups: int) -> Iterator[Note]:
    """By which of ``bootstrap``'s two rules for large releases the pooled intervals were made, if by any."""
    if groups > BAGS:
        yield Note(code="bags", values={"groups": groups, "bags": BAGS})
    if in_steps(columns):
        yield Note(code="area_steps", values={"steps": steps_of(columns.classes)})
