"""A snapshot's images as they leave for other tools: decoded as training decodes them, with the boxes that count.

Invariants: what training reads is never left out; what is left out has a reason in plain words; only what this
machine can't do (no memory, bytes that are not held or damaged) ends it.
"""

from __future__ import annotations

import io
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from registry.content.unixfs import reader
from registry.core.boxes import boxes_within
from registry.core.errors import NotFound
from registry.core.ports.method import Box
from registry.imaging.decode import MAX_PIXELS, Undecodable, decode, opened, upright_size
from registry.imaging.other_readers import opens, reads_alike
from registry.workflows.parts import Parts, Progress

SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
Row = Mapping[str, Any]


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


def pictures(
    parts: Parts, items: Sequence[Row], among: Container[bytes] | None, left_out: dict[str, str], progress: Progress
) -> Iterator[Picture]:
    """Every picture of the items (of those ``among``), in order; the others' sha256 come into ``left_out``, and why."""
    for done, row in enumerate(items, 1):
        name = row["sha256"].hex()
        if among is not None and row["sha256"] not in among:
            left_out[name] = "not in the draw"
        else:
            try:
                yield _picture(row, read_bytes(parts, row))
            except Undecodable as error:
                left_out[name] = str(error)
        progress("export", done, len(items))


def _picture(row: Row, data: bytes) -> Picture:
    image = opened(data, MAX_PIXELS)
    return Picture(
        row, row["sha256"].hex(), data, str(image.format), *upright_size(image), reads_alike(data, image), opens(data)
    )


def read_bytes(parts: Parts, row: Row) -> bytes:
    """An item's bytes. ``NotFound`` where they are not held, or are damaged here."""
    try:
        return reader.read_whole(parts.store, row["image"])
    except NotFound as error:
        if error.code == "damaged":
            raise
        raise NotFound(
            f"image {row['sha256'].hex()} ({row['image']}) is not held here",
            hint=f"`emotionet fetch {row['image']}` first.",
        ) from error


def with_boxes_that_count(parts: Parts, row: Row) -> Row:
    """An item whose boxes are those that training takes; as stated where the image can't be looked at here."""
    if not row["boxes"]:
        return row
    try:
        size = upright_size(opened(read_bytes(parts, row), MAX_PIXELS))
    except (NotFound, Undecodable):
        return row
    return {**row, "boxes": [list(box) for box in boxes_within(row["boxes"], *size)]}
