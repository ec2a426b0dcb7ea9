"""Compares two sets of predictions of the same images: paired differences, their intervals, and McNemar's tests.

Invariants: pure, exact, seeded: the same predictions give the same figures on every machine. Differences are B minus
A. Both sides are drawn together (the paired cluster bootstrap: a person's images stay together, and each round takes
the same persons for A and for B), so that what is hard for both does not count as a difference. Where areas are summed
in steps (``areas``) the rounds are biased alike; that bias, measured on the images themselves, is subtracted from their
percentiles (docs/intervals.md has its effect). Whether recall of a class differs is McNemar's
exact test on the images that only one of them predicts right, corrected for the number of classes by Holm's rule.

Sources: Efron and Tibshirani 1993 (paired bootstrap, percentile interval); McNemar 1947, exact binomial form;
Holm 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from registry.core.errors import InvalidInput
from registry.core.text.figure_names import FigureName, name_of, of_class
from registry.evaluation.decimals import UNIT, six
from registry.evaluation.figures import metrics
from registry.evaluation.figures.areas import in_steps
from registry.evaluation.input.columns import Columns, Ints
from registry.evaluation.intervals.bootstrap import bootstrap
from registry.evaluation.intervals.intervals import percentiles

AREAS = ("pr_auc", "map50", "map50_95")
FIGURES = ("macro_f1", "micro_f1", *AREAS)


@dataclass(frozen=True)
class Difference:
    """One figure of both: values, their difference (B minus A) and its 95 % interval, as decimals of six places.
    ``label``: the class, None for a figure of all classes."""

    name: str
    metric: str
    label: str | None
    a: str | None
    b: str | None
    difference: str | None
    low: str | None
    high: str | None


@dataclass(frozen=True)
class Discordance:
    """Images of a class (``label``), or of all (None), that only A, or only B, calls right; McNemar's exact p, and
    Holm's (None for all)."""

    name: str
    label: str | None
    n: int
    only_a: int
    only_b: int
    p: str
    corrected: str | None


@dataclass(frozen=True)
class Comparison:
    """All of it, over ``n`` images in ``groups`` groups."""

    n: int
    groups: int
    differences: tuple[Difference, ...]
    tests: tuple[Discordance, ...]


def compare(
    a: Columns,
    b: Columns,
    *,
    classes: Sequence[str],
    thresholds: tuple[int | Ints, int | Ints],
    clusters: Mapping[bytes, bytes],
    rounds: int,
    seed: int,
) -> Comparison:
    """A and B judged on the same images with the same truth; ``clusters`` maps an image to its group.

    ``thresholds`` of A and B are in millionths: of all images, or one an image. ``InvalidInput`` (``not_paired``) if
    the images or truths differ.
    """
    if a.keys != b.keys or not np.array_equal(a.truth, b.truth) or not len(a):
        raise InvalidInput("only predictions of the same images with the same labels are compared", code="not_paired")
    names = [clusters.get(key, key) for key in a.keys]
    drawn = [
        bootstrap(columns, names, threshold=threshold, rounds=rounds, seed=seed)
        for columns, threshold in zip((a, b), thresholds, strict=True)
    ]
    values = [_values(columns, threshold, classes) for columns, threshold in zip((a, b), thresholds, strict=True)]
    keys = {FigureName(name): name for name in FIGURES}
    keys |= {FigureName("f1", label=name): f"f1 {label}" for label, name in enumerate(classes)}
    aside = [_aside(*one) for one in zip((a, b), thresholds, values, strict=True)]
    differences = tuple(
        _difference(
            parts,
            (values[0][name], values[1][name]),
            (drawn[0][key], drawn[1][key]),
            aside[1].get(name, Fraction(0)) - aside[0].get(name, Fraction(0)),
        )
        for parts, key in keys.items()
        for name in (name_of(parts),)
    )
    return Comparison(len(a), len(set(names)), differences, _tests(a, b, thresholds, classes))


def _values(columns: Columns, threshold: int | Ints, classes: Sequence[str]) -> dict[str, Fraction | None]:
    counts = metrics.confusion_of(columns, threshold)
    return {
        "macro_f1": metrics.macro_f1(counts),
        "micro_f1": metrics.micro_f1(counts),
        "pr_auc": metrics.pr_auc(columns),
        "map50": metrics.mean_average_precision(columns, (50,)),
        "map50_95": metrics.mean_average_precision(columns),
        **{of_class("f1", name): metrics.class_f1(counts, label) for label, name in enumerate(classes)},
    }


def _aside(columns: Columns, threshold: int | Ints, values: Mapping[str, Fraction | None]) -> dict[str, Fraction]:
    """How far the steps move each area: its value in a round that draws every group once, less the exact one. Empty
    where every rank is a step."""
    if not in_steps(columns):
        return {}
    together = np.zeros(len(columns), np.int64)  # one group, which one round can but draw once
    once = bootstrap(columns, together, threshold=threshold, rounds=1, seed=0)
    exact = {name: value for name in AREAS if (value := values[name]) is not None}
    return {name: Fraction(int(once[name][0]), UNIT) - value for name, value in exact.items()}


def _difference(
    parts: FigureName, values: tuple[Fraction | None, Fraction | None], drawn: tuple[Ints, Ints], aside: Fraction
) -> Difference:
    a, b = values
    low = high = None
    known = (drawn[1] - drawn[0])[(drawn[0] >= 0) & (drawn[1] >= 0)]
    if a is not None and b is not None and 2 * len(known) >= len(drawn[0]):
        low, high = (six(bound - aside) for bound in percentiles(known))
    gap = b - a if a is not None and b is not None else None
    return Difference(name_of(parts), parts.metric, parts.label, six(a), six(b), six(gap), low, high)


def mcnemar(only_a: int, only_b: int) -> Fraction:
    """Two-sided exact p: twice the smaller tail of a fair coin tossed for each discordant image, at most 1."""
    tosses = only_a + only_b
    tail = sum(comb(tosses, count) for count in range(min(only_a, only_b) + 1))
    return min(Fraction(1), Fraction(2 * tail, 1 << tosses))


def holm(values: Sequence[Fraction]) -> list[Fraction]:
    """Holm's corrected p of each, in the order given."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, highest = [Fraction(1)] * len(values), Fraction(0)
    for place, index in enumerate(order):
        highest = max(highest, min(Fraction(1), values[index] * (len(values) - place)))
        found[index] = highest
    return found


def _tests(
    a: Columns, b: Columns, thresholds: tuple[int | Ints, int | Ints], classes: Sequence[str]
) -> tuple[Discordance, ...]:
    right = [
        columns.predicted(threshold) == columns.truth for columns, threshold in zip((a, b), thresholds, strict=True)
    ]
    masks = [np.ones(len(a), bool), *(a.truth == label for label in range(len(classes)))]
    counts = [
        (int(mask.sum()), int((right[0] & ~right[1] & mask).sum()), int((right[1] & ~right[0] & mask).sum()))
        for mask in masks
    ]
    values = [mcnemar(one, other) for _, one, other in counts]
    corrected: list[Fraction | None] = [None, *holm(values[1:])]
    return tuple(
        Discordance("all images" if label is None else label, label, *count, six(value) or "", six(fair))
        for label, count, value, fair in zip((None, *classes), counts, values, corrected, strict=True)
    )
