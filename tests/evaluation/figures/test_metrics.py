"""Point figures against scikit-learn and against a plain COCO evaluation written another way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from registry.evaluation.figures import metrics
from registry.evaluation.figures.figures import several
from registry.evaluation.input.columns import IOU_PERCENTS
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import Row, crowd, row, truths, worlds

CLOSE: dict[str, Any] = {"rel": 0, "abs": 1e-12}
thresholds = st.sampled_from([0, 1, 250_000, 500_000, 1_000_000])


def predicted(one: Row, threshold: int, classes: int) -> int:
    """The prediction, as the interface words it."""
    found = [(score, -kind) for kind, score, *_ in one["detections"] if score >= threshold]
    return -max(found)[1] if found else classes


def exact(value: Fraction | None) -> float:
    assert value is not None
    return float(value)


@given(worlds(nothing=True), thresholds)
@settings(deadline=None, max_examples=40)
def test_figures_are_scikit_learns(world: tuple[list[Row], int], threshold: int) -> None:
    rows, k = world
    truth, said = truths(rows, k), [predicted(one, threshold, k) for one in rows]
    counts = metrics.confusion_of(columns_of(rows, k), threshold)
    assert counts.tolist() == confusion_matrix(truth, said, labels=range(k + 1)).tolist()
    there = sorted({*truth} - {k})
    of = {"labels": range(k), "zero_division": 0.0}
    macro = f1_score(truth, said, labels=there, average="macro", zero_division=0.0)
    assert exact(metrics.macro_f1(counts)) == pytest.approx(macro, **CLOSE)
    assert exact(metrics.micro_f1(counts)) == pytest.approx(f1_score(truth, said, average="micro", **of), **CLOSE)
    assert exact(metrics.accuracy(counts)) == pytest.approx(accuracy_score(truth, said), **CLOSE)
    for figure, theirs in (
        (metrics.class_f1, f1_score),
        (metrics.class_precision, precision_score),
        (metrics.class_recall, recall_score),
    ):
        if figure is metrics.class_precision and len(set(truth)) == 1:  # scikit-learn says 1 of whatever is called so
            assert metrics.macro(counts, figure) is metrics.weighted(counts, figure) is None
            continue
        ours = exact(metrics.macro(counts, figure)), exact(metrics.weighted(counts, figure))
        wanted = theirs(truth, said, labels=there, average="macro", zero_division=0.0)
        assert ours[0] == pytest.approx(wanted, **CLOSE)
        assert ours[1] == pytest.approx(theirs(truth, said, average="weighted", **of), **CLOSE)
    recall = exact(metrics.weighted(counts, metrics.class_recall))
    assert k in truth or recall == exact(metrics.accuracy(counts))
    assert recall == pytest.approx(recall_score(truth, said, average="micro", **of), **CLOSE)
    for figure, theirs in (
        (metrics.class_f1, f1_score(truth, said, average=None, **of)),
        (metrics.class_precision, precision_score(truth, said, average=None, **of)),
        (metrics.class_recall, recall_score(truth, said, average=None, **of)),
    ):
        for label in range(k):
            one = figure(counts, label)
            if one is None and set(truth) == {label}:
                assert figure is metrics.class_precision
            else:
                assert float(one or 0) == pytest.approx(theirs[label], **CLOSE)


def test_none_where_there_is_nothing_to_divide_by() -> None:
    counts = metrics.confusion_of(columns_of([row(1, 0, (0, 900_000))], 3), 0)
    assert metrics.class_f1(counts, 1) is metrics.class_recall(counts, 1) is metrics.class_precision(counts, 1) is None
    assert metrics.macro_f1(counts) == 1  # of the one class that is there
    empty = metrics.confusion_of(columns_of([], 3), 0)
    assert metrics.macro_f1(empty) is metrics.micro_f1(empty) is metrics.accuracy(empty) is None
    assert metrics.pr_auc(columns_of([], 3)) is metrics.mean_average_precision(columns_of([], 3)) is None


def test_a_class_called_wrongly_and_absent_counts_against_micro_not_macro() -> None:
    counts = metrics.confusion_of(columns_of([row(1, 0, (0, 900_000)), row(2, 0, (1, 900_000))], 2), 0)
    assert metrics.macro_f1(counts) == Fraction(2, 3)
    assert metrics.micro_f1(counts) == Fraction(1, 2)


def test_ties_go_to_the_smaller_class_and_the_threshold_is_included() -> None:
    tied = columns_of([row(1, 2, (2, 500_000), (1, 500_000))], 3)
    assert tied.predicted(500_000).tolist() == [1]
    assert tied.predicted(500_001).tolist() == [3]


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=80)
def test_pr_auc_is_scikit_learns_average_precision(world: tuple[list[Row], int]) -> None:
    rows, k = world
    wanted = []
    if len({one["truth"] for one in rows}) == 1:  # scikit-learn says 1, whatever was found
        assert metrics.pr_auc(columns_of(rows, k)) is None
        return
    for label in sorted({one["truth"] for one in rows} - {None}):
        scores = [max([score for kind, score, *_ in one["detections"] if kind == label], default=0) for one in rows]
        wanted.append(average_precision_score([one["truth"] == label for one in rows], scores))
    assert exact(metrics.pr_auc(columns_of(rows, k))) == pytest.approx(float(np.mean(wanted)), **CLOSE)


@given(worlds(most=25, nothing=True))
@settings(deadline=None, max_examples=40)
def test_auc_is_scikit_learns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for label in range(k):
        truth = columns.truth == label
        ours = metrics.class_auc(columns, label)
        if truth.all() or not truth.any():
            assert ours is None
        else:
            assert exact(ours) == pytest.approx(float(roc_auc_score(truth, columns.scores[:, label])), **CLOSE)


@given(worlds(nothing=True), thresholds)
@settings(deadline=None, max_examples=60)
def test_several_counts_images_that_are_said_to_be_of_two_classes(world: tuple[list[Row], int], threshold: int) -> None:
    rows, k = world
    wanted = [0] * (k + 1)
    for one, truth in zip(rows, truths(rows, k), strict=True):
        wanted[truth] += len({kind for kind, score, *_ in one["detections"] if score >= threshold}) > 1
    columns = columns_of(rows, k)
    assert several(columns, np.full(len(columns), threshold)) == tuple(wanted)


def overlap(one: list[int], other: list[int]) -> Fraction:
    """Intersection over union by counting, on a grid of hundreds."""
    cells = [
        {(x, y) for x in range(b[0], b[0] + b[2], 100) for y in range(b[1], b[1] + b[3], 100)} for b in (one, other)
    ]
    return Fraction(len(cells[0] & cells[1]), len(cells[0] | cells[1]) or 1)


def plain_ap(rows: list[Row], label: int, percent: int) -> float | None:
    """COCO's evaluateImg and accumulate, as pycocotools words them, for one class and one IoU."""
    marks: list[tuple[int, bool]] = []
    positives = sum(len(one["boxes"]) for one in rows if one["truth"] == label)
    for one in sorted(rows, key=lambda item: item["sha256"]):
        boxes = one["boxes"] if one["truth"] == label else []
        taken = [False] * len(boxes)
        for kind, score, *box in sorted(one["detections"], key=lambda item: (-item[1], item)):
            if kind != label:
                continue
            least, chosen = Fraction(percent, 100), -1
            for place, other in enumerate(boxes):
                if not taken[place] and overlap(box, other) >= least:
                    least, chosen = overlap(box, other), place
            if chosen >= 0:
                taken[chosen] = True
            marks.append((score, chosen >= 0))
    if not positives:
        return None
    marks.sort(key=lambda mark: -mark[0])
    right = np.cumsum([mark[1] for mark in marks])
    precision = [hits / (place + 1) for place, hits in enumerate(right)]
    for place in range(len(precision) - 1, 0, -1):
        precision[place - 1] = max(precision[place], precision[place - 1])
    reached = [Fraction(int(hits), positives) for hits in right]
    total = 0.0
    for step in range(101):
        at = next((place for place, recall in enumerate(reached) if recall >= Fraction(step, 100)), None)
        total += precision[at] if at is not None else 0.0
    return total / 101


