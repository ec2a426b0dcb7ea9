"""Thresholds against a plain search over rows: nothing of a fold's own images, nor of another repeat, has a say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.evaluation.figures import metrics
from registry.evaluation.figures.thresholds import ThresholdRule, best_macro_f1, choose
from registry.evaluation.input.columns import take
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import Row, row, worlds

K = 3


def plain_best(rows: list[Row], k: int, rule: ThresholdRule) -> int:
    """The rule word by word, on rows."""
    if not rows:
        return rule.threshold
    columns = columns_of(rows, k)
    found = [
        (-(metrics.macro_f1(metrics.confusion_of(columns, at)) or Fraction(0)), abs(at - rule.threshold), at)
        for at in range(0, 1_000_001, 10_000)
        if at >= rule.floor
    ]
    return min(found)[2]


def twice(rows: list[Row]) -> list[Row]:
    """A second repeat, in which other folds judged the same images and said something else."""
    again = [
        {**one, "fold": K + (one["fold"] + 1) % K, "detections": [[d[0], d[1] // 2, *d[2:]] for d in one["detections"]]}
        for one in rows
    ]
    return [*rows, *again]


@given(worlds(most=14), st.sampled_from([10_000, 123_456, 250_000, 500_000]), st.sampled_from([0, 10_000, 95_000]))
@settings(deadline=None, max_examples=60)
def test_other_folds_is_the_rule(world: tuple[list[Row], int], threshold: int, floor: int) -> None:
    rows, k = world
    rows = twice(rows)
    rule = ThresholdRule("other_folds", max(threshold, floor), floor, K)
    columns = columns_of(rows, k)
    found = choose(columns, rule)
    assert set(found.by_fold) == {one["fold"] for one in rows}
    for fold, at in found.by_fold.items():
        others = [one for one in rows if one["fold"] // K == fold // K and one["fold"] != fold]
        assert at == plain_best(others, k, rule)
        assert at >= floor
    judged = found.per_image(columns)
    assert judged.tolist() == [found.by_fold[fold] for fold in columns.fold.tolist()]
    # all judgements of all repeats
    assert found.of_all == plain_best(rows, k, rule)


@given(worlds(most=10))
@settings(deadline=None, max_examples=30)
def test_a_folds_own_images_have_no_say(world: tuple[list[Row], int]) -> None:
    rows, k = world
    rule = ThresholdRule("other_folds", 250_000, 10_000, K)
    before = choose(columns_of(rows, k), rule)
    fold = rows[0]["fold"]
    turned = [
        {**one, "truth": (one["truth"] + 1) % k, "detections": []} if one["fold"] == fold else one for one in rows
    ]
    assert choose(columns_of(turned, k), rule).by_fold[fold] == before.by_fold[fold]


def test_ties_go_to_the_nearest_then_the_smaller() -> None:
    rows = [row(1, 0, (0, 500_000), fold=0), row(2, 0, (0, 500_000), fold=1)]  # 0.01 to 0.50 are all perfect
    for threshold, wanted in ((250_000, 250_000), (255_000, 250_000), (256_000, 260_000), (900_000, 500_000)):
        rule = ThresholdRule("other_folds", threshold, 10_000, 2)
        assert choose(columns_of(rows, 1), rule).by_fold == {0: wanted, 1: wanted}


def test_nobody_else_judged_anything() -> None:
    rows = [row(1, 0, (0, 500_000), fold=1)]
    found = choose(columns_of(rows, 1), ThresholdRule("other_folds", 123_456, 10_000, 2))
    assert found.by_fold == {1: 123_456}
    assert choose(columns_of([], 2), ThresholdRule("other_folds", 123_456, 10_000, 2)).of_all == 123_456


def test_fixed_is_the_same_everywhere() -> None:
    rows = [row(number, 0, (0, 500_000), fold=number % 6) for number in range(12)]
    found = choose(columns_of(rows, 1), ThresholdRule("fixed", 123_456, 10_000, 2))
    assert found.by_fold == dict.fromkeys(range(6), 123_456)
    assert found.of_all == 123_456


@given(worlds())
@settings(deadline=None, max_examples=40)
def test_the_best_is_the_best_of_all_steps(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    values = {at: metrics.macro_f1(metrics.confusion_of(columns, at)) for at in range(0, 1_000_001, 10_000)}
    rule = ThresholdRule("fixed", 250_000, 0, K)
    found = best_macro_f1(columns, rule)
    assert found == (plain_best(rows, k, rule), max(value for value in values.values() if value is not None))
    assert best_macro_f1(take(columns, np.zeros(len(columns), bool)), rule) is None


@pytest.mark.parametrize(
    ("name", "threshold", "floor", "k"),
    [("best", 1, 0, 1), ("fixed", 1, 2, 1), ("fixed", 1_000_001, 0, 1), ("fixed", 1, -1, 1), ("fixed", 1, 0, 0)],
)
def test_what_is_no_rule_is_refused(name: str, threshold: int, floor: int, k: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        ThresholdRule(name, threshold, floor, k)
    assert caught.value.code == "bad_threshold"
