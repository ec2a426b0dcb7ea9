"""Letterbox: an image scaled to fit a square, centred on grey; and boxes there and back.

Invariants: integer geometry; the resized pixels' digest names shape, type and bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from registry.core.ports.method import Box
from registry.imaging.decode import FILL

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Letterbox:
    """Where an image of ``width`` by ``height`` lies in a square of ``size`` pixels."""

    width: int
    height: int
    size: int

    @property
    def scaled(self) -> tuple[int, int]:
        """Width and height after scaling, at least 1, rounded half up."""
        longest = max(self.width, self.height)
        return tuple(max(1, (2 * side * self.size + longest) // (2 * longest)) for side in (self.width, self.height))  # type: ignore[return-value]

    @property
    def offset(self) -> tuple[int, int]:
        """Left and top padding."""
        width, height = self.scaled
        return (self.size - width) // 2, (self.size - height) // 2

    def inward(self, box: Box) -> tuple[float, float, float, float]:
        """A box in hundredths of an original pixel as centre x, y, width, height in 0..1 of the square, clipped."""
        (width, height), (left, top) = self.scaled, self.offset
        x0, y0 = max(0, box[0]), max(0, box[1])
        x1, y1 = min(self.width * 100, box[0] + box[2]), min(self.height * 100, box[1] + box[3])
        fx, fy = width / (self.width * 100), height / (self.height * 100)
        left_side, right = x0 * fx + left, max(x0, x1) * fx + left
        upper, lower = y0 * fy + top, max(y0, y1) * fy + top
        return (
            (left_side + right) / 2 / self.size,
            (upper + lower) / 2 / self.size,
            (right - left_side) / self.size,
            (lower - upper) / self.size,
        )

    def outward(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Corners in the square's pixels as a box in hundredths of an original pixel, clipped to the image."""
        (width, height), (left, top) = self.scaled, self.offset

        def place(value: float, pad: int, scaled: int, side: int) -> int:
            return min(side * 100, max(0, round((value - pad) * side * 100 / scaled)))

        ax, bx = place(x0, left, width, self.width), place(x1, left, width, self.width)
        ay, by = place(y0, top, height, self.height), place(y1, top, height, self.height)
        return ax, ay, bx - ax, by - ay


def resize(image: Image, size: int) -> Pixels:
    """(size, size, 3) RGB, perhaps read-only; Pillow's bilinear filter, whose arithmetic is in integers."""
    from PIL import Image as Pillow

    place = Letterbox(*image.size, size)
    (width, height), (left, top) = place.scaled, place.offset
    scaled = image if image.size == (width, height) else image.resize((width, height), Pillow.Resampling.BILINEAR)
    if width == height == size:
        return np.asarray(scaled)
    canvas = np.full((size, size, 3), FILL, np.uint8)
    canvas[top : top + height, left : left + width] = np.asarray(scaled)
    return canvas


def pixels_digest(pixels: Pixels) -> bytes:
    """sha2-256 over ``b"<height>x<width>x3:uint8:"`` and the raw RGB bytes."""
    height, width, _ = pixels.shape
    digest = hashlib.sha256(f"{height}x{width}x3:uint8:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
