"""docs/paper-claim.md says what its script computes, and the exact chance gap is that of a simulation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from bench import paper_claim
from registry.evaluation.intervals.intervals import share_interval

PAGE = Path(__file__).resolve().parents[2] / "docs" / "paper-claim.md"


def test_the_page_is_what_the_script_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == "\n".join(paper_claim.page()) + "\n"


def test_the_gap_by_chance_is_that_of_drawn_numbers() -> None:
    drawn = np.random.default_rng(1).binomial(40, 0.9, (200_000, 4))
    gaps = (drawn.max(axis=1) - drawn.min(axis=1)) / 40
    mean, rare = paper_claim.gap_by_chance(40)
    assert abs(float(mean) - gaps.mean()) < 0.001
    assert (gaps > float(rare)).mean() <= 0.052
    assert (gaps > float(rare) - 0.025).mean() > 0.05


def test_needed_is_the_first_number_that_suffices() -> None:
    for seen in (Fraction(92, 100), Fraction(95, 100)):
        count = paper_claim.needed(seen)
        assert share_interval(seen, Fraction(count))[0] >= "0.900000"
        assert share_interval(seen, Fraction(count - 1))[0] < "0.900000"
