"""Fairness: figures of every group that was declared, how far groups lie apart, and what was not looked at.

A group below ``min_group`` images is "not estimable" (no value, its count stays); it is never dropped and
never 0. Without attributes only fairness between classes was looked at, and the first note says so.

Of each group ATTR=VALUE (or of two together, ``ATTR=VALUE & ATTR=VALUE``): ``recall``, the share of its images called
right; ``f1``, ``precision``: the means over the classes that an image of the group has (a class nobody calls counts
0); ``ece``; and for each class, ``selection(GROUP, LABEL)``, ``recall(GROUP, LABEL)``, ``precision(GROUP, LABEL)`` and
``fpr(GROUP, LABEL)``. The gaps are defined in ``gaps``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.core.records import GroupTest, Metric
from registry.evaluation import gaps, metrics
from registry.evaluation.bootstrap import NONE, mean_of, ratio_of
from registry.evaluation.calibration import bins_of, expected_error
from registry.evaluation.columns import Bools, Columns, Ints, take
from registry.evaluation.comparison import holm
from registry.evaluation.decimals import UNIT, six
from registry.evaluation.groups import Attributes, Grouping, cells_of, counts_of, groupings
from registry.evaluation.intervals import bounds, draws, group_indices, share_interval
from registry.evaluation.thresholds import ThresholdRule

CELLS = 1 << 22  # rounds x judgements held at once


@dataclass(frozen=True)
class Fairness:
    """Figures by group, gaps, each group against the rest; and the attributes that were not looked at."""

    figures: tuple[Metric, ...]
    tests: tuple[GroupTest, ...]
    left_out: tuple[str, ...]


def proportion(
    name: str, right: int, total: int, min_group: int = 1, repeats: int = 1, worth: Fraction | None = None
) -> Metric:
    """A share of ``total`` judgements, ``repeats`` an image, with Wilson's interval; not estimable below ``min_group``
    images. ``worth``: how many independent images they stand for (``intervals.worth``); without it, each image one."""
    images = total // repeats
    if not total or images < min_group:
        return Metric(name=name, value=None, low=None, high=None, n=images)
    low, high = share_interval(Fraction(right, total), Fraction(total, repeats) if worth is None else worth)
    return Metric(name=name, value=six(Fraction(right, total)), low=low, high=high, n=images)


@dataclass(frozen=True)
class _Judged:
    """Judgements with what is the same for every grouping."""

    columns: Columns
    classes: Sequence[str]
    at: int | Ints
    clusters: Sequence[bytes]
    rounds: int
    min_group: int
    seed: int

    @property
    def least(self) -> int:
        """Judgements that make a group."""
        return self.min_group * self.columns.repeats


def by_attributes(
    columns: Columns,
    attributes: Attributes,
    names: Sequence[str],
    *,
    classes: Sequence[str],
    at: int | Ints,
    clusters: Sequence[bytes],
    rounds: int,
    min_group: int,
    seed: int,
) -> Fairness:
    """All figures of all groups by the attributes ``names``. ``at``: threshold (of each judgement) in millionths;
    ``clusters``: each judgement's group of persons and near-duplicates."""
    judged = _Judged(columns, classes, at, clusters, rounds, min_group, seed)
    found, left_out = groupings(columns, attributes, names)
    figures: list[Metric] = []
    tests: list[GroupTest] = []
    for grouping in found:
        called = columns.called(at)
        counts = counts_of(columns, grouping, called)
        drawn = _resampled(judged, grouping, called)
        for index, value in enumerate(grouping.values):
            figures += _of_group(judged, value, counts[index], drawn[:, index], grouping.code == index)
        if len(grouping.values) > 1:
            figures += _gaps(judged, grouping, counts, drawn)
            tests += _tests(judged, grouping, counts, drawn)
    return Fairness(tuple(figures), tuple(tests), left_out)


