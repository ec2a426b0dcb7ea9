"""labels.csv: text from outside to checked rows; every bad row is named, none stops the rest.

Invariants: a row that comes out has exactly one of file and cid, a label of 1 to 200 characters in NFC,
a path that stays inside the folder, boxes in hundredths of a pixel. Rows are numbered from 1, the
header not counted.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath

from registry.core import text
from registry.core.cid import CID
from registry.core.errors import InvalidInput
from registry.core.figure_names import check_attribute

MAX_FILE = 256 << 20
MAX_ROWS = 10_000_000
MAX_BOXES = 100
MAX_PIXELS = 1_000_000
COLUMNS = {"file", "cid", "label", "contributor", "subject", "licence", "consent", "box"}

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class LabelRow:
    """One checked row. Exactly one of ``file`` and ``cid`` is given."""

    row: int
    file: str | None
    cid: str | None
    label: str
    contributor: str | None = None
    subject: str | None = None
    licence: str | None = None
    consent: str | None = None
    boxes: tuple[Box, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How a person finds it."""
        return self.file or self.cid or ""


@dataclass(frozen=True)
class Rejection:
    """A row that is not registered, and why. ``code`` is a stable word."""

    row: int
    name: str
    code: str
    reason: str


class _BadRow(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def check_inside(name: str) -> str:
    """A relative path that stays inside its folder, normalised. ``InvalidInput`` (``path_outside``) otherwise."""
    path = PurePosixPath(name)
    if "\0" in name or "\\" in name or path.is_absolute() or ".." in path.parts or not path.parts:
        raise InvalidInput(f"{name!r} leads out of the folder", code="path_outside")
    return str(path)


def parse_box(given: str) -> Box:
    """``x y w h`` in pixels to hundredths. ``InvalidInput`` (``bad_box``) for anything else."""
    try:
        numbers = [Decimal(word) for word in given.split()]
    except InvalidOperation as error:
        raise InvalidInput(f"{given!r} is no box: write x y w h in pixels", code="bad_box") from error
    if len(numbers) != 4 or not all(number.is_finite() and 0 <= number <= MAX_PIXELS for number in numbers):
        raise InvalidInput(f"{given!r} is no box: write x y w h in pixels", code="bad_box")
    x, y, width, height = (int(number * 100) for number in numbers)
    if not width or not height:
        raise InvalidInput(f"{given!r} is no box: its width and height must not be 0", code="bad_box")
    return x, y, width, height


def parse_boxes(given: str) -> tuple[Box, ...]:
    """Several boxes by ``;``."""
    boxes = tuple(parse_box(part) for part in given.split(";") if part.strip())
    if len(boxes) > MAX_BOXES:
        raise InvalidInput(f"an image has at most {MAX_BOXES} boxes", code="bad_box")
    return boxes


def _cell(cells: Mapping[str, str], name: str, field: str | None = None) -> str | None:
    """A cell, cleaned as ``field`` (else ``name``); None where it is blank."""
    given = cells.get(name, "")
    return text.clean(field or name, given) if given.strip() else None


def _place(cells: Mapping[str, str]) -> tuple[str | None, str | None]:
    file, cid = _cell(cells, "file"), _cell(cells, "cid", "file")
    if file is None and cid is None:
        raise _BadRow("no_file_or_cid", "the row names no file and no cid")
    if file is not None:
        return check_inside(file), None
    assert cid is not None
    try:
        return None, str(CID.parse(cid))
    except InvalidInput as error:
        raise _BadRow("bad_cid", str(error)) from error


def _row(number: int, cells: Mapping[str, str]) -> LabelRow:
    file, cid = _place(cells)
    return LabelRow(
        row=number,
        file=file,
        cid=cid,
        label=text.clean("label", cells.get("label", "")),
        contributor=_cell(cells, "contributor"),
        subject=_cell(cells, "subject"),
        licence=_cell(cells, "licence"),
        consent=_cell(cells, "consent"),
        boxes=parse_boxes(cells.get("box", "")),
        attributes=text.clean_attributes(
            {
                name.removeprefix("attr."): cells[name]
                for name in cells
                if name.startswith("attr.") and cells[name].strip()
            }
        ),
    )


def _header(line: str) -> tuple[str, list[str]]:
    """The separator and the columns' names. ``InvalidInput`` (``bad_labels``) without label and file or cid."""
    separator = ";" if line.count(";") > line.count(",") else ","
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        raise InvalidInput(f"the first line of labels.csv is no CSV: {error}", code="bad_labels") from error
    names = [unicodedata.normalize("NFC", name).strip() for name in cells]
    unknown = [name for name in names if name not in COLUMNS and not (name.startswith("attr.") and len(name) > 5)]
    if "label" not in names or not {"file", "cid"} & set(names):
        raise InvalidInput("labels.csv needs the columns label and file (or cid) in its first line", code="bad_labels")
    if unknown or len(set(names)) != len(names):
        what = f"{unknown[0]!r} is no column of labels.csv" if unknown else "a column of labels.csv stands twice"
        raise InvalidInput(f"{what}: attributes are named attr.NAME", code="bad_labels")
    for name in names:
        if name.startswith("attr."):
            check_attribute(name.removeprefix("attr."))
    return separator, names


def parse_labels(data: bytes) -> tuple[list[LabelRow], list[Rejection]]:
    """All rows and all rejections of a labels.csv. ``InvalidInput`` (``bad_labels``) if it is none at all."""
    if len(data) > MAX_FILE:
        raise InvalidInput(f"labels.csv is larger than {MAX_FILE} bytes: split it", code="bad_labels")
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"labels.csv is not UTF-8 (byte {error.start}): save it as UTF-8", code="bad_labels"
        ) from error
    first, _, rest = decoded.partition("\n")
    separator, names = _header(first.rstrip("\r"))
    rows: list[LabelRow] = []
    rejected: list[Rejection] = []
    try:
        listed = list(csv.reader(io.StringIO(rest, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InvalidInput(f"labels.csv is no CSV: {error}", code="bad_labels") from error
    listed = [line for line in listed if line and any(cell.strip() for cell in line)] if rest.strip() else []
    if len(listed) > MAX_ROWS:
        raise InvalidInput(f"labels.csv has more than {MAX_ROWS} rows: split it", code="bad_labels")
    for number, line in enumerate(listed, 1):
        shown = (line[names.index("file")] if "file" in names and len(line) > names.index("file") else "")[:200]
        try:
            if len(line) != len(names):
                raise _BadRow("bad_row", f"the row has {len(line)} cells where the header has {len(names)}")
            rows.append(_row(number, dict(zip(names, line, strict=True))))
        except (_BadRow, InvalidInput) as error:
            rejected.append(Rejection(number, shown, error.code, str(error)))
    return without_contradictions(rows, rejected)


def without_contradictions(
    rows: Iterable[LabelRow], rejected: list[Rejection]
) -> tuple[list[LabelRow], list[Rejection]]:
    """Both sides of two labels for one (file or cid, contributor) are rejected."""
    labels: dict[tuple[str, str | None], set[str]] = {}
    listed = list(rows)
    for row in listed:
        labels.setdefault((row.name, row.contributor), set()).add(row.label)
    kept = [row for row in listed if len(labels[row.name, row.contributor]) == 1]
    bad = [
        Rejection(
            row.row,
            row.name,
            "contradicting_labels",
            f"it has two labels: {' and '.join(sorted(labels[row.name, row.contributor]))}",
        )
        for row in listed
        if len(labels[row.name, row.contributor]) > 1
    ]
    return kept, sorted([*rejected, *bad], key=lambda one: one.row)