@given(worlds())
@settings(deadline=None, max_examples=50)
def test_map_is_cocos(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for percents in ((50,), IOU_PERCENTS):
        all_of_them = [plain_ap(rows, label, percent) for label in range(k) for percent in percents]
        wanted = float(np.mean([value for value in all_of_them if value is not None]))
        assert exact(metrics.mean_average_precision(columns, percents)) == pytest.approx(wanted, **CLOSE)


def test_a_second_detection_of_one_box_is_wrong() -> None:
    one, two = row(1, 0, (0, 900_000)), row(2, 0, (0, 950_000), (0, 940_000))
    assert metrics.mean_average_precision(columns_of([one], 1), (50,)) == 1
    value = metrics.mean_average_precision(columns_of([one, two], 1), (50,))
    assert value == (51 * Fraction(1) + 50 * Fraction(2, 3)) / 101


@pytest.mark.parametrize(("width", "right"), [(500, True), (499, False), (2000, True), (2001, False)])
def test_iou_of_exactly_one_half_counts(width: int, right: bool) -> None:
    one = row(1, 0, (0, 900_000))
    one["detections"][0][4] = width
    assert metrics.mean_average_precision(columns_of([one], 1), (50,)) == int(right)


def test_a_box_without_area_matches_nothing() -> None:
    one = row(1, 0, (0, 900_000))
    one["boxes"], one["detections"][0][2:] = [[5, 5, 0, 0]], [5, 5, 0, 0]
    assert metrics.mean_average_precision(columns_of([one], 1)) == 0


def test_the_recall_gap_leaves_small_classes_out() -> None:
    rows = [row(i, i % 2, (0, 900_000)) for i in range(20)]
    counts = metrics.confusion_of(columns_of(rows, 2), 0)
    assert metrics.recall_gap(counts, 10) == 1
    assert metrics.recall_gap(counts, 11) is None  # a class is too small
    assert metrics.recall_gap(counts[:1, [0, 2]], 1) is None  # nothing to compare


def test_order_of_rows_does_not_matter() -> None:
    rows, _ = crowd(60, 5)
    first, second = columns_of(rows, 4), columns_of(rows[::-1], 4)
    for name in first.__dataclass_fields__:
        one: Any = getattr(first, name)
        assert np.array_equal(one, getattr(second, name)), name
