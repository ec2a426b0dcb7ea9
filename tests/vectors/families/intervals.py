"""Random numbers, worth, and each kind of interval by itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from registry.evaluation.decimals import six_ratio
from registry.evaluation.fairness.group_tests import achieved_significance
from registry.evaluation.intervals import intervals
from registry.evaluation.intervals.gap_interval import gap_interval
from registry.evaluation.intervals.worst_interval import ratio_interval, worst_interval
from tests.vectors.families.vector import Family, Vector, good


def _rates(rows: Any) -> list[list[tuple[Fraction, Fraction]]]:
    """Each rate is written [numerator, denominator, worth's numerator, worth's denominator]."""
    return [[(Fraction(a, b), Fraction(c, d)) for a, b, c, d in row] for row in rows]


def answer(given: Any) -> Any:
    """Of whatever one thing is asked."""
    (what,) = set(given) - {"seed", "rounds"}
    one = given[what]
    if what == "philox":
        raw = np.random.Philox(key=np.array(one["key"], np.uint64)).random_raw(one["count"])
        return [f"{int(number):016x}" for number in raw]
    if what == "draws":
        return next(intervals.draws(one, given["rounds"], given["seed"], 1000)).tolist()
    if what == "worth":
        found = intervals.effective_size(
            np.array(one["persons"], np.int64), np.array(one["right"], bool), one["repeats"]
        )
        return [found.numerator, found.denominator]
    if what == "wilson":
        a, b, c, d = one
        return list(intervals.share_interval(Fraction(a, b), Fraction(c, d)))
    if what == "bootstrapped":
        a, b, rounds, persons = one
        around = intervals.bounds(np.array(rounds), persons, Fraction(a, b))
        return None if around is None else list(around)
    if what == "gap":
        return list(gap_interval(_rates(one), given["rounds"], given["seed"]))
    if what == "worst":
        return list(worst_interval(_rates([one])[0]))
    if what == "ratio":
        return list(ratio_interval(_rates(one)))
    if what == "quantile":
        return str(intervals.quantile(Fraction(*one)))
    if what == "significance":
        p = achieved_significance(np.array(one))
        low, high = intervals.percentiles(np.array(one))
        return [six_ratio(part.numerator, part.denominator) for part in (p or Fraction(1), low, high)]
    assert what == "six"
    return six_ratio(*one)


def asked() -> Sequence[Vector]:
    unit = 1 << 30
    mixed = [unit * number // 10 for number in range(1, 10)]
    cases = {
        "random numbers of seed 2023": {"philox": {"key": [2023, 0], "count": 10}},
        "those of gaps": {"philox": {"key": [2023, 1], "count": 5}},
        "of the largest seed": {"philox": {"key": [(1 << 64) - 1, 0], "count": 4}},
        "how often five persons are drawn": {"draws": 5, "rounds": 4, "seed": 2023},
        "three persons": {"draws": 3, "rounds": 6, "seed": 7},
        "worth of clusters": {"worth": {"persons": [0, 0, 1, 1, 2, 3], "right": [1, 1, 0, 1, 0, 1], "repeats": 1}},
        "worth where all are right": {"worth": {"persons": [0, 0, 1, 2], "right": [1, 1, 1, 1], "repeats": 1}},
        "worth of two repeats": {"worth": {"persons": [0, 0, 1, 1, 2, 2], "right": [1, 0, 1, 1, 0, 0], "repeats": 2}},
        "worth without variance between persons": {
            "worth": {"persons": [0, 0, 1, 1], "right": [1, 0, 1, 0], "repeats": 1}
        },
        "worth of nothing": {"worth": {"persons": [], "right": [], "repeats": 1}},
        "Wilson, 3 of 4": {"wilson": [3, 4, 24, 7]},
        "Wilson, none": {"wilson": [0, 10, 10, 1]},
        "Wilson, all": {"wilson": [10, 10, 10, 1]},
        "Wilson, less than one image": {"wilson": [1, 2, 1, 3]},
        "bootstrapped": {"bootstrapped": [1, 2, mixed, 5]},
        "bootstrapped, rounds without a value": {"bootstrapped": [1, 2, [*mixed, -1, -1], 5]},
        "bootstrapped, most rounds without a value": {"bootstrapped": [1, 2, [unit // 2, -1, -1], 5]},
        "bootstrapped, all rounds alike": {"bootstrapped": [1, 2, [unit // 2] * 4, 5]},
        "bootstrapped, a figure of 1": {"bootstrapped": [1, 1, [unit, unit // 2], 5]},
        "bootstrapped, nobody": {"bootstrapped": [1, 2, mixed, 0]},
        "gap of two": {"gap": [[[7, 8, 8, 1], [3, 6, 6, 1]]], "rounds": 40, "seed": 2023},
        "gap of four, 1,000 rounds": {
            "gap": [[[9, 10, 30, 1], [4, 5, 20, 1], [1, 1, 25, 1], [7, 10, 41, 3]]],
            "rounds": 1000,
            "seed": 1,
        },
        "gap of two rows": {
            "gap": [[[1, 2, 12, 1], [3, 4, 9, 1]], [[1, 3, 12, 1], [1, 1, 9, 1]]],
            "rounds": 200,
            "seed": 9,
        },
        "gap of 0": {"gap": [[[1, 2, 12, 1], [1, 2, 9, 1]]], "rounds": 100, "seed": 3},
        "gap of 1": {"gap": [[[0, 1, 30, 1], [1, 1, 30, 1]]], "rounds": 100, "seed": 3},
        "worst of two": {"worst": [[7, 8, 8, 1], [3, 6, 6, 1]]},
        "worst of four": {"worst": [[27, 30, 30, 1]] * 4},
        "worst, all right": {"worst": [[1, 1, 30, 1], [1, 1, 12, 1]]},
        "worst, none right": {"worst": [[0, 1, 30, 1], [1, 1, 12, 1]]},
        "ratio of two": {"ratio": [[[7, 8, 8, 1], [3, 6, 6, 1]]]},
        "ratio with a row of nothing but 0": {
            "ratio": [[[1, 2, 40, 1], [3, 4, 90, 1]], [[0, 1, 40, 1], [0, 1, 90, 1]]]
        },
        "ratio of two rows": {"ratio": [[[1, 2, 40, 1], [3, 4, 90, 1]], [[1, 10, 40, 1], [1, 5, 90, 1]]]},
        "z of 1.25 %": {"quantile": [1, 80]},
        "z of 2.5 % over 7": {"quantile": [1, 280]},
        "significance and percentiles": {"significance": [one - unit // 3 for one in mixed]},
        "half to even, up": {"six": [1_500_001, 1_000_000_000_000 // 1000 * 2]},
        "half to even": {"six": [5, 10_000_000]},
        "half to even, odd": {"six": [15, 10_000_000]},
        "a third": {"six": [1, 3]},
        "no minus before 0": {"six": [-1, 10_000_000]},
        "a minus": {"six": [-2, 3]},
    }
    return [good(answer, name, given) for name, given in cases.items()]


FAMILIES = (
    Family(
        "intervals",
        "One thing of docs/format/resampling.md. philox: the first raw numbers, in hex; draws: how often each "
        "person is drawn, "
        "by round; worth: of judgements by person, as a fraction; wilson: [share, worth] as two fractions; "
        "bootstrapped: the "
        "figure as a fraction, its rounds in 2^-30 (-1 for none), persons; gap, ratio: rows of rates, each "
        "[value, worth] as two fractions; worst: one such row; quantile: of a tail; significance: p, low, high "
        "of differences in "
        "2^-30; six: a fraction as a decimal.",
        answer,
        asked,
    ),
)
