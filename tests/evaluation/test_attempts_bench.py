"""The simulation of attempts: what the correction is for shows in a small run."""

from __future__ import annotations

import pytest

from bench import attempts

IMAGES, WORLDS = 100, 150


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_ten_attempts_are_wrong_more_often_than_one_and_the_correction_takes_that_back(alike: float) -> None:
    right = attempts.drawn(WORLDS, 10, IMAGES, attempts.NUMBER - attempts.HAIR, alike)
    alone = attempts.wrong(right[:, :1], IMAGES, "holm", in_turn=False)
    many = attempts.wrong(right, IMAGES, "none", in_turn=False)
    together, in_turn = (attempts.wrong(right, IMAGES, "holm", in_turn=one) for one in (False, True))
    assert many > 0.06
    assert max(alone, together) <= 0.05
    assert together <= in_turn < many


def test_two_runs_of_one_plan_agree_where_they_are_the_same_and_differ_more_the_less_they_are_alike() -> None:
    above = attempts.NUMBER + attempts.ABOVE[-1]
    same, alike, other = (
        attempts.differing(attempts.drawn(WORLDS, 2, IMAGES, above, one), IMAGES) for one in (1.0, 0.9, 0.0)
    )
    assert same == 0
    assert alike < other
