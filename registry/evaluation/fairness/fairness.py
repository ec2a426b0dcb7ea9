"""Fairness: figures of every declared group, gaps between groups, and what was not compared.

A group below ``min_group`` images is "not estimable" (no value but a reason, its count stays); it is never dropped
and never 0. Without attributes only fairness between classes was looked at, and the first note says so.

Of each group ATTR=VALUE (or of two together, ``ATTR=VALUE & ATTR=VALUE``): ``recall``, the share of its images that
are right; ``f1``, ``precision``: the means over the classes that an image of the group has (a class that is never
predicted counts 0); ``ece`` of those with a prediction, without an interval, as everywhere; and for each class,
``selection(GROUP, LABEL)``, ``recall(GROUP, LABEL)``, ``precision(GROUP, LABEL)`` and ``fpr(GROUP, LABEL)``. ``gaps``
defines the gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from registry.core.records import GroupTest, Metric, Note
from registry.core.text.figure_names import FigureName
from registry.evaluation.decimals import exact_sum
from registry.evaluation.fairness import gaps
from registry.evaluation.fairness.group_notes import undeclared, worst_off
from registry.evaluation.fairness.group_tests import against_the_rest, recall_differences
from registry.evaluation.fairness.groups import Attributes, Grouping, groupings
from registry.evaluation.fairness.resampled_counts import EffectiveSizes, GroupCounts, ResampledCounts, effective_sizes
from registry.evaluation.fairness.sources import sources_note
from registry.evaluation.figures.calibration import errors_by_group
from registry.evaluation.figures.ratios import NONE, mean_of, ratio_of
from registry.evaluation.input.columns import Columns, Ints
from registry.evaluation.intervals.estimates import estimate, proportion
from registry.evaluation.intervals.gap_interval import gap_interval
from registry.evaluation.intervals.intervals import Interval, Names, Rate, bounds, draws
from registry.evaluation.intervals.worst_interval import ratio_interval, worst_interval

CELLS = 1 << 22  # rounds x judgements held at once
SMALLEST = ("worst_recall", "_ratio")  # figures that a rate left out could only lower


@dataclass(frozen=True)
class Fairness:
    """Figures by group, gaps, each group against the rest; and notes on what was left out, and who is worst off."""

    figures: tuple[Metric, ...]
    tests: tuple[GroupTest, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class _Judged:
    """What is the same for every grouping."""

    columns: Columns
    classes: Sequence[str]
    at: int | Ints
    min_group: int
    rounds: int
    seed: int
    resampled: ResampledCounts

    @property
    def repeats(self) -> int:
        """How often each image was judged."""
        return self.columns.repeats

    @property
    def least(self) -> int:
        """Judgements that make a group."""
        return self.min_group * self.repeats


@dataclass(frozen=True)
class _Group:
    """One grouping, its counts, gaps and effective sizes, and its figures in every round."""

    grouping: Grouping
    counts: GroupCounts
    gaps: gaps.Gaps
    sizes: EffectiveSizes
    rounds: Mapping[str, Ints]


def by_attributes(
    columns: Columns,
    attributes: Attributes,
    names: Sequence[str],
    *,
    classes: Sequence[str],
    at: int | Ints,
    clusters: Names,
    rounds: int,
    min_group: int,
    seed: int,
    sources: Attributes = MappingProxyType({}),
) -> Fairness:
    """All figures of all groups by the attributes ``names``. ``at``: threshold (of each judgement) in millionths;
    ``clusters``: each judgement's group of persons and near-duplicates; ``sources``: where attributes come from."""
    found, left_out = groupings(columns, attributes, names, classes)
    notes = [Note(code="not_compared", values={"groupings": left_out})] if left_out else []
    if not found:
        return Fairness((), (), tuple(notes))
    resampled = ResampledCounts(columns, at, found, clusters)
    judged = _Judged(columns, classes, at, min_group, rounds, seed, resampled)
    figures: list[Metric] = []
    tests: list[GroupTest] = []
    for one in _groups(judged, found):
        figures += _of_groups(judged, one)
        if len(one.grouping.values) > 1:
            figures += _gaps(judged, one)
            recalls = [FigureName("recall", group=value) for value in one.grouping.values]
            tests += against_the_rest(recalls, one.counts, one.rounds["differences"], judged.least, judged.repeats)
        if not one.grouping.together:
            notes += [*undeclared(one.grouping, judged.repeats), *worst_off(one.grouping, figures)]
            notes += sources_note(one.grouping, columns, sources)
    return Fairness(tuple(figures), tuple(tests), tuple(notes))


