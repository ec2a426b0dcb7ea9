"""Near-duplicates: two perceptual hashes of each image, and the pairs whose hashes are close.

Invariants: integer arithmetic only, so that every machine finds the same pairs; a pair needs both
hashes close. Sources: dHash (Krawetz 2013, gradients); pHash (Zauner 2010, low frequencies of the DCT),
with cosines as integers in 2**-14.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 32  # pHash's working size
_LOW = 8  # frequencies kept each way


@cache
def _cosines() -> NDArray[np.int64]:
    return np.array(
        [[round(cos(pi * u * (2 * x + 1) / (2 * _SIDE)) * (1 << 14)) for x in range(_SIDE)] for u in range(_LOW + 1)],
        np.int64,
    )


def _bits(flags: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(flags.ravel()).tobytes(), "big")


def dhash(grey: Image) -> int:
    """64 bits: whether each of 8 by 8 cells is darker than its right neighbour."""
    from PIL import Image as Pillow

    small = np.asarray(grey.resize((9, 8), Pillow.Resampling.BOX), np.int64)
    return _bits(small[:, 1:] > small[:, :-1])


def phash(grey: Image) -> int:
    """64 bits: which of the 8 by 8 lowest frequencies (without the constant ones) lie above their median."""
    from PIL import Image as Pillow

    small = np.asarray(grey.resize((_SIDE, _SIDE), Pillow.Resampling.BOX), np.int64)
    table = _cosines()
    low = (table @ small @ table.T)[1:, 1:]
    ordered = np.sort(low.ravel())
    return _bits(low * 2 > ordered[31] + ordered[32])


def near_pairs(
    dhashes: Sequence[int], phashes: Sequence[int], dhash_limit: int, phash_limit: int
) -> Iterator[tuple[int, int]]:
    """Index pairs i < j with at most that many different bits in either hash. Memory grows with one row."""
    d, p = np.array(dhashes, np.uint64), np.array(phashes, np.uint64)
    for i in range(len(d) - 1):
        close: NDArray[Any] = np.bitwise_count(d[i + 1 :] ^ d[i]) <= dhash_limit
        for offset in np.flatnonzero(close):
            j = i + 1 + int(offset)
            if int(np.bitwise_count(p[i] ^ p[j])) <= phash_limit:
                yield i, j
