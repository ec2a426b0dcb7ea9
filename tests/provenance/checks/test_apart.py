"""How far detections and losses may lie apart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.core.ports.method import Detection, Tolerance
from registry.provenance.checks.apart import detections_differ, loss_limit, loss_of, overlap, relative, said_of

ALLOWED = Tolerance(score=100, box=100, crowded=70, losses=((1, 20_000), (3, 100_000), (None, 200_000)))
ONE: Detection = (1, 900_000, 1000, 1000, 4000, 4000)


def differ(stated: list[Detection], found: list[Detection], tolerance: Tolerance = ALLOWED) -> bool:
    ways = {
        detections_differ(one, other, tolerance, longer=1000, floor=10_000) is not None
        for one, other in ((stated, found), (found, stated))
    }
    assert len(ways) == 1, "which list is the published one changes nothing"
    return ways.pop()


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        (ONE, False),
        ((1, 900_100, *ONE[2:]), False),
        ((1, 900_101, *ONE[2:]), True),
        ((1, 900_000, 1011, 1000, 4000, 4000), False),  # a hundredth, and 100 millionths of 1,000 pixels
        ((1, 900_000, 1012, 1000, 4000, 4000), True),
        ((2, *ONE[1:]), True),
    ],
)
def test_class_score_and_box_each_have_their_bound(other: Detection, apart: bool) -> None:
    assert differ([ONE], [other]) is apart


def test_one_alone_is_allowed_at_the_floor_and_where_boxes_crowd_below_a_better_one() -> None:
    at_floor = (1, 10_100, 0, 0, 100, 100)
    above = (1, 10_101, 0, 0, 100, 100)
    crowded = (1, 500_000, 1000, 1000, 4000, 2800)  # seven tenths of ONE
    assert overlap(ONE, crowded) == 70
    assert not differ([ONE, at_floor], [ONE])
    assert differ([ONE, above], [ONE])
    assert not differ([ONE, crowded], [ONE])
    assert differ([ONE, (2, *crowded[1:])], [ONE])  # of another class
    assert differ([(1, 950_000, *crowded[2:]), ONE], [ONE])  # better than what it crowds
    assert differ([ONE, ONE], [ONE])
    assert differ([ONE], [])


def test_without_a_stated_tolerance_only_rounding_is_allowed() -> None:
    assert differ([ONE], [(1, 900_001, *ONE[2:])], Tolerance())
    assert not differ([ONE], [ONE], Tolerance())


def test_a_prediction_is_the_best_detection_at_or_above_the_threshold() -> None:
    assert [said_of([ONE], 900_000), said_of([ONE], 900_001), said_of([], 0)] == [1, None, None]


def test_losses_are_compared_by_their_sum_and_by_how_many_epochs_went_before() -> None:
    names = ("a", "b")
    assert loss_of({"a": "1.5", "b": "0.5", "c": "9"}, names) == Decimal(2)
    for strange in ({"a": "1"}, {"a": "1", "b": "nan"}, {"a": "1", "b": "x"}, {"a": "1", "b": "Infinity"}):
        assert loss_of(strange, names) is None
    assert loss_of({}, ()) is None
    assert relative(Decimal("1.0"), Decimal("0.9")) == 100_000
    assert relative(Decimal(0), Decimal(0)) == 0
    assert [loss_limit(ALLOWED, epoch) for epoch in (1, 2, 3, 4, 100)] == [20_000, 100_000, 100_000, 200_000, 200_000]
    assert loss_limit(Tolerance(), 1) == 0
