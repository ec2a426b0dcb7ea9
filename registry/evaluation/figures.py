"""Every figure of some judged images, each under its name and with its interval.

Invariants: the same names in the same order whatever the images are; a figure that can't be had has no value, and its
count stays. ``n`` counts images, also where each was judged several times (repeated folds). ``auc`` has no interval;
neither has ``ece``, which is biased upward in small samples, and resampled ones still more (see docs/metrics.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from msgspec import structs

from registry.core.records import Metric
from registry.evaluation import calibration, fairness, metrics
from registry.evaluation.bootstrap import bootstrap
from registry.evaluation.columns import Bools, Columns, Ints
from registry.evaluation.decimals import six
from registry.evaluation.gap_interval import gap_interval
from registry.evaluation.intervals import bounds, class_rates, group_indices, worth
from registry.evaluation.thresholds import Thresholds

METRICS = (
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
    "f1",
    "recall",
    "precision",
    "ap",
    "ap50",
    "ap50_95",
    "auc",
    "recall_gap(class)",
)


@dataclass(frozen=True)
class Rule:
    """What the plan fixed."""

    classes: tuple[str, ...]
    thresholds: Thresholds
    rounds: int
    min_group: int
    seed: int


class _Figures:
    """The images' counts, and their resampled figures, at hand for each figure."""

    def __init__(self, columns: Columns, persons: Ints, rule: Rule) -> None:
        self.columns, self.rule, self.repeats = columns, rule, columns.repeats
        self.at = rule.thresholds.per_image(columns)
        self.counts = metrics.confusion_of(columns, self.at)
        self.drawn = bootstrap(columns, persons, threshold=self.at, rounds=rule.rounds, seed=rule.seed)
        self.of_row, self.everyone = group_indices(persons)
        self.call = columns.called(self.at)
        self.right = self.call == columns.truth
        labels = range(columns.classes)
        self.of_images = [metrics.class_ap(columns, label) for label in labels]
        self.of_boxes = [metrics.box_ap(columns, label) for label in labels]

    def of(self, name: str, value: Fraction | None, among: int, key: str, groups: int) -> Metric:
        """One figure with its bootstrapped interval; ``among`` counts judgements."""
        interval = bounds(self.drawn[key], groups, value) if value is not None else None
        low, high = interval or (None, None)
        return Metric(name=name, value=six(value), low=low, high=high, n=among // self.repeats)

    def overall(self, name: str, value: Fraction | None) -> Metric:
        """A figure of all images."""
        return self.of(name, value, len(self.columns), name, self.everyone)

    def worth(self, among: Bools) -> Fraction:
        """How many independent images the chosen judgements stand for, some of which are right."""
        return worth(self.of_row[among], self.right[among], self.repeats)

    def share(self, name: str, among: Bools, min_group: int = 1) -> Metric:
        """Of the chosen judgements, how many are right."""
        right, total = int((self.right & among).sum()), int(among.sum())
        return fairness.proportion(name, right, total, min_group, self.repeats, self.worth(among))

    def groups_of(self, label: int) -> int:
        """How many groups have an image of a class."""
        return len(np.unique(self.of_row[self.columns.truth == label]))


def figures(columns: Columns, persons: Ints, rule: Rule) -> tuple[Metric, ...]:
    """Every metric of some images, each with its interval. ``persons``: (n) the number of each judgement's group of
    persons and near-duplicates, in the order of their names."""
    made = _Figures(columns, persons, rule)
    by_class = [made.groups_of(label) for label in range(len(rule.classes))]
    areas = [metrics.class_auc(columns, label) for label in range(len(rule.classes))]
    found = [*_overall(made), _bare("macro_auc", metrics.mean(areas), len(columns) // made.repeats)]
    found.append(_calibration(made))
    for label, name in enumerate(rule.classes):
        found += _of_class(made, label, name, by_class[label])
        found.append(_bare(f"auc({name})", areas[label], int(made.counts[label].sum()) // made.repeats))
    return (*found, _recall_gap(made))


def _recall_gap(made: _Figures) -> Metric:
    counts, rule, n = made.counts, made.rule, len(made.columns) // made.repeats
    gap = metrics.recall_gap(counts, rule.min_group * made.repeats)
    if gap is None:
        return _bare("recall_gap(class)", None, n)
    rates = class_rates(made.columns.truth, made.right, made.of_row, made.repeats)
    low, high = gap_interval([rates], rule.rounds, rule.seed)
    return Metric(name="recall_gap(class)", value=six(gap), low=low, high=high, n=n)


def _bare(name: str, value: Fraction | None, n: int) -> Metric:
    return Metric(name=name, value=six(value), low=None, high=None, n=n)


def _overall(made: _Figures) -> list[Metric]:
    counts, columns = made.counts, made.columns
    accuracy = made.share("accuracy", np.ones(len(columns), bool))
    return [
        made.overall("macro_f1", metrics.macro_f1(counts)),
        made.overall("micro_f1", metrics.micro_f1(counts)),
        made.overall("weighted_f1", metrics.weighted(counts, metrics.class_f1)),
        accuracy,
        made.overall("macro_precision", metrics.macro(counts, metrics.class_precision)),
        made.overall("macro_recall", metrics.macro(counts, metrics.class_recall)),
        made.share("micro_precision", made.call < columns.classes),
        structs.replace(accuracy, name="micro_recall"),  # every image has one truth, so they are one figure
        made.overall("weighted_precision", metrics.weighted(counts, metrics.class_precision)),
        structs.replace(accuracy, name="weighted_recall"),
        made.overall("pr_auc", metrics.mean(made.of_images)),
        made.overall("map50", metrics.mean(found[0] for found in made.of_boxes)),
        made.overall("map50_95", metrics.mean(one for found in made.of_boxes for one in found)),
    ]


def _calibration(made: _Figures) -> Metric:
    bins = calibration.bins_of(made.columns, made.at)
    return _bare("ece", calibration.expected_error(bins), int(bins.count.sum()) // made.repeats)


def _of_class(made: _Figures, label: int, name: str, groups: int) -> list[Metric]:
    counts = made.counts
    total = int(counts[label].sum())
    return [
        made.of(f"f1({name})", metrics.class_f1(counts, label), total, f"f1 {label}", groups),
        made.share(f"recall({name})", made.columns.truth == label, made.rule.min_group),
        made.share(f"precision({name})", made.call == label),
        made.of(f"ap({name})", made.of_images[label], total, f"ap {label}", groups),
        made.of(f"ap50({name})", made.of_boxes[label][0], total, f"ap50 {label}", groups),
        made.of(f"ap50_95({name})", metrics.mean(made.of_boxes[label]), total, f"ap50_95 {label}", groups),
    ]


def several(columns: Columns, threshold: Ints) -> tuple[int, ...]:
    """By true class: judgements with detections of more than one class at or above their threshold."""
    seen = np.zeros((len(columns), columns.classes), bool)
    seen[columns.image, columns.kind] = True
    many = (seen & (columns.scores >= threshold[:, None])).sum(axis=1) > 1
    return tuple(np.bincount(columns.truth[many], minlength=columns.classes).tolist())