def _groups(judged: _Judged, found: Sequence[Grouping]) -> list[_Group]:
    """Each grouping with all that is counted of it; the draws are made once for all."""
    resampled, columns = judged.resampled, judged.columns
    whole = resampled.as_it_is()
    gap = [gaps.gaps_of(one, judged.least) for one in whole]
    parts: list[list[dict[str, Ints]]] = [[] for _ in found]
    for drawn in draws(resampled.bags, judged.rounds, judged.seed, max(1, CELLS // resampled.widest)):
        for part, counts in zip(parts, resampled.of(drawn), strict=True):
            part.append(_of_round(counts))
    by_round = [{name: np.concatenate([some[name] for some in part]) for name in part[0]} for part in parts]
    sizes = [effective_sizes(columns, judged.at, one, resampled.of_row) for one in found]
    return [_Group(*row) for row in zip(found, whole, gap, sizes, by_round, strict=True)]


def _of_round(counts: GroupCounts) -> dict[str, Ints]:
    """Each group's figures in every round, (rounds, groups)."""
    hits, truth, predicted = (part[..., :-1] for part in (counts.hits, counts.truth, counts.predicted))
    f1 = np.where(truth > 0, ratio_of(2 * hits, truth + predicted), NONE)
    several = (truth < counts.total[..., None]).all(axis=-1, keepdims=True)  # of one truth no call can be wrong
    precision = np.where((truth > 0) & several, np.maximum(ratio_of(hits, predicted), 0), NONE)
    return {
        "f1": mean_of(list(np.moveaxis(f1, 2, 0))),
        "precision": mean_of(list(np.moveaxis(precision, 2, 0))),
        "differences": recall_differences(counts),
    }


def _macro(part: Ints, whole: Ints, truth: Ints) -> Fraction | None:
    """The mean over the classes that the group has; 0 for one that is never predicted."""
    terms = [
        (int(one), max(1, int(other))) for one, other, there in zip(part, whole, truth.tolist(), strict=True) if there
    ]
    return exact_sum(terms) / len(terms) if terms else None


def _of_groups(judged: _Judged, group: _Group) -> Iterator[Metric]:
    grouping, counts, repeats = group.grouping, group.counts, judged.repeats
    errors = errors_by_group(judged.columns, judged.at, grouping.code, len(grouping.values))
    clusters = judged.resampled.clusters_of(grouping).tolist()
    for index, value in enumerate(grouping.values):
        total, effective_size = int(counts.truth[0, index].sum()), group.sizes.right[index]
        right = int(counts.hits[0, index].sum())
        yield proportion(FigureName("recall", group=value), right, total, judged.min_group, repeats, effective_size)
        yield from _means(judged, group, index, clusters[index])
        yield _calibration(judged, group, index, *errors[index])
        yield from _of_classes(judged, group, index)


def _means(judged: _Judged, group: _Group, index: int, clusters: int) -> Iterator[Metric]:
    """``f1`` and ``precision`` of one group, means over the classes that it has."""
    hits, truth, predicted = (
        part[0, index, :-1] for part in (group.counts.hits, group.counts.truth, group.counts.predicted)
    )
    total = int(group.counts.total[0, index])
    small = "too_few" if total < judged.least else None
    for name, part, whole, reason in (
        ("f1", 2 * hits, truth + predicted, small),
        ("precision", hits, predicted, small or _alike(group, index)),
    ):
        value = None if reason else _macro(part, whole, truth)
        interval = None if value is None else bounds(group.rounds[name][:, index], clusters, value)
        parts = FigureName(name, group=group.grouping.values[index])
        yield estimate(parts, value, interval, total // judged.repeats, reason or "no_images")


def _alike(group: _Group, index: int) -> str | None:
    """Why calls of a group can't be wrong: all its images are of one class."""
    truth = group.counts.truth[0, index]
    return "no_negatives" if int(truth[:-1].max()) == int(truth.sum()) else None


def _calibration(judged: _Judged, group: _Group, index: int, many: int, error: Fraction) -> Metric:
    """Of the ``many`` judgements of a group that have a prediction."""
    few = "too_few" if many < judged.least else None
    reason = (few if many else "no_calls") or (_alike(group, index) if judged.columns.classes == 1 else None)
    parts = FigureName("ece", group=group.grouping.values[index])
    return estimate(parts, None if reason else error, None, many // judged.repeats, reason)


def _of_classes(judged: _Judged, group: _Group, index: int) -> Iterator[Metric]:
    """Of one group, by class."""
    counts, value = group.counts, group.grouping.values[index]
    hits, truth, predicted = (part[0, index].tolist() for part in (counts.hits, counts.truth, counts.predicted))
    total = sum(truth)
    for label, name in enumerate(judged.classes):
        every = "no_negatives" if truth[label] == total else None
        for kind, part, whole, none, reason in (
            ("selection", predicted[label], total, "no_images", None),
            ("recall", hits[label], truth[label], "no_images", None),
            ("precision", hits[label], predicted[label], "no_calls", every),
            ("fpr", predicted[label] - hits[label], total - truth[label], "no_negatives", None),
        ):
            effective_size = group.sizes.of_class[kind][index][label]
            parts = FigureName(kind, group=value, label=name)
            yield proportion(
                parts, part, whole, judged.min_group, judged.repeats, effective_size, none=none, reason=reason
            )


def _gaps(judged: _Judged, group: _Group) -> Iterator[Metric]:
    """The gaps; one that leaves a rate out is open on the side where that rate might lie."""
    found, n = group.gaps, int(group.counts.total.sum()) // judged.repeats
    for name, value in found.values.items():
        interval = None
        if value is not None:
            low, high = _interval(judged, name, gaps.with_sizes(found.rows[name], group.sizes))
            if name in found.open:
                low, high = ("0.000000", high) if name.endswith(SMALLEST) else (low, "1.000000")
            interval = low, high
        yield estimate(FigureName(name, of=group.grouping.of), value, interval, n, "one_group")


def _interval(judged: _Judged, name: str, rows: list[list[Rate]]) -> Interval:
    if name == "worst_recall":
        return worst_interval(rows[0])
    if name.endswith("_ratio"):
        return ratio_interval(rows)
    return gap_interval(rows, judged.rounds, judged.seed)
