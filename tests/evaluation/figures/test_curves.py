"""Curves against scikit-learn and against the figures at each step."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from sklearn.metrics import precision_recall_curve, roc_curve

from registry.evaluation.decimals import six
from registry.evaluation.figures import curves, metrics
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import CLASSES, Row, row, worlds


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=60)
def test_precision_recall_is_scikit_learns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for label in range(k):
        points = curves.precision_recall(columns, label)
        truth = columns.truth == label
        if truth.all() or not truth.any():
            assert points == []
            continue
        precision, recall, _ = precision_recall_curve(truth, columns.scores[:, label])
        assert [float(x) for x, _ in reversed(points)] == pytest.approx(recall.tolist(), abs=1e-6)
        assert [float(y) for _, y in reversed(points)] == pytest.approx(precision.tolist(), abs=1e-6)
        assert points[0] == ["0.000000", "1.000000"]
        assert points[-1][0] == "1.000000"


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=40)
def test_by_confidence_is_each_thresholds_figure(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    found = curves.by_confidence(columns, CLASSES[:k])
    for step in (0, 1, 25, 50, 70, 99, 100):
        counts = metrics.confusion_of(columns, step * 10_000)
        x = six(Fraction(step, 100))
        assert found["macro_f1_confidence"][step] == [x, six(metrics.macro_f1(counts))]
        for label in range(k):
            value = metrics.class_f1(counts, label) or Fraction(0)
            assert found[f"f1_confidence({CLASSES[label]})"][step] == [x, six(value)]
            value = metrics.class_recall(counts, label) or Fraction(0)
            assert found[f"recall_confidence({CLASSES[label]})"][step] == [x, six(value)]
            value = metrics.class_precision(counts, label) or Fraction(0)
            assert found[f"precision_confidence({CLASSES[label]})"][step] == [x, six(value)]
        there = metrics.present(counts)
        recall = metrics.mean(metrics.class_recall(counts, label) for label in there)
        precision = metrics.mean(metrics.class_precision(counts, label) or Fraction(0) for label in there)
        assert found["macro_recall_confidence"][step] == [x, six(recall)]
        assert found["macro_precision_confidence"][step] == [x, six(precision)]


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=60)
def test_roc_is_scikit_learns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for label in range(k):
        points, truth = curves.roc(columns, label), columns.truth == label
        if truth.all() or not truth.any():
            assert points == []
            continue
        wrong, right, _ = roc_curve(truth, columns.scores[:, label], drop_intermediate=False)
        assert [float(x) for x, _ in points] == pytest.approx(wrong.tolist(), abs=1e-6)
        assert [float(y) for _, y in points] == pytest.approx(right.tolist(), abs=1e-6)


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=40)
def test_boxes_are_counted_after_each_detection(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for label in range(k):
        points = curves.box_precision_recall(columns, label)
        positives = sum(len(one["boxes"]) for one in rows if one["truth"] == label)
        if not positives:
            assert points == []
            continue
        right = [bool(mark) for mark, kind in zip(columns.right[0], columns.kind, strict=True) if kind == label]
        wanted = [["0.000000", "1.000000"]]
        for count in range(1, len(right) + 1):
            hits = sum(right[:count])
            wanted.append([six(Fraction(hits, positives)) or "", six(Fraction(hits, count)) or ""])
        assert points == wanted


@given(worlds(nothing=True))
@settings(deadline=None, max_examples=40)
def test_f1_of_boxes_counts_what_reaches_the_threshold(world: tuple[list[Row], int]) -> None:
    """A plain count over the same matches, of those detections alone that a threshold lets through."""
    rows, k = world
    found = curves.box_by_confidence(columns_of(rows, k), CLASSES[:k])
    for step in (0, 1, 25, 50, 70, 99, 100):
        kept = [
            {**one, "detections": [d for d in one["detections"] if d[1] >= 10_000 * step]} for one in rows
        ]  # matched anew
        columns, values = columns_of(kept, k), []
        for label in range(k):
            hits = int(columns.right[0, columns.kind == label].sum())
            positives = sum(len(one["boxes"]) for one in rows if one["truth"] == label)
            whole = int((columns.kind == label).sum()) + positives
            value = Fraction(2 * hits, whole) if whole else Fraction(0)
            assert found[f"f1_50_confidence({CLASSES[label]})"][step] == [six(Fraction(step, 100)), six(value)]
            values += [value] if positives else []
        assert found["macro_f1_50_confidence"][step][1] == six(sum(values, Fraction(0)) / len(values))


def test_long_curves_keep_a_thousand_points() -> None:
    assert curves.thinned(1000) == list(range(1000))
    kept = curves.thinned(1001)
    assert (len(kept), kept[0], kept[-1]) == (1000, 0, 1000)
    assert kept[500] == 500 * 1000 // 999
    rows = [row(number, number % 2, (number % 2, 1000 + 7 * number)) for number in range(3000)]
    columns = columns_of(rows, 2)
    found = curves.all_curves(columns, ("a", "b"), 0)
    truth, scores = columns.truth == 0, columns.scores[:, 0]
    precision, recall, _ = precision_recall_curve(truth, scores)
    pairs = list(zip(recall[::-1].tolist(), precision[::-1].tolist(), strict=True))
    assert len(pairs) == 1502  # a distinct score an image of the class, none for all others, and the beginning
    for place, (x, y) in zip(curves.thinned(1502), found["pr(a)"], strict=True):
        assert (float(x), float(y)) == pytest.approx(pairs[place], abs=1e-6)
    assert len(found["roc(a)"]) == len(found["pr50(a)"]) == 1000
    assert found["roc(a)"][-1] == ["1.000000", "1.000000"]


def test_a_class_named_macro_has_curves_of_its_own() -> None:
    found = curves.all_curves(columns_of([row(1, 0, (0, 900_000)), row(2, 1)], 2), ("macro", "b"), 0)
    assert found["f1_confidence(macro)"][0] == ["0.000000", "1.000000"]
    assert found["macro_f1_confidence"][0] == ["0.000000", "0.500000"]
    assert len(found["macro_f1_confidence"]) == 101


def test_every_curve_has_its_name_and_steps() -> None:
    found = curves.all_curves(columns_of([row(1, 0, (0, 900_000)), row(2, 3)], 4), CLASSES, 0)
    assert set(found) == {
        *(f"{kind}({name})" for kind in ("pr", "pr50", "roc") for name in CLASSES),
        *(f"{kind}_confidence({name})" for kind in ("f1", "precision", "recall", "f1_50") for name in CLASSES),
        *(f"macro_{kind}_confidence" for kind in ("f1", "precision", "recall", "f1_50")),
        "reliability(all)",
    }
    lengths = {name: len(points) for name, points in found.items()}
    assert lengths["macro_f1_confidence"] == 101
    assert lengths["pr(feliz)"] == 0  # nobody is


def test_curves_of_no_images_are_empty() -> None:
    found = curves.all_curves(columns_of([], 2), ("a", "b"), 0)
    assert found["pr(a)"] == []
    assert {y for _, y in found["macro_f1_confidence"]} == {"0.000000"}
