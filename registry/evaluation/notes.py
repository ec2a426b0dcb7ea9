"""What the figures do not say, in sentences that stand in the record; what is missing comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.core.figure_names import word
from registry.core.records import Metric
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
    procedure: str,
    figures: Sequence[Metric],
    said: Sequence[str] = (),
    persons: int = 0,
) -> tuple[str, ...]:
    """What the figures do not say; what is missing comes first. ``persons``: how many groups there are of persons and
    near-duplicates."""
    values = {name: {attributes.get(key, {}).get(name) for key in columns.keys} - {None} for name in names}
    declared = [name for name in names if len(values[name]) > 1]  # what all have in common compares nobody
    by = ", ".join(map(word, declared))
    first = (
        f"Groups of images were compared by {by}, as declared with the labels; by nothing else."
        if declared
        else "No attributes were given by which images differ: only fairness between classes was looked at, "
        "not between groups of people."
    )
    small = [f"{one.name} ({one.n})" for one in figures if one.value is None and _says_all(one)]
    return (
        first,
        *([f"Not estimable, with the number of images there are: {', '.join(small)}."] if small else []),
        *said,
        "Balance between classes is not fairness between people.",
        procedure,
        f"{rule.said()}an image's prediction is its best detection at or above it, otherwise nothing.",
        "pr_auc is of images: the mean over classes of the average precision of each image's highest score. "
        "map50 and map50_95 are of boxes.",
        "Intervals are 95 %: Wilson's, on as many images as the groups of persons and near-duplicates are worth; "
        "for gaps, every gap that a 5 % test does not reject; for ratios and the worst group "
        "what Wilson's intervals of all their rates allow. "
        "A gap that leaves out a group that is not estimable is open on the side where that group might lie.",
        *_bounded(columns, persons),
    )


def _bounded(columns: Columns, groups: int) -> Iterator[str]:
    """By which of ``bootstrap``'s two rules for large releases the pooled intervals were made, if by any."""
    if groups > BAGS:
        yield (
            f"For the intervals the {groups} groups of persons and near-duplicates were dealt into {BAGS} bags, and "
            "bags were resampled: that moves no interval aside, and leaves its width known to about 2 %."
        )
    if in_steps(columns):
        steps = steps_of(columns.classes)
        yield f"For their intervals areas were summed in at most {steps} steps a class: that moves none aside."
