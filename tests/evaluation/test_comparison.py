"""Two sets of predictions: exact tests against scipy, paired rounds against a loop, and what must hold always."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from registry.core.errors import InvalidInput
from registry.evaluation.comparison import AREAS, Comparison, Difference, compare, holm, mcnemar
from registry.evaluation.figures import metrics
from registry.evaluation.input.columns import Columns, take
from registry.evaluation.input.reading import columns_of
from registry.evaluation.intervals.intervals import draws, group_indices
from tests.evaluation.world import CLASSES, row, sha

HALF = (250_000, 250_000)


def crowd(count: int, seed: int, skill: float) -> Columns:
    """Images of four classes, called right with that probability."""
    r = random.Random(seed)
    rows = []
    for number in range(count):
        truth = number % 4
        predicted = truth if r.random() < skill else (truth + r.randint(1, 3)) % 4
        rows.append(row(number, truth, (predicted, r.randint(300_000, 999_999)), (r.randint(0, 3), 200_000)))
    return columns_of(rows, 4)


def both(a: Columns, b: Columns, persons: int = 3) -> Comparison:
    clusters = {sha(number): sha(10_000 + number // persons) for number in range(len(a))}
    return compare(a, b, classes=CLASSES, thresholds=HALF, clusters=clusters, rounds=300, seed=7)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert float(mcnemar(only_a, only_b)) == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=8))
def test_holm_is_never_below_p_never_above_bonferroni_and_keeps_the_order(values: list[Fraction]) -> None:
    found = holm(values)
    assert all(p <= fair <= min(Fraction(1), p * len(values)) for p, fair in zip(values, found, strict=True))
    ranked = [fair for _, fair in sorted(zip(values, found, strict=True))]
    assert ranked == sorted(ranked)


def test_holms_correction_is_that_by_hand() -> None:
    found = holm([Fraction(1, 100), Fraction(4, 100), Fraction(3, 100), Fraction(5, 1000)])
    assert found == [Fraction(3, 100), Fraction(6, 100), Fraction(6, 100), Fraction(2, 100)]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_the_same_twice_differs_in_nothing(seed: int) -> None:
    columns = crowd(40, seed, 0.7)
    found = both(columns, columns)
    for one in found.differences:
        assert one.a == one.b
        assert {one.difference, one.low, one.high} <= {"0.000000", None}
    assert all((one.p, one.only_a, one.only_b) == ("1.000000", 0, 0) for one in found.tests)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_the_other_way_round_only_signs_change(seed: int) -> None:
    a, b = crowd(40, seed, 0.5), crowd(40, seed + 1, 0.8)
    there, back = both(a, b), both(b, a)
    for one, other in zip(there.differences, back.differences, strict=True):
        assert (one.a, one.b) == (other.b, other.a)
        assert float(one.difference or 0) == -float(other.difference or 0)
    for left, right in zip(there.tests, back.tests, strict=True):
        assert (left.only_a, left.only_b, left.p, left.corrected) == (
            right.only_b,
            right.only_a,
            right.p,
            right.corrected,
        )


def test_rounds_are_paired_whole_groups() -> None:
    a, b = crowd(60, 1, 0.5), crowd(60, 2, 0.8)
    found = both(a, b)
    names = [sha(10_000 + number // 3) for number in range(60)]
    names = [dict(zip([sha(n) for n in range(60)], names, strict=True))[key] for key in a.keys]
    of_image, groups = group_indices(names)
    differences = []
    for drawn in draws(groups, 300, 7, 300):
        for times in drawn:
            repeated = np.repeat(np.arange(60), times[of_image])
            values = []
            for columns in (a, b):
                counts = np.zeros((5, 5), np.int64)
                predicted = columns.predicted(HALF[0])
                for image in repeated.tolist():
                    counts[columns.truth[image], predicted[image]] += 1
                values.append(float(metrics.macro_f1(counts) or 0))
            differences.append(values[1] - values[0])
    differences.sort()
    macro = found.differences[0]
    assert macro.name == "macro_f1"
    assert float(macro.low or 0) == pytest.approx(differences[7], abs=2e-6)  # the 8th of 300
    assert float(macro.high or 0) == pytest.approx(differences[292], abs=2e-6)
    assert (found.n, found.groups) == (60, 20)


def test_areas_in_steps_move_no_interval_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule for large releases, forced upon a small one: within a 25th of the width of what every rank gives."""
    a, b = crowd(400, 1, 0.5), crowd(400, 2, 0.8)
    plain = {one.name: one for one in both(a, b).differences}
    monkeypatch.setattr("registry.evaluation.figures.areas.exact_ranks", lambda classes: 12)
    monkeypatch.setattr("registry.evaluation.figures.areas.steps_of", lambda classes: 12)
    stepped = {one.name: one for one in both(a, b).differences}
    assert {name for name, one in stepped.items() if one != plain[name]} == set(AREAS)
    for name in AREAS:
        width = float(plain[name].high or 0) - float(plain[name].low or 0)
        for ours, wanted in zip(ends(stepped[name]), ends(plain[name]), strict=True):
            assert abs(ours - wanted) < width / 25, name


def ends(one: Difference) -> tuple[float, float]:
    return float(one.low or 0), float(one.high or 0)


def test_a_better_one_is_seen() -> None:
    found = both(crowd(200, 1, 0.4), crowd(200, 2, 0.9))
    assert float(found.differences[0].low or 0) > 0
    assert found.tests[0].corrected is None
    assert float(found.tests[0].p) < 0.001
    assert sum(one.n for one in found.tests[1:]) == found.tests[0].n == 200


def test_other_images_or_labels_are_refused() -> None:
    a = crowd(20, 1, 0.5)
    fewer = take(a, np.arange(20) < 19)
    relabeled = columns_of([row(number, (number + 1) % 4, (0, 500_000)) for number in range(20)], 4)
    for other in (fewer, relabeled):
        with pytest.raises(InvalidInput, match="same images"):
            both(a, other)
