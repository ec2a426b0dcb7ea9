"""Curves against scikit-learn and against the figures at each step."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from sklearn.metrics import precision_recall_curve

from registry.evaluation import curves, metrics
from registry.evaluation.columns import columns_of
from registry.evaluation.decimals import six
from tests.evaluation.world import CLASSES, Row, row, worlds


@given(worlds())
@settings(deadline=None, max_examples=60)
def test_precision_recall_is_scikit_learns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for label in range(k):
        points = curves.precision_recall(columns, label)
        truth = columns.truth == label
        if not truth.any():
            assert points == []
            continue
        precision, recall, _ = precision_recall_curve(truth, columns.scores[:, label])
        assert [float(x) for x, _ in reversed(points)] == pytest.approx(recall.tolist(), abs=1e-6)
        assert [float(y) for _, y in reversed(points)] == pytest.approx(precision.tolist(), abs=1e-6)
        assert points[0] == ["0.000000", "1.000000"]
        assert points[-1][0] == "1.000000"


@given(worlds())
@settings(deadline=None, max_examples=40)
def test_by_confidence_is_each_thresholds_figure(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    found = curves.by_confidence(columns, CLASSES[:k])
    for step in (0, 1, 25, 50, 70, 99, 100):
        counts = metrics.confusion_of(columns, step * 10_000)
        x = six(Fraction(step, 100))
        assert found["f1_confidence(macro)"][step] == [x, six(metrics.macro_f1(counts))]
        for label in range(k):
            value = metrics.class_f1(counts, label) or Fraction(0)
            assert found[f"f1_confidence({CLASSES[label]})"][step] == [x, six(value)]
        there = metrics.present(counts)
        recall = metrics.mean(metrics.class_recall(counts, label) for label in there)
        precision = metrics.mean(metrics.class_precision(counts, label) or Fraction(0) for label in there)
        assert found["recall_confidence(macro)"][step] == [x, six(recall)]
        assert found["precision_confidence(macro)"][step] == [x, six(precision)]


def test_names_and_steps() -> None:
    found = curves.all_curves(columns_of([row(1, 0, (0, 900_000)), row(2, 3)], 4), CLASSES)
    names = [name for name, _ in found]
    assert names == sorted(names)
    assert set(names) == {
        *(f"pr({name})" for name in CLASSES),
        *(f"f1_confidence({name})" for name in CLASSES),
        *(f"{kind}_confidence(macro)" for kind in ("f1", "precision", "recall")),
    }
    lengths = {name: len(points) for name, points in found}
    assert lengths["f1_confidence(macro)"] == 101
    assert lengths["pr(feliz)"] == 0  # nobody is


def test_no_images() -> None:
    found = dict(curves.all_curves(columns_of([], 2), ("a", "b")))
    assert found["pr(a)"] == []
    assert {y for _, y in found["f1_confidence(macro)"]} == {"0.000000"}
