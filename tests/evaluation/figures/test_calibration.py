"""Calibration against a plain loop over rows, and against torchmetrics."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.evaluation.decimals import six
from registry.evaluation.figures.calibration import BINS, bins_of, expected_error, reliability
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import Row, row, worlds

thresholds = st.sampled_from([0, 1, 250_000, 500_000, 1_000_000])


def plain(rows: list[Row], threshold: int) -> dict[int, list[tuple[int, bool]]]:
    """By bin: score and whether it is right, of each image that is called something."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for one in rows:
        best = min(((-score, kind) for kind, score, *_ in one["detections"] if score >= threshold), default=None)
        if best is not None:
            below = sum(-best[0] * BINS >= edge * 1_000_000 for edge in range(1, BINS))
            found.setdefault(below, []).append((-best[0], best[1] == one["truth"]))
    return found


@given(worlds(most=20), thresholds)
@settings(deadline=None, max_examples=80)
def test_a_plain_loop_says_the_same(world: tuple[list[Row], int], threshold: int) -> None:
    rows, k = world
    bins = bins_of(columns_of(rows, k), threshold)
    found, total, error = plain(rows, threshold), 0, Fraction(0)
    points = []
    for _, members in sorted(found.items()):
        mean = Fraction(sum(score for score, _ in members), 1_000_000 * len(members))
        share = Fraction(sum(right for _, right in members), len(members))
        error += abs(mean - share) * len(members)
        total += len(members)
        points.append([six(mean), six(share), str(len(members))])
    assert expected_error(bins) == (error / total if total else None)
    assert reliability(bins) == points


def test_who_is_sure_and_half_the_time_wrong_errs_by_half() -> None:
    rows = [row(number, 0, (number % 2, 1_000_000)) for number in range(10)]
    bins = bins_of(columns_of(rows, 2), 500_000)
    assert expected_error(bins) == Fraction(1, 2)
    assert reliability(bins) == [["1.000000", "0.500000", "10"]]


def test_what_is_called_nothing_has_no_confidence() -> None:
    rows = [row(1, 0, (0, 800_000)), row(2, 0, (1, 100_000)), row(3, 0)]
    bins = bins_of(columns_of(rows, 2), 250_000)
    assert bins.count.sum() == 1
    assert expected_error(bins) == Fraction(1, 5)
    assert expected_error(bins_of(columns_of(rows[2:], 2), 0)) is None


@pytest.mark.parametrize(
    ("score", "place"), [(0, 0), (66_666, 0), (66_667, 1), (933_333, 13), (933_334, 14), (1_000_000, 14)]
)
def test_a_score_on_an_edge_belongs_to_one_bin(score: int, place: int) -> None:
    count = bins_of(columns_of([row(1, 0, (0, score))], 1), 0).count
    assert count.tolist() == [int(index == place) for index in range(BINS)]
