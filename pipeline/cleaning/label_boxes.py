"""Which box of an image its label is about: supplied, detected, or the full frame; recorded image by image.

Invariant: an image that shows nothing of any class has no box, even if a detector found one.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.core.labeling.boxes import boxes_within, full_frame
from registry.core.ports.method import Box


def choose_boxes(
    supplied: Sequence[Box] | None, detected: Sequence[Sequence[int]] | None, width: int, height: int
) -> tuple[tuple[Box, ...], str]:
    """The boxes as they count (``registry.core.labeling.boxes``), and where they come from.

    Of several detected faces the label is taken to be of the largest, then of the one with the highest score.
    ``supplied`` is None for a picture that shows none of the classes.
    """
    if supplied is None:
        return (), "nothing"
    within = boxes_within(supplied, width, height)
    if within:
        return within, "supplied"
    if detected:
        x, y, wide, high = max(detected, key=lambda box: box[2] * box[3])
        return ((x, y, wide, high),), "detector"
    return (full_frame(width, height),), "full_frame"
