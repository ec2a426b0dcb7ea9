"""Fairness: recall by class and by declared attribute, with intervals; small groups say so.

A group below ``min_group`` images is "not estimable" (no value, its count stays); it is never dropped and
never 0. Without attributes only fairness between classes was looked at, and the first note says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from registry.core.records import Metric
from registry.evaluation.decimals import six
from registry.evaluation.intervals import wilson
from registry.evaluation.metrics import predicted

Attributes = Mapping[bytes, Mapping[str, str]]


def proportion(name: str, right: int, total: int, min_group: int) -> Metric:
    """A share with Wilson's interval; not estimable below ``min_group``."""
    interval = wilson(right, total) if total >= min_group else None
    if interval is None:
        return Metric(name=name, value=None, low=None, high=None, n=total)
    return Metric(name=name, value=six(Fraction(right, total)), low=interval[0], high=interval[1], n=total)


def by_attributes(
    rows: Sequence[Mapping[str, Any]],
    attributes: Attributes,
    names: Sequence[str],
    threshold: int,
    min_group: int,
) -> tuple[Metric, ...]:
    """``recall(ATTR=VALUE)``: of the images with that value, how many were called right."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        hit = predicted(row, threshold) == row["truth"]
        for name in names:
            value = attributes.get(row["sha256"], {}).get(name)
            if value is not None:
                right, total = found.get(f"recall({name}={value})", (0, 0))
                found[f"recall({name}={value})"] = (right + hit, total + 1)
    return tuple(proportion(name, *counts, min_group) for name, counts in sorted(found.items()))


def notes(names: Sequence[str]) -> tuple[str, ...]:
    """What the figures do not say."""
    first = (
        "No attributes of persons were given: only fairness between classes was looked at, none between people."
        if not names
        else f"Groups were looked at by {', '.join(names)}, as declared by whoever labelled; by nothing else."
    )
    return (
        first,
        "Balance between classes is not fairness between people.",
        "Pooled figures describe the procedure over all folds; the weights that people get are those of one fold.",
        "The threshold was fixed in the plan before any fold was drawn.",
        "pr_auc is the mean over classes of image-level average precision; map50 and map50_95 are of detections.",
        "Proportions have Wilson intervals; the others a 95 % bootstrap over groups of persons and near-duplicates.",
    )
