"""Cleaning: which images are kept, why the others are dropped, and who belongs together.

Invariants: measured before resizing, in integers, against the recipe's thresholds; every dropped image
has one reason and its measured value; the result does not depend on the order of images; of equal or
nearly equal images the one with more pixels is kept, then the smaller sha256. Groups join what shares a
person or is nearly equal, dropped or not: a group is named by its smallest sha256.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.decode import Undecodable, decode
from pipeline.duplicates import dhash, near_pairs, phash
from pipeline.measure import exposure, noise, sharpness
from pipeline.resize import pixels_digest, resize
from registry.core.method import Item

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

Read = Callable[[bytes], bytes]
Progress = Callable[[str, int, int], None]
BLUR_SIDE = 64  # blur is judged at this size, so that an image scaled up is not called blurred


def _small(grey: Image) -> Image:
    from PIL import Image as Pillow

    width, height = grey.size
    longest = max(width, height)
    if longest <= BLUR_SIDE:
        return grey
    sides = (max(3, width * BLUR_SIDE // longest), max(3, height * BLUR_SIDE // longest))
    return grey.resize(sides, Pillow.Resampling.BOX)


def look(item: Item, data: bytes, rules: Mapping[str, Any]) -> dict[str, Any]:
    """One image's row: what is measured, the digests, and the reason if it is bad by itself."""
    row: dict[str, Any] = {"sha256": item.sha256, "subject": item.subject, "width": 0, "height": 0, "reason": None}
    try:
        image = decode(data, int(rules["max_pixels"]))
    except Undecodable as error:
        return {**row, "reason": error.reason, "measured": error.measured}
    row["width"], row["height"] = image.size
    if min(image.size) < max(3, int(rules["min_side"])):
        return {**row, "reason": "too_small", "measured": f"{image.size[0]}x{image.size[1]}"}
    grey = image.convert("L")
    reason, measured = _judge(grey, rules)
    return {
        **row,
        "reason": reason,
        "measured": measured,
        "pixels": pixels_digest(resize(image, int(rules["size"]))),
        "decoded": pixels_digest(np.asarray(image)),
        "dhash": dhash(grey),
        "phash": phash(grey),
    }


def _judge(grey: Image, rules: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first reason that speaks against an image, with what was measured; the cheapest is asked first."""
    pixels = np.asarray(grey)
    light = exposure(pixels)
    if not int(rules["min_mean"]) <= light.mean <= int(rules["max_mean"]):
        return "exposure", f"mean {light.mean}"
    if light.spread < int(rules["min_spread"]):
        return "exposure", f"spread {light.spread}"
    sharp = sharpness(np.asarray(_small(grey)))
    if sharp < int(rules["min_sharpness"]):
        return "blur", f"laplacian variance {sharp}"
    sigma = noise(pixels)
    if sigma > int(rules["max_noise"]):
        return "noise", f"sigma {sigma // 100}.{sigma % 100:02d}"
    return None, None


def clean(items: Sequence[Item], read: Read, rules: Mapping[str, Any], progress: Progress) -> pd.DataFrame:
    """A table sorted by sha256: width, height, pixels, reason, measured, group. One image in memory at a time."""
    import pandas as pd

    rows = []
    for done, item in enumerate(sorted(items, key=lambda one: one.sha256), 1):
        rows.append(look(item, read(item.sha256), rules))
        progress("clean", done, len(items))
    # Objects from the start: beside a missing value pandas makes floats of 64-bit hashes and loses their last bits.
    cells = [[row.get(name) for name in _COLUMNS] for row in rows]
    table = pd.DataFrame(cells, columns=list(_COLUMNS), dtype=object)
    pairs = _near(table, rules)
    _drop_copies(table, pairs)
    table["group"] = _groups(table, pairs)
    return table


_COLUMNS = ("sha256", "subject", "width", "height", "reason", "measured", "pixels", "decoded", "dhash", "phash")


def _near(table: pd.DataFrame, rules: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Pairs of rows that are nearly equal, among those that were decoded and are not bad by themselves."""
    seen = table[table["reason"].isna()]
    labels = list(seen.index)
    found = near_pairs(
        [int(value) for value in seen["dhash"]],
        [int(value) for value in seen["phash"]],
        int(rules["near_dhash"]),
        int(rules["near_phash"]),
    )
    return [(labels[i], labels[j]) for i, j in found]


def _drop_copies(table: pd.DataFrame, pairs: Sequence[tuple[int, int]]) -> None:
    """Of each pair the one with fewer pixels goes, then the larger sha256; one that went drops no other."""

    def cell(i: int, name: str) -> Any:
        return table.at[i, name]

    def worse(i: int, j: int) -> tuple[int, int]:
        area = [cell(k, "width") * cell(k, "height") for k in (i, j)]
        return (i, j) if area[0] < area[1] else (j, i)  # rows are sorted by sha256 and i < j

    for i, j in sorted(pairs):
        if cell(i, "reason") is not None or cell(j, "reason") is not None:
            continue
        gone, kept = worse(i, j)
        same = cell(i, "decoded") == cell(j, "decoded")
        table.at[gone, "reason"] = "duplicate" if same else "near_duplicate"
        table.at[gone, "measured"] = f"of {cell(kept, 'sha256').hex()}"


def _groups(table: pd.DataFrame, pairs: Sequence[tuple[int, int]]) -> list[bytes]:
    """Union-find over persons and near-duplicates; rows are sorted, so a root is its group's smallest sha256."""
    parent = list(range(len(table)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    persons: dict[str, int] = {}
    links = list(pairs)
    for i, subject in enumerate(table["subject"]):
        if subject is not None:
            links.append((persons.setdefault(subject, i), i))
    for i, j in links:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    names = list(table["sha256"])
    return [names[root(i)] for i in range(len(table))]
