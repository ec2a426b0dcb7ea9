"""COCO's JSON: ``images``, ``categories`` and ``annotations`` with a ``bbox`` of x, y, w, h in pixels.

Each annotation is a row of its picture, its category's name the label. Segments, key points and captions are not read.
Invariants: what the file does not hold (an image, a category) rejects the annotation that names it; unknown fields cost
no memory.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from registry.content.labels.boxes import make_box
from registry.content.labels.label_row import NO_LABEL, LabelRow, Rejection, make_row, rejected
from registry.core.errors import InvalidInput
from registry.core.text.cleaning import counted

_BEGIN = 1 << 16  # bytes in which one of its keys must stand for a file to be looked at at all


class _Image(msgspec.Struct):
    id: int | str
    file_name: str


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    image_id: int | str
    category_id: int
    bbox: list[float] | None = None


class Coco(msgspec.Struct):
    """The three lists of a file; no other file has them together."""

    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class _Keys(msgspec.Struct):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: list[msgspec.Raw]


def is_coco(data: bytes) -> bool:
    """Whether a file is an object of COCO's three lists."""
    if not data[:_BEGIN].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    try:
        msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Keys)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def read_coco(data: bytes, table: str) -> tuple[list[LabelRow], list[Rejection], list[str]]:
    """Rows, rejections and notes. ``InvalidInput`` (``bad_labels``) where an entry is of another shape."""
    try:
        found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=Coco)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{table} is not a COCO file of boxes: {error}", code="bad_labels") from error
    files = {image.id: image.file_name for image in found.images}
    names = {category.id: category.name for category in found.categories}
    rows: list[LabelRow] = []
    bad: list[Rejection] = []
    for number, one in enumerate(found.annotations, 1):
        name = files.get(one.image_id, "")
        try:
            rows.append(_row(number, one, name, names, table))
        except InvalidInput as error:
            bad.append(rejected(number, name or f"image {one.image_id}", error, table))
    bare = len(files) - len({one.image_id for one in found.annotations} & set(files))
    notes = [f"{counted(bare, 'image')} of {table} without an annotation, {NO_LABEL}"] if bare else []
    return rows, bad, notes


def _row(number: int, one: _Annotation, name: str, names: dict[int, str], table: str) -> LabelRow:
    if not name:
        raise InvalidInput(f"annotation {number} is of an image that is not in the file", code="bad_row")
    if one.category_id not in names:
        raise InvalidInput(f"category {one.category_id} is not in the file", code="bad_row")
    boxes: tuple[Any, ...] = ()
    if one.bbox:
        boxes = (make_box([Decimal(str(number)) for number in one.bbox], " ".join(map(str, one.bbox))),)
    return make_row(number, {"file": name, "label": names[one.category_id]}, table, boxes)
