"""Which box of an image carries its label: supplied, a detector's, or the full frame, recorded image by image.

Invariant: a picture that shows nothing of any class has no box, whatever anyone found in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.core.method import Box


def choose_boxes(
    supplied: Sequence[Box] | None, detected: Sequence[Sequence[int]] | None, width: int, height: int
) -> tuple[tuple[Box, ...], str]:
    """The boxes, clipped to the image, and where they come from. A box outside the image counts for nothing.

    Of several detected faces the largest is the one that the label speaks of (then the surest). ``supplied`` is None
    where there is nothing to find.
    """
    if supplied is None:
        return (), "nothing"
    clipped = tuple(box for box in (_clip(box, width * 100, height * 100) for box in supplied) if box[2] and box[3])
    if clipped:
        return clipped, "supplied"
    if detected:
        x, y, wide, high = max(detected, key=lambda box: box[2] * box[3])
        return ((x, y, wide, high),), "detector"
    return ((0, 0, width * 100, height * 100),), "full_frame"


def _clip(box: Box, width: int, height: int) -> Box:
    x0, y0 = min(max(0, box[0]), width), min(max(0, box[1]), height)
    x1, y1 = min(width, box[0] + box[2]), min(height, box[1] + box[3])
    return x0, y0, max(0, x1 - x0), max(0, y1 - y0)
