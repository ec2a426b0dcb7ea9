"""Near-duplicates: two perceptual hashes of each image, and the pairs whose hashes are close.

Invariants: integer arithmetic only, so that every machine finds the same pairs; a pair needs both
hashes close. Sources: dHash (Krawetz 2013, gradients); pHash (Zauner 2010, low frequencies of the DCT),
with cosines as integers in 2**-14.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import cos, pi
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 32  # pHash's working size
_LOW = 8  # frequencies kept each way
_MOST_PARTS = 16  # of four bits each


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
    """Index pairs i < j with at most that many different bits in either hash, each once, in no order.

    Multi-index hashing (Norouzi, Punjani and Fleet 2012): of limit + 1 parts of the bits two such hashes share one, so
    that only those with an equal part are compared. Memory grows with the images alone, beside the pairs.
    """
    d, p = np.array(dhashes, np.uint64), np.array(phashes, np.uint64)
    masks = _parts(dhash_limit)
    for number, mask in enumerate(masks):
        for i, j in _sharing(d & mask):
            differing = d[i] ^ d[j]
            near = (np.bitwise_count(differing) <= dhash_limit) & (np.bitwise_count(p[i] ^ p[j]) <= phash_limit)
            for earlier in masks[:number]:  # found there already
                near &= (differing & earlier) != 0
            yield from zip(i[near].tolist(), j[near].tolist(), strict=True)


def _parts(limit: int) -> list[np.uint64]:
    """Masks of limit + 1 parts, their bits spread over the picture: neighbours are often equal. One part that all
    share where parts would be too small to tell images apart."""
    if limit >= _MOST_PARTS:
        return [np.uint64(0)]
    return [np.uint64(sum(1 << bit for bit in range(first, 64, limit + 1))) for first in range(limit + 1)]


def _sharing(keys: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """All index pairs i < j of equal keys, as many arrays as the largest set of equal ones has members."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    left = np.searchsorted(ordered, ordered, side="right") - np.arange(len(keys))  # to the end of its equals
    at = np.arange(len(keys))
    for step in range(1, len(keys)):
        at = at[left[at] > step]
        if not at.size:
            return
        yield order[at], order[at + step]
