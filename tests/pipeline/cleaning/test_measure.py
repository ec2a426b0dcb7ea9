"""Measures against plain definitions in floating point, hashes against what they promise."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pipeline.cleaning import grey_measures as measure
from pipeline.cleaning.duplicates import dhash, phash
from tests.pipeline.pictures import grain, scene

GREY = arrays.arrays(np.uint8, st.tuples(st.integers(3, 40), st.integers(3, 40)))


def respond(grey: np.ndarray, kernel: list[list[int]]) -> np.ndarray:
    """Plain correlation, no borders."""
    height, width = grey.shape
    wide = grey.astype(np.float64)
    places = [(i, j) for i in range(3) for j in range(3)]
    return np.asarray(np.sum([kernel[i][j] * wide[i : height - 2 + i, j : width - 2 + j] for i, j in places], axis=0))


def test_measures_are_those_by_hand() -> None:
    flat = np.full((9, 9), 100, np.uint8)
    assert (measure.exposure(flat), measure.sharpness(flat), measure.noise(flat)) == (measure.Exposure(100, 0), 0, 0)
    dot = flat.copy()
    dot[4, 4] = 110
    # the Laplacian is -40 once and 10 four times among 49: (49 * 2000 - 0) / 49**2
    assert measure.sharpness(dot) == (49 * 2000) // 49**2
    # Immerkaer's mask answers 40, 4 x 20 and 4 x 10: 160 / (6 * 49) * sqrt(pi / 2)
    assert measure.noise(dot) == 160 * 125_331 // (49 * 6 * 1000)


@settings(max_examples=60, deadline=None)
@given(GREY)
def test_measures_are_their_definitions(grey: np.ndarray) -> None:
    laplacian = respond(grey, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert measure.sharpness(grey) == pytest.approx(math.floor(laplacian.var() + 1e-9), abs=1)
    kernel = respond(grey, [[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    sigma = math.sqrt(math.pi / 2) / 6 * np.abs(kernel).mean()
    assert measure.noise(grey) == pytest.approx(100 * sigma, abs=1.5)
    seen = measure.exposure(grey)
    assert seen.mean == int(grey.astype(np.int64).sum()) // grey.size
    low, high = np.percentile(grey, [5, 95], method="inverted_cdf")
    assert seen.spread == int(high) - int(low)


@settings(max_examples=30, deadline=None)
@given(GREY, st.integers(1, 200))
def test_bands_change_nothing(grey: np.ndarray, band: int) -> None:
    whole = measure.sharpness(grey), measure.noise(grey), measure.exposure(grey)
    before, measure.BAND = measure.BAND, band
    try:
        assert (measure.sharpness(grey), measure.noise(grey), measure.exposure(grey)) == whole
    finally:
        measure.BAND = before


def test_memory_does_not_grow_with_the_image() -> None:
    grey = np.zeros((5000, 5000), np.uint8)
    tracemalloc.start()
    measure.sharpness(grey), measure.noise(grey), measure.exposure(grey)
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert top < 32 << 20


@pytest.mark.parametrize("sigma", [3, 10, 30])
def test_noise_is_found_as_it_was_added(sigma: int) -> None:
    flat = Image.new("L", (200, 200), 128)
    assert measure.noise(np.asarray(grain(flat, 1, sigma))) == pytest.approx(sigma * 100, rel=0.1)


def test_hashes_stay_when_a_picture_is_scaled_and_differ_between_pictures() -> None:
    images = [scene(seed).convert("L") for seed in range(12)]
    for one in images:
        near = one.resize((131, 97))
        assert (dhash(one) ^ dhash(near)).bit_count() <= 5
        assert (phash(one) ^ phash(near)).bit_count() <= 10
    for i, one in enumerate(images):
        for other in images[i + 1 :]:
            assert (dhash(one) ^ dhash(other)).bit_count() > 5 or (phash(one) ^ phash(other)).bit_count() > 10


def test_hashes_use_all_64_bits() -> None:
    seen = [0, 0]
    for seed in range(40):
        grey = scene(seed).convert("L")
        seen[0] |= dhash(grey)
        seen[1] |= phash(grey)
    assert seen == [(1 << 64) - 1] * 2


def test_the_hashes_of_a_stated_picture() -> None:
    """The values are part of what a recipe means: another machine or version must find the same."""
    ramp = Image.fromarray((np.arange(64 * 72).reshape(64, 72) * 7 % 251).astype(np.uint8))
    assert (f"{dhash(ramp):016x}", f"{phash(ramp):016x}") == ("e7eeeececcdc9d9d", "1a515555555547f6")
