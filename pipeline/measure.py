"""What cleaning measures on an image's grey pixels, in integer arithmetic.

Invariants: the measures depend on the decoded pixels alone; two machines agree on every digit. Shapes:
grey is (height, width) of uint8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Wide = NDArray[np.int64]


@dataclass(frozen=True)
class Measures:
    """All integers. ``mean`` and ``spread`` (5th to 95th percentile) in grey levels; ``blur`` is the variance of
    the Laplacian; ``noise`` is Immerkaer's sigma in hundredths of a grey level."""

    mean: int
    spread: int
    blur: int
    noise: int


def _neighbours(grey: Grey) -> tuple[Wide, Wide, Wide]:
    """Of each inner pixel: itself, the sum of its four edge neighbours, the sum of its four corner neighbours."""
    wide = grey.astype(np.int64)
    centre = wide[1:-1, 1:-1]
    edges = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
    corners = wide[:-2, :-2] + wide[:-2, 2:] + wide[2:, :-2] + wide[2:, 2:]
    return centre, edges, corners


def _variance(values: Wide) -> int:
    count, total, squares = values.size, int(values.sum()), int((values * values).sum())
    return (count * squares - total * total) // (count * count)


def _sigma(values: Wide) -> int:
    """Immerkaer's estimate: sqrt(pi/2) / 6 times the mean absolute response, in hundredths."""
    return int(np.abs(values).sum()) * 125_331 // (values.size * 6 * 1000)


def _percentile(counts: Wide, permille: int) -> int:
    """The smallest level at or below which at least that share of pixels lies."""
    return int(np.searchsorted(np.cumsum(counts) * 1000, permille * int(counts.sum())))


def measure(grey: Grey) -> Measures:
    """Measure one image of at least 3 by 3 pixels.

    Sources: Pech-Pacheco et al. 2000 (variance of the Laplacian); Immerkaer 1996, Fast Noise Variance Estimation.
    """
    centre, edges, corners = _neighbours(grey)
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.int64)
    return Measures(
        mean=int(grey.sum(dtype=np.int64)) // grey.size,
        spread=_percentile(counts, 950) - _percentile(counts, 50),
        blur=_variance(edges - 4 * centre),
        noise=_sigma(corners - 2 * edges + 4 * centre),
    )
