"""Repeats: each judges all images once; their spread by the statistics module."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.records import Metric
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.repeats import spread
from registry.evaluation.figures.thresholds import ThresholdRule
from tests.evaluation.test_evaluate import FIXED
from tests.evaluation.world import crowd


def figure(name: str, value: int | None) -> Metric:
    text = None if value is None else f"{value // 10**6}.{value % 10**6:06d}"
    return Metric(metric=name, value=text, low=None, high=None, n=1)


@given(st.lists(st.integers(0, 1_000_000), min_size=2, max_size=8))
def test_spread_is_the_statistics_modules(values: list[int]) -> None:
    (found,) = spread([[figure("macro_f1", value)] for value in values])
    given = [value / 1e6 for value in values]
    assert float(found.mean) == pytest.approx(statistics.mean(given), abs=6e-7)
    assert float(found.deviation) == pytest.approx(statistics.stdev(given), abs=6e-7)
    assert (float(found.lowest), float(found.highest)) == (min(given), max(given))


def test_what_one_repeat_lacks_has_no_spread() -> None:
    repeats = [[figure("a", 5), figure("b", 5)], [figure("a", None), figure("b", 7)]]
    assert [one.name for one in spread(repeats)] == ["b"]
    assert spread(repeats[:1]) == spread([]) == ()


def test_each_repeat_is_an_evaluation_of_its_own() -> None:
    first, clusters = crowd(60, 3, seed=1, folds=3)
    second, _ = crowd(60, 3, seed=2, folds=3)
    truths = {one["sha256"]: one["truth"] for one in first}
    again = [{**one, "fold": 3 + one["fold"], "truth": truths[one["sha256"]]} for one in second]
    fixed: dict[str, Any] = {
        **FIXED,
        "clusters": clusters,
        "rounds": 50,
        "threshold": ThresholdRule("other_folds", 250_000, 10_000, 3),
    }
    both = evaluate([*first, *again], **fixed)
    assert both.per_repeat == (evaluate(first, **fixed).metrics, evaluate(again, **fixed).metrics)
    assert both.thresholds == evaluate(first, **fixed).thresholds + evaluate(again, **fixed).thresholds
    assert {one.name for one in both.spread} <= {one.name for one in both.metrics}
    assert len(both.per_fold) == 6
    one = evaluate(first, **fixed)
    assert (one.per_repeat, one.spread) == ((), ())
