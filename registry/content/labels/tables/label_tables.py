"""A table of labels, of whatever form, to checked rows; every bad row is named, none stops the rest.

Invariants: what a table is decides its content (a ZIP archive is a workbook, an object with annotations is COCO), its
name only between CSV and lines of JSON; what a stranger's table may cost is bounded in bytes, rows and columns.
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import IO

from registry.content.labels.coco import is_coco, read_coco
from registry.content.labels.label_row import LabelRow, Rejection, make_row, rejected
from registry.content.labels.tables.cid_table import NAME as FILE_NAME
from registry.content.labels.tables.columns import Columns, Mapped
from registry.content.labels.tables.delimited import read_delimited, stream_delimited
from registry.content.labels.tables.jsonl import read_jsonl
from registry.content.labels.tables.workbook import is_workbook, read_workbook
from registry.core.errors import InvalidInput
from registry.core.picture_bytes import what_it_is
from registry.spool import Spool

MAX_FILE = 256 << 20
MAX_ROWS = 10_000_000


@dataclass(frozen=True)
class Labels:
    """All rows and all rejections of a source of labels, and how it was understood.

    ``format`` in words; ``tables`` the files that were read; ``columns`` field to column; ``base`` the folder below
    which its files are named ("" or with a slash at its end); ``anywhere``: files may be named without their folder.
    """

    format: str
    rows: Sequence[LabelRow]
    rejected: tuple[Rejection, ...]
    tables: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    base: str = ""
    anywhere: bool = False

    def read_as(self) -> list[str]:
        """How the labels were read, in sentences: the format, the column of each field, notes."""
        lines = []
        if self.columns:
            taken = ", ".join(
                field if column == field else f"{field} from {column}" for field, column in self.columns.items()
            )
            left = f"; left out: {', '.join(self.left_out)}" if self.left_out else ""
            lines.append(f"{self.format}: {taken}{left}")
        else:
            lines.append(self.format)
        return [*lines, *self.notes]


def read_table(data: bytes, table: str = "labels.csv", mapping: Mapped | None = None) -> Labels:
    """A table of any form. ``InvalidInput`` (``bad_labels``) if it is none at all."""
    if len(data) > MAX_FILE:
        raise InvalidInput(
            f"{table} is larger than {MAX_FILE >> 20} MiB", code="bad_labels", hint="split it, and import part by part."
        )
    found = _read(data, table, mapping or {})
    return replace(found, tables=(table,))


def _read(data: bytes, table: str, mapping: Mapped) -> Labels:
    if is_workbook(data):
        columns, lines, sheet = read_workbook(data, table, mapping)
        return from_lines(f"{table} (Excel, sheet {sheet})", table, columns, _padded(columns, lines))
    if is_coco(data):
        rows, bad, notes = read_coco(data, table)
        form = f"{table} (COCO): label from the categories' names, box from bbox"
        return Labels(form, tuple(rows), tuple(bad), notes=tuple(notes), anywhere=True)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        columns, lines = read_jsonl(data, table, mapping)
        return from_lines(f"{table} (lines of JSON)", table, columns, lines)
    kind = what_it_is(data)
    if kind not in (None, "text", "an empty file") and not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InvalidInput(
            f"{table} is {kind}, not a table of labels", code="bad_labels", hint="save it as CSV UTF-8 or as .xlsx."
        )
    columns, separator, lines = read_delimited(data, table, mapping)
    return from_lines(f"{table} (CSV, {separator}s)", table, columns, lines)


def _padded(columns: Columns, lines: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """A sheet's rows end at their last value."""
    width = len(columns.header)
    return ((number, line + [""] * (width - len(line))) for number, line in lines)


def from_lines(form: str, table: str, columns: Columns, lines: Iterable[tuple[int, list[str]]]) -> Labels:
    """Rows of a table with a header; blank lines are left out."""
    rows = Spool(LabelRow)
    bad: list[Rejection] = []
    for one in _each_line(table, columns, lines):
        if len(rows) + len(bad) >= MAX_ROWS:
            raise InvalidInput(f"{table} has more than {MAX_ROWS} rows", code="bad_labels", hint="split it.")
        if isinstance(one, Rejection):
            bad.append(one)
        else:
            rows.append(one)
    return Labels(form, rows, tuple(bad), (table,), columns.sources(), tuple(columns.left_out()))


def _each_line(table: str, columns: Columns, lines: Iterable[tuple[int, list[str]]]) -> Iterator[LabelRow | Rejection]:
    for number, line in lines:
        if not any(cell.strip() for cell in line):
            continue
        try:
            cells, boxes = columns.cells(line)
            yield make_row(number, cells, table, boxes)
        except InvalidInput as error:
            yield rejected(number, _shown(columns, line), error, table)


def _shown(columns: Columns, line: list[str]) -> str:
    """The name that a bad row gives, as far as it has one."""
    places = {field: place for place, field in columns.taken.items()}
    for wanted in ("file", "cid"):
        place = places.get(wanted)
        if place is not None and place < len(line) and line[place].strip():
            return line[place]
    return ""


def parse_labels(data: bytes) -> tuple[list[LabelRow], list[Rejection]]:
    """The rows and rejections of a CSV that came without a folder."""
    rows: list[LabelRow] = []
    bad: list[Rejection] = []
    for one in stream_labels(BytesIO(data)):
        if isinstance(one, Rejection):
            bad.append(one)
        else:
            rows.append(one)
    return rows, bad


def stream_labels(stream: IO[bytes]) -> Iterator[LabelRow | Rejection]:
    """The rows and rejections of a CSV that comes without a folder: the body of a request, bounded by whoever reads it.

    No other form is read from it: what a workbook unpacks to, or lines of JSON mean, those bounds don't know.
    """
    try:
        columns, _, lines = stream_delimited(stream, "the body", {})
    except InvalidInput as error:  # whoever sends a request has neither files nor --map
        hint = error.hint or ""
        if "--map" in hint:
            hint = "name the columns so in its first line."
        reason = str(error).replace("file (or cid)", "cid")
        raise InvalidInput(reason, code=error.code, hint=hint.replace("file,label", "cid,label") or None) from error
    if unknown := [
        name for name in columns.left_out() if name != FILE_NAME
    ]:  # one misspelt, as contributer, would be signed for good without what it says
        raise InvalidInput(
            f"the body has columns that no row has: {', '.join(map(repr, unknown))[:200]}",
            code="bad_labels",
            hint="name each as the schema ImageRow does, and leave out what is none of its fields.",
        )
    yield from _each_line("", columns, lines)
