"""Cleaning: which images are kept, why the others are dropped, and which belong to one group.

Invariants: images are measured before resizing, in integers, against the recipe's thresholds. Every dropped image has
one reason and its measured value. The result does not depend on the order of images. Of equal or nearly equal images
the one with more pixels is kept, then the one with the smaller sha256. Groups join images of one person and
near-duplicates, dropped ones included; a group is named by its smallest sha256.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.cleaning.duplicates import dhash, near_pairs, phash
from pipeline.cleaning.faces import FaceDetector
from pipeline.cleaning.grey_measures import exposure, noise, sharpness
from pipeline.resize import pixels_digest, resize
from registry.core.ports.method import Item
from registry.core.progress import Progress
from registry.imaging.decode import Undecodable, decode

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

Read = Callable[[bytes], bytes]
Row = dict[str, Any]  # the columns below; bytes, integers, text, lists and None
BLUR_SIDE = 64  # blur is judged at this size, so that an image scaled up is not called blurred


def _small(grey: Image) -> Image:
    from PIL import Image as Pillow

    width, height = grey.size
    longest = max(width, height)
    if longest <= BLUR_SIDE:
        return grey
    sides = (max(3, width * BLUR_SIDE // longest), max(3, height * BLUR_SIDE // longest))
    return grey.resize(sides, Pillow.Resampling.BOX)


def measure_image(item: Item, data: bytes, rules: Mapping[str, Any], detector: FaceDetector | None) -> Row:
    """One image's row: what is measured, the digests, and the reason if it is bad by itself."""
    row: Row = {"sha256": item.sha256, "subject": item.subject, "width": 0, "height": 0, "reason": None}
    try:
        image = decode(data, int(rules["max_pixels"]))
    except Undecodable as error:
        return {**row, "reason": error.reason, "measured": error.measured}
    row["width"], row["height"] = image.size
    if min(image.size) < max(3, int(rules["min_side"])):
        return {**row, "reason": "too_small", "measured": f"{image.size[0]}x{image.size[1]}"}
    grey = image.convert("L")
    reason, measured = _judge(grey, rules)
    faces = None
    if detector is not None and reason is None and not item.boxes and item.label is not None:
        faces = detector.find(image)
        reason, measured = _judge_faces(len(faces), rules)
    return {
        **row,
        "reason": reason,
        "measured": measured,
        "pixels": pixels_digest(resize(image, int(rules["size"]))),
        "decoded": pixels_digest(np.asarray(image)),
        "dhash": dhash(grey),
        "phash": phash(grey),
        "faces": None if faces is None else [list(box) for box in faces],
    }


def _judge_faces(found: int, rules: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Whether the recipe takes an image with so many faces."""
    if not found and rules["drop_no_face"]:
        return "no_face", "0 faces"
    if found > 1 and rules["drop_several_faces"]:
        return "several_faces", f"{found} faces"
    return None, None


def _judge(grey: Image, rules: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first reason to drop an image, with its measured value; cheap measures are tested first."""
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


def measure(items: Sequence[Item], read: Read, rules: Mapping[str, Any], progress: Progress) -> Iterator[Row]:
    """One row an item, in their order: plain values alone, so that shards can be measured anywhere.

    Several threads (decoding, resizing and hashing let go of Python's lock), a few images in memory at a time.
    """
    threads = os.cpu_count() or 1
    own = threading.local()

    def one(item: Item) -> Row:
        if rules["detector"] != "none" and not hasattr(own, "detector"):
            own.detector = FaceDetector(str(rules["face_score"]))  # a network keeps state: one a thread
        return measure_image(item, read_one(item.sha256), rules, getattr(own, "detector", None))

    lock = threading.Lock()

    def read_one(sha256: bytes) -> bytes:
        with lock:  # a reader is given no more threads than it was written for
            return read(sha256)

    with ThreadPoolExecutor(threads, thread_name_prefix="clean") as pool:
        waiting: deque[Future[Row]] = deque()
        try:
            for done, item in enumerate(items, 1):
                waiting.append(pool.submit(one, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
                progress("clean", done, len(items))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def select(rows: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]) -> pd.DataFrame:
    """A table of all rows sorted by sha256, copies dropped and groups named: what needs all images at once."""
    import pandas as pd

    # Objects from the start: beside a missing value pandas makes floats of 64-bit hashes and loses their last bits.
    ordered = sorted(rows, key=lambda row: bytes(row["sha256"]))
    columns = {name: pd.Series([row.get(name) for row in ordered], dtype=object) for name in _COLUMNS}
    table = pd.DataFrame(columns)
    pairs = _near(table, rules)
    _drop_copies(table, pairs)
    table["group"] = _groups(table, pairs)
    return table


_COLUMNS = (
    *("sha256", "subject", "width", "height", "reason", "measured"),
    *("pixels", "decoded", "dhash", "phash", "faces"),
)


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
