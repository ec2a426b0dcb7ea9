"""Fairness: figures of every group that was declared, how far groups lie apart, and what was not looked at.

A group below ``min_group`` images is "not estimable" (no value, its count stays); it is never dropped and
never 0. Without attributes only fairness between classes was looked at, and the first note says so.

Of each group ATTR=VALUE (or of two together, ``ATTR=VALUE & ATTR=VALUE``): ``recall``, the share of its images called
right; ``f1``, ``precision``: the means over the classes that an image of the group has (a class nobody calls counts
0); ``ece`` of those called something, without an interval, as everywhere; and for each class, ``selection(GROUP,
LABEL)``, ``recall(GROUP, LABEL)``, ``precision(GROUP, LABEL)`` and ``fpr(GROUP, LABEL)``. ``gaps`` defines the gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.core.records import GroupTest, Metric
from registry.evaluation import gaps
from registry.evaluation.calibration import errors_by_group
from registry.evaluation.columns import Columns, Ints
from registry.evaluation.decimals import exact_sum, six
from registry.evaluation.gap_interval import gap_interval
from registry.evaluation.group_tests import against_the_rest, apart
from registry.evaluation.groups import Attributes, Grouping, groupings
from registry.evaluation.intervals import Interval, Names, Rate, bounds, draws, share_interval
from registry.evaluation.ratios import NONE, mean_of, ratio_of
from registry.evaluation.tallies import Tallies, Tally, Worths, worths_of
from registry.evaluation.worst_interval import ratio_interval, worst_interval

CELLS = 1 << 22  # rounds x judgements held at once
SMALLEST = ("worst_recall", "_ratio")  # figures that a rate left out could only lower


@dataclass(frozen=True)
class Fairness:
    """Figures by group, gaps, each group against the rest; and sentences on what was left out, and who is worst off."""

    figures: tuple[Metric, ...]
    tests: tuple[GroupTest, ...]
    said: tuple[str, ...]


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
    """What is the same for every grouping."""

    columns: Columns
    classes: Sequence[str]
    at: int | Ints
    min_group: int
    rounds: int
    seed: int
    tallies: Tallies

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
    """One grouping, what is counted of it, its gaps, what its judgements are worth, and its figures in every round."""

    grouping: Grouping
    tally: Tally
    gaps: gaps.Gaps
    worths: Worths
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
) -> Fairness:
    """All figures of all groups by the attributes ``names``. ``at``: threshold (of each judgement) in millionths;
    ``clusters``: each judgement's group of persons and near-duplicates."""
    found, left_out = groupings(columns, attributes, names, classes)
    said = (f"Not compared, having too many values, or no room in the record: {', '.join(left_out)}.",)
    if not found:
        return Fairness((), (), said if left_out else ())
    tallies = Tallies(columns, at, found, clusters)
    judged = _Judged(columns, classes, at, min_group, rounds, seed, tallies)
    figures: list[Metric] = []
    tests: list[GroupTest] = []
    worst = []
    for one in _groups(judged, found):
        figures += _of_groups(judged, one)
        if len(one.grouping.values) > 1:
            figures += _gaps(judged, one)
            values, rounds_apart = one.grouping.values, one.rounds["apart"]
            tests += against_the_rest(values, one.tally, rounds_apart, judged.least, judged.repeats)
        if not one.grouping.together:
            worst += [_undeclared(one.grouping, judged.repeats), _worst(one.grouping, figures)]
    return Fairness(tuple(figures), tuple(tests), (*(said if left_out else ()), *filter(None, worst)))


