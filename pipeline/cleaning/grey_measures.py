"""What cleaning measures on an image's grey pixels, in integer arithmetic.

Invariants: the measures depend on the decoded pixels alone; two machines agree on every digit; memory
does not grow with the image, which is read in bands of rows. Shapes: grey is (height, width) of uint8,
at least 3 by 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Response = NDArray[np.int16]  # every response below lies within 16 * 255
BAND = 1 << 18  # pixels looked at in one go


@dataclass(frozen=True)
class Exposure:
    """Grey levels: the mean, and the distance from the 5th to the 95th percentile."""

    mean: int
    spread: int


def _bands(grey: Grey) -> Iterator[tuple[Response, Response, Response]]:
    """Of each inner pixel: itself, the sum of its four edge neighbours, the sum of its four corner neighbours."""
    height, width = grey.shape
    step = max(1, BAND // width)
    for top in range(0, height - 2, step):
        rows = grey[top : top + step + 2].astype(np.int16)
        above, middle, below = rows[:-2], rows[1:-1], rows[2:]
        outer = above + below
        yield (
            middle[:, 1:-1],
            outer[:, 1:-1] + middle[:, :-2] + middle[:, 2:],
            outer[:, :-2] + outer[:, 2:],
        )


def exposure(grey: Grey) -> Exposure:
    """How bright an image is, and how far its levels spread."""
    counts = np.zeros(256, np.int64)
    flat = grey.reshape(-1)
    for start in range(0, flat.size, BAND):
        counts += np.bincount(flat[start : start + BAND], minlength=256)
    mean = int((counts * np.arange(256)).sum()) // grey.size
    return Exposure(mean, _percentile(counts, 950) - _percentile(counts, 50))


def _percentile(counts: NDArray[np.int64], permille: int) -> int:
    """The smallest level at or below which at least that share of pixels lies."""
    return int(np.searchsorted(np.cumsum(counts) * 1000, permille * int(counts.sum())))


def sharpness(grey: Grey) -> int:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000): low where an image is blurred."""
    count = total = squares = 0
    for centre, edges, _ in _bands(grey):
        response = edges - 4 * centre
        count += response.size
        total += int(response.sum(dtype=np.int64))
        squares += int(np.square(response, dtype=np.int32).sum(dtype=np.int64))
    return (count * squares - total * total) // (count * count)


def noise(grey: Grey) -> int:
    """Immerkaer's sigma (1996, Fast Noise Variance Estimation) in hundredths of a grey level.

    sqrt(pi/2) / 6 times the mean absolute response of a kernel that lines and gradients leave at nought.
    """
    count = total = 0
    for centre, edges, corners in _bands(grey):
        response = corners - 2 * edges + 4 * centre
        count += response.size
        total += int(np.abs(response).sum(dtype=np.int64))
    return total * 125_331 // (count * 6 * 1000)
