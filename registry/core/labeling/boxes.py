"""Clipping of an image's boxes: the one rule for import, training, exports and audits.

A box is [x, y, w, h], integers in hundredths of a pixel of the upright original; what lies outside the image, or is
less than a pixel wide or high inside it, frames nothing that could be learned or judged.

Invariants: pure; every box that is returned lies inside the image, is at least a pixel wide and high, and is listed
once; clipping the result again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from registry.core.ports.method import Box

PIXEL = 100  # in a box's units


def clipped(box: Sequence[int], width: int, height: int) -> Box | None:
    """The part of a box that lies in an image of ``width`` by ``height`` pixels; None for less than a pixel."""
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(width * PIXEL, box[0] + box[2]), min(height * PIXEL, box[1] + box[3])
    if right - left < PIXEL or bottom - top < PIXEL:
        return None
    return left, top, right - left, bottom - top


def boxes_within(boxes: Iterable[Sequence[int]], width: int, height: int) -> tuple[Box, ...]:
    """An image's boxes as they count, in the order given; of equal ones the first."""
    found = (clipped(box, width, height) for box in boxes)
    return tuple(dict.fromkeys(box for box in found if box is not None))


def full_frame(width: int, height: int) -> Box:
    """The whole image: the box of a label without boxes."""
    return 0, 0, width * PIXEL, height * PIXEL