def _groups(judged: _Judged, found: Sequence[Grouping]) -> list[_Group]:
    """Each grouping with all that is counted of it; the draws are made once for all."""
    tallies, columns = judged.tallies, judged.columns
    whole = tallies.as_it_is()
    gap = [gaps.gaps_of(one, judged.least) for one in whole]
    parts: list[list[dict[str, Ints]]] = [[] for _ in found]
    for drawn in draws(tallies.bags, judged.rounds, judged.seed, max(1, CELLS // tallies.widest)):
        for part, tally in zip(parts, tallies.of(drawn), strict=True):
            part.append(_of_round(tally))
    resampled = [{name: np.concatenate([some[name] for some in part]) for name in part[0]} for part in parts]
    worths = [worths_of(columns, judged.at, one, tallies.of_row) for one in found]
    return [_Group(*row) for row in zip(found, whole, gap, worths, resampled, strict=True)]


def _of_round(tally: Tally) -> dict[str, Ints]:
    """Each group's figures in every round, (rounds, groups)."""
    hits, truth, called = tally.hits, tally.truth, tally.called
    f1 = np.where(truth > 0, ratio_of(2 * hits, truth + called), NONE)
    precision = np.where(truth > 0, np.maximum(ratio_of(hits, called), 0), NONE)
    return {
        "f1": mean_of(list(np.moveaxis(f1, 2, 0))),
        "precision": mean_of(list(np.moveaxis(precision, 2, 0))),
        "apart": apart(tally),
    }


def _macro(part: Ints, whole: Ints, truth: Ints) -> Fraction | None:
    """The mean over the classes that the group has; 0 for one that nobody is called."""
    terms = [
        (int(one), max(1, int(other))) for one, other, there in zip(part, whole, truth.tolist(), strict=True) if there
    ]
    return exact_sum(terms) / len(terms) if terms else None


def _of_groups(judged: _Judged, group: _Group) -> Iterator[Metric]:
    grouping, tally, repeats = group.grouping, group.tally, judged.repeats
    clusters = judged.tallies.clusters_of(grouping).tolist()
    errors = errors_by_group(judged.columns, judged.at, grouping.code, len(grouping.values))
    for index, value in enumerate(grouping.values):
        hits, truth, called = (part[0, index] for part in (tally.hits, tally.truth, tally.called))
        total, worth = int(truth.sum()), group.worths.right[index]
        yield proportion(f"recall({value})", int(hits.sum()), total, judged.min_group, repeats, worth)
        known = total >= judged.least
        for name, figure in (
            ("f1", _macro(2 * hits, truth + called, truth)),
            ("precision", _macro(hits, called, truth)),
        ):
            interval = (
                bounds(group.rounds[name][:, index], clusters[index], figure) if known and figure is not None else None
            )
            low, high = interval or (None, None)
            yield Metric(
                name=f"{name}({value})", value=six(figure) if known else None, low=low, high=high, n=total // repeats
            )
        many, error = errors[index]
        known_error = six(error) if many >= max(1, judged.least) else None
        yield Metric(name=f"ece({value})", value=known_error, low=None, high=None, n=many // repeats)
        yield from _of_classes(judged, group, index)


def _of_classes(judged: _Judged, group: _Group, index: int) -> Iterator[Metric]:
    """Of one group, by class."""
    tally, value = group.tally, group.grouping.values[index]
    hits, truth, called = (part[0, index].tolist() for part in (tally.hits, tally.truth, tally.called))
    total = sum(truth)
    for label, name in enumerate(judged.classes):
        for kind, part, whole in (
            ("selection", called[label], total),
            ("recall", hits[label], truth[label]),
            ("precision", hits[label], called[label]),
            ("fpr", called[label] - hits[label], total - truth[label]),
        ):
            worth = group.worths.of_class[kind][index][label]
            yield proportion(f"{kind}({value}, {name})", part, whole, judged.min_group, judged.repeats, worth)


def _gaps(judged: _Judged, group: _Group) -> Iterator[Metric]:
    """The gaps; one that leaves a rate out is open on the side where that rate might lie."""
    found, n = group.gaps, int(group.tally.total.sum()) // judged.repeats
    for name, value in found.values.items():
        low = high = None
        if value is not None:
            low, high = _interval(judged, name, gaps.with_worth(found.rows[name], group.worths))
            if name in found.open:
                low, high = ("0.000000", high) if name.endswith(SMALLEST) else (low, "1.000000")
        yield Metric(name=f"{name}({group.grouping.name})", value=six(value), low=low, high=high, n=n)


def _interval(judged: _Judged, name: str, rows: list[list[Rate]]) -> Interval:
    if name == "worst_recall":
        return worst_interval(rows[0])
    if name.endswith("_ratio"):
        return ratio_interval(rows)
    return gap_interval(rows, judged.rounds, judged.seed)


def _worst(grouping: Grouping, figures: Sequence[Metric]) -> str:
    """Who is called right least often, of the groups that have a figure."""
    names = {f"recall({value})": value for value in grouping.values}
    known = [(one.value, names[one.name]) for one in figures if one.name in names and one.value is not None]
    if len(known) < 2:
        return ""
    worst = min(value for value, _ in known)
    return f"Lowest recall by {grouping.name}: {', '.join(name for value, name in known if value == worst)} ({worst})."


def _undeclared(grouping: Grouping, repeats: int) -> str:
    """How many images are in no group."""
    missing = int((grouping.code < 0).sum()) // repeats
    return f"No {grouping.name} was declared of {missing} images: they are in none of its groups." if missing else ""
