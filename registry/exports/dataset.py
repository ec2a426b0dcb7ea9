"""A snapshot prepared for export: the images and labels that every folder format writes, decoded as training does it.

Invariants: images are verified on the way; what training reads is never left out; what is left out has a reason in
plain words; only what this machine can't do (no memory, bytes that are not held or damaged) ends it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from registry.content.unixfs import reader
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.labeling.boxes import boxes_within
from registry.core.ports.method import Box, Progress
from registry.core.ports.store import BlockReader
from registry.imaging.decode import MAX_PIXELS, Undecodable, decode, opened, upright_size
from registry.imaging.other_readers import opens, reads_alike

SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
WITHDRAWN = "withdrawn"  # why an image is left out of what holds bytes
Row = Mapping[str, Any]
Split = Mapping[bytes, tuple[str, Sequence[Sequence[int]] | None]]  # by sha256: "train" or "val", and boxes


class Picture(NamedTuple):
    """An image of a snapshot that could be decoded: its row, its bytes, and what they are, upright."""

    row: Row
    sha256: str
    data: bytes
    kind: str  # one of SUFFIXES
    width: int
    height: int
    alike: bool  # ultralytics reads these bytes as training does
    opens: bool  # Pillow by itself, and so mlcroissant, opens them

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Those of the item that count; none where nothing is to be found."""
        return () if self.row["label"] is None else boxes_within(self.row["boxes"], self.width, self.height)

    def as_png(self) -> bytes:
        """The pixels that training sees, upright."""
        stream = io.BytesIO()
        decode(self.data, MAX_PIXELS).save(stream, "PNG")
        return stream.getvalue()


@dataclass(frozen=True)
class Dataset:
    """What a format writes: ``pictures`` are read as they are asked for, once. It adds to ``converted`` what it wrote
    as a PNG (sha256 to the format that it was)."""

    snapshot: CID
    classes: Sequence[str]
    pictures: Iterable[Picture]
    split: Split | None  # of one fold of a draw, with the boxes that its preprocessing chose
    published: Callable[[], str]  # when the snapshot was signed
    converted: dict[str, str] = field(default_factory=dict)

    def class_of(self, label: str | None) -> int | None:
        """A label's place among the classes."""
        return None if label is None else self.classes.index(label)


def pictures(
    store: BlockReader,
    items: Sequence[Row],
    among: Container[bytes] | None,
    withdrawn: Container[bytes],
    left_out: dict[str, str],
    progress: Progress,
) -> Iterator[Picture]:
    """Every picture of the items (of those ``among``, and not ``withdrawn``), in order; the others' sha256 come into
    ``left_out``, and why."""
    for done, row in enumerate(items, 1):
        name = row["sha256"].hex()
        if row["sha256"] in withdrawn:
            left_out[name] = WITHDRAWN
        elif among is not None and row["sha256"] not in among:
            left_out[name] = "not in the draw"
        else:
            try:
                yield _picture(row, read_bytes(store, row))
            except Undecodable as error:
                left_out[name] = str(error)
        progress("export", done, len(items))


def _picture(row: Row, data: bytes) -> Picture:
    image = opened(data, MAX_PIXELS)
    return Picture(
        row, row["sha256"].hex(), data, str(image.format), *upright_size(image), reads_alike(data, image), opens(data)
    )


def read_bytes(store: BlockReader, row: Row) -> bytes:
    """An item's bytes. ``NotFound`` where they are not held, or are damaged here."""
    try:
        return reader.read_whole(store, row["image"])
    except NotFound as error:
        if error.code == "damaged":
            raise
        raise NotFound(
            f"image {row['sha256'].hex()} ({row['image']}) is not held here",
            hint=f"`emotionet fetch {row['image']}` first.",
        ) from error


def with_boxes_that_count(store: BlockReader, row: Row) -> Row:
    """An item whose boxes are those that training takes; as stated where the image can't be looked at here."""
    if not row["boxes"]:
        return row
    try:
        size = upright_size(opened(read_bytes(store, row), MAX_PIXELS))
    except (NotFound, Undecodable):
        return row
    return {**row, "boxes": [list(box) for box in boxes_within(row["boxes"], *size)]}
