"""Boxes from outside: x, y, width and height in pixels of the upright picture, held in hundredths.

Invariants: a box has at least a pixel each way (what is smaller is a fraction of the picture, or nothing that a
training could see); ``fit`` leaves only what lies in the picture, and says what it cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from registry.core.errors import InvalidInput
from registry.core.labeling.boxes import PIXEL, clipped
from registry.core.ports.method import Box

MAX_BOXES = 100
MAX_PIXELS = 1_000_000
_HOW = "write x y w h in pixels of the upright picture, several boxes apart by ;."
_FRACTION = "boxes are in pixels: multiply fractions by the picture's width and height."


def _bad(shown: str, why: str, hint: str = _HOW) -> InvalidInput:
    return InvalidInput(f"{shown[:100]!r} is not a box: {why}", code="bad_box", hint=hint)


def make_box(numbers: Sequence[Decimal], shown: str) -> Box:
    """A box from x, y, w, h in pixels; x and y may lie left of or above the picture."""
    if len(numbers) != 4:
        raise _bad(shown, "it does not have four numbers")
    if not all(number.is_finite() and abs(number) <= MAX_PIXELS for number in numbers):
        raise _bad(shown, f"its numbers must be finite, at most {MAX_PIXELS}")
    x, y, width, height = (int(number * PIXEL) for number in numbers)
    if width < 0 or height < 0:
        raise _bad(shown, "its width or height is negative")
    if width < PIXEL or height < PIXEL:
        fraction = width > 0 and height > 0 and all(0 <= number <= 1 for number in numbers)
        why = "it is smaller than a pixel" + (" (a fraction of the picture?)" if fraction else "")
        raise _bad(shown, why, _FRACTION)
    return x, y, width, height


def parse_box(given: str) -> Box:
    """``x y w h`` in pixels to hundredths, also as programs write a list (``[x, y, w, h]``). ``InvalidInput``
    (``bad_box``) for anything else."""
    inner = given.strip()
    listed = inner.startswith("[") and inner.endswith("]")
    words = inner[1:-1].split(",") if listed and "," in inner else (inner[1:-1] if listed else inner).split()
    try:
        return make_box([Decimal(word.strip()) for word in words], given)
    except InvalidOperation as error:
        raise _bad(given, "its parts are not numbers") from error


def parse_boxes(given: str) -> tuple[Box, ...]:
    """Several boxes by ``;``."""
    return bounded(parse_box(part) for part in given.split(";") if part.strip())


def from_corners(x0: str, y0: str, x1: str, y1: str) -> Box:
    """A box from its left, top, right and bottom edges."""
    shown = f"{x0} {y0} {x1} {y1}"
    try:
        left, top, right, bottom = (Decimal(word.strip()) for word in (x0, y0, x1, y1))
        return make_box([left, top, right - left, bottom - top], shown)
    except InvalidOperation as error:
        raise _bad(shown, "its edges are not numbers", "write edges in pixels, 10.5 and not 10,5.") from error


def bounded(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Different boxes in their order. ``InvalidInput`` above ``MAX_BOXES``."""
    found = tuple(dict.fromkeys(boxes))
    if len(found) > MAX_BOXES:
        raise InvalidInput(
            f"the picture has {len(found)} boxes, and at most {MAX_BOXES} are kept",
            code="bad_box",
            hint="keep the largest.",
        )
    return found


def in_pixels(box: Box) -> str:
    """A box as a row states it."""
    return " ".join(f"{Decimal(number) / PIXEL:f}" for number in box)


def fit(boxes: Sequence[Box], width: int, height: int) -> tuple[tuple[Box, ...], list[Box]]:
    """The boxes as they lie in a picture of that many pixels, and those that were cut to it.

    ``InvalidInput`` (``bad_box``) names a box of which less than a pixel lies in it.
    """
    fitted, cut = [], []
    for box in boxes:
        inside = clipped(box, width, height)
        if inside is None:
            raise InvalidInput(
                f"the box {in_pixels(box)} lies outside the picture of {width} x {height} pixels",
                code="bad_box",
                hint="boxes are x y w h in pixels of the upright picture: was the picture made smaller since?",
            )
        fitted.append(inside)
        if inside != box:
            cut.append(box)
    return bounded(fitted), cut
