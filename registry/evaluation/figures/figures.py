"""Every figure of some judged images, each under its name and with its interval.

Invariants: the same names in the same order whatever the images are; a figure that can't be computed has no value but a
reason, and its count stays. ``n`` counts images, also where each was judged several times (repeated folds). ``auc`` has
no interval; neither has ``ece``, which is biased upward in small samples, and resampled ones still more (see
docs/metrics.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from msgspec import structs

from registry.core.records import Metric
from registry.core.text.figure_names import CLASSES, FigureName
from registry.evaluation.figures import calibration, metrics
from registry.evaluation.figures.thresholds import Thresholds
from registry.evaluation.input.columns import Bools, Columns, Ints
from registry.evaluation.intervals.bootstrap import bootstrap
from registry.evaluation.intervals.estimates import estimate, proportion
from registry.evaluation.intervals.gap_interval import gap_interval
from registry.evaluation.intervals.intervals import bounds, class_rates, effective_size, group_indices

FIRST = (
    "macro_f1",
    "micro_f1",
    "weighted_f1",
    "accuracy",
    "macro_precision",
    "macro_recall",
    "micro_precision",
    "micro_recall",
    "weighted_precision",
    "weighted_recall",
    "pr_auc",
    "map50",
    "map50_95",
    "macro_auc",
    "ece",
    "false_alarm_rate",
    "f1",
    "recall",
    "precision",
    "ap",
    "ap50",
    "ap50_95",
    "auc",
    "recall_gap(class)",
)
LISTS = (FIRST,)  # what plans ask for by version, the newest last: a new metric makes another list
METRICS = LISTS[-1]


def is_known(metrics: Collection[str]) -> bool:
    """Whether these are all metrics of some version of this program."""
    return tuple(metrics) in LISTS


def later_than(metrics: Collection[str]) -> frozenset[str]:
    """The metrics that were added after a plan that asks for ``metrics``: its release has none of them."""
    return (
        frozenset(name.partition("(")[0] for name in set(LISTS[-1]) - set(metrics))
        if is_known(metrics)
        else frozenset()
    )


@dataclass(frozen=True)
class Rule:
    """What the plan fixed."""

    classes: tuple[str, ...]
    thresholds: Thresholds
    rounds: int
    min_group: int
    seed: int
    later: frozenset[str] = frozenset()  # figures that the plan did not know


class _Figures:
    """The images' counts, and their resampled figures, at hand for each figure."""

    def __init__(self, columns: Columns, persons: Ints, rule: Rule) -> None:
        self.columns, self.rule, self.repeats = columns, rule, columns.repeats
        self.at = rule.thresholds.per_image(columns)
        self.counts = metrics.confusion_of(columns, self.at)
        self.drawn = bootstrap(columns, persons, threshold=self.at, rounds=rule.rounds, seed=rule.seed)
        self.of_row, self.everyone = group_indices(persons)
        self.call = columns.predicted(self.at)
        self.right = self.call == columns.truth
        labels = range(columns.classes)
        self.of_images = [metrics.class_ap(columns, label) for label in labels]
        self.of_boxes = [metrics.box_ap(columns, label) for label in labels]

    def of(self, parts: FigureName, value: Fraction | None, among: int, key: str, groups: int, reason: str) -> Metric:
        """One figure with its bootstrapped interval; ``among`` counts judgements."""
        interval = bounds(self.drawn[key], groups, value) if value is not None else None
        return estimate(parts, value, interval, among // self.repeats, reason)

    def overall(self, name: str, value: Fraction | None, reason: str = "no_images") -> Metric:
        """A figure of all images."""
        return self.of(FigureName(name), value, len(self.columns), name, self.everyone, reason)

    def bare(self, parts: FigureName, value: Fraction | None, among: int, reason: str) -> Metric:
        """One figure without an interval."""
        return estimate(parts, value, None, among // self.repeats, reason)

    def effective_size(self, among: Bools) -> Fraction:
        """How many independent images the chosen judgements stand for, some of which are right."""
        return effective_size(self.of_row[among], self.right[among], self.repeats)

    def share(
        self, parts: FigureName, among: Bools, min_group: int = 1, none: str = "no_images", reason: str | None = None
    ) -> Metric:
        """Of the chosen judgements, how many are right."""
        right, total = int((self.right & among).sum()), int(among.sum())
        effective_size = self.effective_size(among)
        return proportion(parts, right, total, min_group, self.repeats, effective_size, none=none, reason=reason)

    @property
    def never_wrong(self) -> str | None:
        """Why calls say nothing: there is but one class, and every image is of it."""
        return "no_negatives" if self.columns.classes == 1 and metrics.one_truth(self.counts) else None

    def why_not(self, label: int) -> str:
        """Why a class's ranking says nothing, where it does not."""
        return "no_negatives" if self.counts[label].sum() else "no_images"

    def groups_of(self, label: int) -> int:
        """How many groups have an image of a class."""
        return len(np.unique(self.of_row[self.columns.truth == label]))


def figures(columns: Columns, persons: Ints, rule: Rule) -> tuple[Metric, ...]:
    """Every metric of some images, each with its interval. ``persons``: (n) the number of each judgement's group of
    persons and near-duplicates, in the order of their names."""
    made = _Figures(columns, persons, rule)
    by_class = [made.groups_of(label) for label in range(len(rule.classes))]
    areas = [metrics.class_auc(columns, label) for label in range(len(rule.classes))]
    one = "no_negatives" if metrics.one_truth(made.counts) else "no_images"
    found = [*_overall(made, one), made.bare(FigureName("macro_auc"), metrics.mean(areas), len(columns), one)]
    found += [_calibration(made), _false_alarms(made)]
    for label, name in enumerate(rule.classes):
        found += _of_class(made, label, name, by_class[label])
        total, reason = int(made.counts[label].sum()), made.why_not(label)
        found.append(made.bare(FigureName("auc", label=name), areas[label], total, reason))
    return tuple(one for one in (*found, _recall_gap(made)) if one.metric not in rule.later)


def _recall_gap(made: _Figures) -> Metric:
    counts, rule, shown = made.counts, made.rule, made.columns.truth < made.columns.classes
    gap = metrics.recall_gap(counts, rule.min_group * made.repeats)
    interval = None
    if gap is not None:
        rates = class_rates(made.columns.truth[shown], made.right[shown], made.of_row[shown], made.repeats)
        interval = gap_interval([rates], rule.rounds, rule.seed)
    reason = "too_few" if len(metrics.present(counts)) > 1 else "one_group"
    return estimate(FigureName("recall_gap", of=(CLASSES,)), gap, interval, int(shown.sum()) // made.repeats, reason)


def _false_alarms(made: _Figures) -> Metric:
    """Of the pictures that show nothing, the share with a prediction."""
    among = made.columns.truth == made.columns.classes
    wrong, total = int((~made.right & among).sum()), int(among.sum())
    parts, least = FigureName("false_alarm_rate"), made.rule.min_group
    alike = effective_size(made.of_row[among], ~made.right[among], made.repeats)
    return proportion(parts, wrong, total, least, made.repeats, alike, none="no_background")


def _overall(made: _Figures, one: str) -> list[Metric]:
    """``one``: why what is vacuous of one class alone has no value."""
    counts, columns = made.counts, made.columns
    shown = columns.truth < columns.classes
    recall = made.share(FigureName("micro_recall"), shown)
    return [
        made.overall("macro_f1", metrics.macro_f1(counts)),
        made.overall("micro_f1", metrics.micro_f1(counts)),
        made.overall("weighted_f1", metrics.weighted(counts, metrics.class_f1)),
        made.share(FigureName("accuracy"), np.ones(len(columns), bool)),
        made.overall("macro_precision", metrics.macro(counts, metrics.class_precision), one),
        made.overall("macro_recall", metrics.macro(counts, metrics.class_recall)),
        made.share(
            FigureName("micro_precision"), made.call < columns.classes, none="no_calls", reason=made.never_wrong
        ),
        recall,
        made.overall("weighted_precision", metrics.weighted(counts, metrics.class_precision), one),
        structs.replace(recall, metric="weighted_recall"),  # each image has one truth, so they are one figure
        made.overall("pr_auc", metrics.mean(made.of_images), one),
        made.overall("map50", metrics.mean(found[0] for found in made.of_boxes), "no_boxes"),
        made.overall("map50_95", metrics.mean(value for found in made.of_boxes for value in found), "no_boxes"),
    ]


def _calibration(made: _Figures) -> Metric:
    bins = calibration.bins_of(made.columns, made.at)
    error = None if made.never_wrong else calibration.expected_error(bins)
    return made.bare(FigureName("ece"), error, int(bins.count.sum()), made.never_wrong or "no_calls")


def _of_class(made: _Figures, label: int, name: str, groups: int) -> list[Metric]:
    counts = made.counts
    total, why = int(counts[label].sum()), made.why_not(label)
    always = None if metrics.has_negatives(counts, label) else "no_negatives"

    def of(metric: str, value: Fraction | None, reason: str) -> Metric:
        return made.of(FigureName(metric, label=name), value, total, f"{metric} {label}", groups, reason)

    return [
        of("f1", metrics.class_f1(counts, label), "no_images"),
        made.share(FigureName("recall", label=name), made.columns.truth == label, made.rule.min_group),
        made.share(FigureName("precision", label=name), made.call == label, none="no_calls", reason=always),
        of("ap", made.of_images[label], why),
        of("ap50", made.of_boxes[label][0], "no_boxes"),
        of("ap50_95", metrics.mean(made.of_boxes[label]), "no_boxes"),
    ]


def several(columns: Columns, threshold: Ints) -> tuple[int, ...]:
    """By true class, then nothing: judgements with detections of more than one class at or above their threshold."""
    seen = np.zeros((len(columns), columns.classes), bool)
    seen[columns.image, columns.kind] = True
    many = (seen & (columns.scores >= threshold[:, None])).sum(axis=1) > 1
    return tuple(np.bincount(columns.truth[many], minlength=columns.classes + 1).tolist())
