"""Fairness: recall by class and by declared attribute, with intervals; small groups say so.

A group below ``min_group`` images is "not estimable" (no value, its count stays); it is never dropped and
never 0. Without attributes only fairness between classes was looked at, and the first note says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from registry.core.records import Metric
from registry.evaluation.columns import Columns, Ints
from registry.evaluation.decimals import six
from registry.evaluation.intervals import wilson
from registry.evaluation.thresholds import ThresholdRule

Attributes = Mapping[bytes, Mapping[str, str]]


def proportion(name: str, right: int, total: int, min_group: int = 1, repeats: int = 1) -> Metric:
    """A share of ``total`` judgements, ``repeats`` an image, with Wilson's interval; not estimable below ``min_group``
    images."""
    images = total // repeats
    interval = wilson(right, total, repeats) if images >= min_group else None
    if interval is None:
        return Metric(name=name, value=None, low=None, high=None, n=images)
    return Metric(name=name, value=six(Fraction(right, total)), low=interval[0], high=interval[1], n=images)


def by_attributes(
    columns: Columns, attributes: Attributes, names: Sequence[str], threshold: int | Ints, min_group: int
) -> tuple[Metric, ...]:
    """``recall(ATTR=VALUE)``: of the images with that value, how many were called right. Sorted by name."""
    hits = np.equal(columns.called(threshold), columns.truth).tolist()
    found: dict[str, tuple[int, int]] = {}
    for key, hit in zip(columns.keys, hits, strict=True):
        for name, value in attributes.get(key, {}).items():
            if name in names:
                right, total = found.get(f"recall({name}={value})", (0, 0))
                found[f"recall({name}={value})"] = (right + hit, total + 1)
    repeats = columns.repeats
    return tuple(proportion(name, *counts, min_group, repeats) for name, counts in sorted(found.items()))


def notes(
    columns: Columns,
    attributes: Attributes,
    names: Sequence[str],
    rule: ThresholdRule,
    procedure: str,
    figures: Sequence[Metric],
) -> tuple[str, ...]:
    """What the figures do not say; what is missing comes first."""
    values = {name: {attributes.get(key, {}).get(name) for key in columns.keys} - {None} for name in names}
    declared = [name for name in names if len(values[name]) > 1]  # what all have in common compares nobody
    first = (
        f"Groups of images were compared by {', '.join(declared)}, as declared with the labels; by nothing else."
        if declared
        else "No attributes were given by which images differ: only fairness between classes was looked at, "
        "not between groups of people."
    )
    small = [f"{one.name} ({one.n})" for one in figures if one.value is None]
    return (
        first,
        *([f"Not estimable, with the number of images there are: {', '.join(small)}."] if small else []),
        "Balance between classes is not fairness between people.",
        procedure,
        f"{rule.said()}an image's prediction is its best detection at or above it, otherwise nothing.",
        "pr_auc is of images: the mean over classes of the average precision of each image's highest score. "
        "map50 and map50_95 are of boxes.",
        "Intervals are 95 %: Wilson's for recall, precision and accuracy (each image counted as independent), a "
        "bootstrap over groups of persons and near-duplicates for the others.",
    )
