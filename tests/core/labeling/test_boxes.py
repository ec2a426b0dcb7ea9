"""What an image's boxes are, whoever stated them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.labeling.boxes import PIXEL, boxes_within

WIDTH, HEIGHT = 40, 30  # pixels


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ((500, 500, 1000, 1000), (500, 500, 1000, 1000)),
        ((0, 0, 4000, 3000), (0, 0, 4000, 3000)),
        ((-500, 300, 2000, 2000), (0, 300, 1500, 2000)),
        ((1000, 1000, 500000, 500000), (1000, 1000, 3000, 2000)),
        ((3900, 2900, 500, 500), (3900, 2900, 100, 100)),
        ((3950, 2900, 500, 500), None),  # half a pixel is left
        ((90000, 90000, 5000, 5000), None),
        ((-5000, 0, 5000, 3000), None),
        ((50, 50, 25, 25), None),  # shares of the image, taken as pixels
        ((1000, 1000, 99, 1000), None),
        ((1000, 1000, 0, 1000), None),
        ((1000, 1000, -500, 1000), None),
    ],
)
def test_a_box_counts_where_it_lies_in_the_image(
    box: tuple[int, int, int, int], counts: tuple[int, int, int, int] | None
) -> None:
    assert boxes_within([box], WIDTH, HEIGHT) == (() if counts is None else (counts,))


def test_of_equal_boxes_one_counts() -> None:
    assert boxes_within([(0, 0, 9000, 9000), (100, 100, 500, 500), (0, 0, 4000, 3000)], WIDTH, HEIGHT) == (
        (0, 0, 4000, 3000),
        (100, 100, 500, 500),
    )


any_number = st.integers(-(1 << 70), 1 << 70) | st.integers(-5000, 5000)


@given(st.lists(st.tuples(any_number, any_number, any_number, any_number), max_size=5))
def test_what_counts_lies_in_the_image_and_stays_as_it_is(boxes: list[tuple[int, int, int, int]]) -> None:
    found = boxes_within(boxes, WIDTH, HEIGHT)
    assert boxes_within(found, WIDTH, HEIGHT) == found
    for x, y, wide, high in found:
        assert min(x, y) >= 0
        assert min(wide, high) >= PIXEL
        assert x + wide <= WIDTH * PIXEL
        assert y + high <= HEIGHT * PIXEL
