"""Samples follow from seed and keys alone, and find what their size promises."""

from __future__ import annotations

from fractions import Fraction

import pytest

from registry.core.sampling import draw_sample, finds, found_with, sample_seed

KEYS = [number.to_bytes(32, "big") for number in range(500)]


def test_two_auditors_with_one_seed_draw_the_same_in_whatever_order() -> None:
    seed = sample_seed(b"entry", b"block")
    assert draw_sample(seed, KEYS, 30) == draw_sample(seed, reversed(KEYS), 30)
    assert draw_sample(sample_seed(b"entry", b"other"), KEYS, 30) != draw_sample(seed, KEYS, 30)
    assert sample_seed(b"entryb", b"lock") != seed  # where one ends and the other begins is part of it


def test_a_larger_sample_has_all_of_a_smaller_one() -> None:
    seed = sample_seed(b"entry", b"block")
    assert draw_sample(seed, KEYS, 30) < draw_sample(seed, KEYS, 31) < draw_sample(seed, KEYS, 10_000) == set(KEYS)


def test_every_key_is_drawn_about_as_often() -> None:
    drawn = [key for number in range(400) for key in draw_sample(sample_seed(b"e", b"%d" % number), KEYS[:20], 5)]
    counts = [drawn.count(key) for key in KEYS[:20]]
    assert 60 < min(counts) <= max(counts) < 140  # 100 expected, standard deviation below 9


def test_300_find_one_per_cent_with_95_per_cent() -> None:
    assert finds(300, 1_000_000) > Fraction(95, 100) > finds(290, 1_000_000)
    assert finds(300, 10_000) > Fraction(95, 100)


@pytest.mark.parametrize(("size", "of"), [(300, 10_000), (10, 159), (159, 159), (1, 2)])
def test_what_a_sample_finds_is_the_least_number_that_it_finds(size: int, of: int) -> None:
    found = found_with(size, of)
    assert found == of or finds(size, of, Fraction(found, of)) >= Fraction(95, 100)
    assert found == 1 or finds(size, of, Fraction(found - 1, of)) < Fraction(95, 100)
    assert found_with(of, of) == 1