def _resampled(judged: _Judged, grouping: Grouping, called: Ints) -> Ints:
    """Tables (groups, k, k + 1) of every round, with whole clusters drawn together."""
    columns = judged.columns
    k = columns.classes
    shape = (len(grouping.values), k, k + 1)
    of_row, clusters = group_indices(judged.clusters)
    cells = cells_of(columns, grouping, called)
    inside = cells >= 0
    cells, of_row = cells[inside], of_row[inside]
    found = []
    for drawn in draws(clusters, judged.rounds, judged.seed, max(1, CELLS // max(1, clusters, len(cells)))):
        found += [np.bincount(cells, weights=times[of_row], minlength=int(np.prod(shape))) for times in drawn]
    return np.array(found).astype(np.int64).reshape(-1, *shape)


def _of_group(judged: _Judged, value: str, counts: Ints, drawn: Ints, mask: Bools) -> Iterator[Metric]:
    repeats, least = judged.columns.repeats, judged.min_group
    hits, total = int(np.trace(counts)), int(counts.sum())
    yield proportion(f"recall({value})", hits, total, least, repeats)
    clusters = len({name for name, inside in zip(judged.clusters, mask.tolist(), strict=True) if inside})
    f1, precision = metrics.macro_f1(counts), metrics.macro(counts, metrics.class_precision)
    resampled_f1, resampled_precision = _macro(drawn)
    of_value = take(judged.columns, mask)
    at = judged.at if isinstance(judged.at, int) else judged.at[mask]
    error = expected_error(bins_of(of_value, at))
    for name, figure, rounds in (("f1", f1, resampled_f1), ("precision", precision, resampled_precision)):
        yield _bounded(
            f"{name}({value})", figure if total >= judged.least else None, rounds, clusters, total // repeats
        )
    known = error if total >= judged.least else None
    yield Metric(name=f"ece({value})", value=six(known), low=None, high=None, n=total // repeats)
    for label, name in enumerate(judged.classes):
        truth, called, right = int(counts[label].sum()), int(counts[:, label].sum()), int(counts[label, label])
        for kind, part, whole in (
            ("selection", called, total),
            ("recall", right, truth),
            ("precision", right, called),
            ("fpr", called - right, total - truth),
        ):
            yield proportion(f"{kind}({value}, {name})", part, whole, least, repeats)


def _macro(drawn: Ints) -> tuple[Ints, Ints]:
    """Macro F1 and precision of every round, over the classes that the round has."""
    k = drawn.shape[1]
    hits, truth, called = drawn[:, np.arange(k), np.arange(k)], drawn.sum(axis=2), drawn.sum(axis=1)[:, :k]
    f1 = np.where(truth > 0, ratio_of(2 * hits, truth + called), NONE)
    precision = np.where(truth > 0, np.maximum(ratio_of(hits, called), 0), NONE)
    return mean_of(list(f1.T)), mean_of(list(precision.T))


def _bounded(name: str, value: Fraction | None, rounds: Ints, clusters: int, images: int) -> Metric:
    low, high = (bounds(rounds, clusters) if value is not None else None) or (None, None)
    return Metric(name=name, value=six(value), low=low, high=high, n=images)


def _gaps(judged: _Judged, grouping: Grouping, counts: Ints, drawn: Ints) -> Iterator[Metric]:
    found = gaps.gaps_of(counts, judged.least)
    rounds = gaps.resampled(drawn, found)
    clusters = len({name for name, code in zip(judged.clusters, grouping.code.tolist(), strict=True) if code >= 0})
    for name, value in found.values.items():
        images = int(counts.sum()) // judged.columns.repeats
        yield _bounded(f"{name}({grouping.name})", value, rounds[name], clusters, images)


def _tests(judged: _Judged, grouping: Grouping, counts: Ints, drawn: Ints) -> list[GroupTest]:
    """Each estimable group's recall against all other images', with Holm's correction over the grouping's groups."""
    hits, total = gaps.right(counts)
    drawn_hits, drawn_total = gaps.right(drawn)
    rows: list[tuple[str, Fraction, Ints, Fraction | None, int]] = []
    for index, value in enumerate(grouping.values):
        rest = int(total.sum() - total[index])
        if total[index] < judged.least or rest < judged.least:
            continue
        apart = Fraction(int(hits[index]), int(total[index])) - Fraction(int(hits.sum() - hits[index]), rest)
        one = ratio_of(drawn_hits[:, index], drawn_total[:, index])
        other = ratio_of(drawn_hits.sum(axis=1) - drawn_hits[:, index], drawn_total.sum(axis=1) - drawn_total[:, index])
        known = (one >= 0) & (other >= 0)
        p = gaps.achieved_significance(one - other, known)
        rows.append((value, apart, np.sort((one - other)[known]), p, int(total[index])))
    corrected = holm([row[3] for row in rows if row[3] is not None])
    return [
        GroupTest(
            name=f"recall({value})",
            difference=six(apart) or "",
            low=_quantile(rounds, 25),
            high=_quantile(rounds, 975),
            p=six(p) or "",
            corrected=six(fair) or "",
            n=count // judged.columns.repeats,
        )
        for (value, apart, rounds, p, count), fair in zip(
            [row for row in rows if row[3] is not None], corrected, strict=True
        )
    ]


def _quantile(ordered: Ints, per_mille: int) -> str:
    return six(Fraction(int(ordered[-(-per_mille * len(ordered) // 1000) - 1]), UNIT)) or ""


def _says_all(name: str) -> bool:
    """Whether a figure stands for its group: where it is not estimable the others are not either."""
    return name.startswith(("recall(", "recall_gap(")) and ", " not in name


def notes(
    columns: Columns,
    attributes: Attributes,
    names: Sequence[str],
    rule: ThresholdRule,
    procedure: str,
    figures: Sequence[Metric],
    left_out: Sequence[str] = (),
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
    small = [f"{one.name} ({one.n})" for one in figures if one.value is None and _says_all(one.name)]
    return (
        first,
        *([f"Not estimable, with the number of images there are: {', '.join(small)}."] if small else []),
        *([f"Not compared, for their many values: {', '.join(left_out)}."] if left_out else []),
        "Balance between classes is not fairness between people.",
        procedure,
        f"{rule.said()}an image's prediction is its best detection at or above it, otherwise nothing.",
        "pr_auc is of images: the mean over classes of the average precision of each image's highest score. "
        "map50 and map50_95 are of boxes.",
        "Intervals are 95 %: Wilson's, on as many images as the groups of persons and near-duplicates are worth; "
        "for recall_gap(class) all gaps that the recalls do not speak against.",
    )
