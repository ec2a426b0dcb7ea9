"""CSV in its usual forms: commas, semicolons, tabs or bars; UTF-8, or UTF-16 with a byte order mark; Excel's ``sep=;``.

Invariants: lines are numbered as an editor numbers them, blank ones and the header included. A quote that is not closed
is refused with the line where it opens, never read as one long cell. Cells are returned exactly as written.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

from registry.content.labels.tables.columns import Columns, Mapped, understand
from registry.core.errors import InvalidInput
from registry.core.picture_bytes import SUFFIXES

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_LINE = 1 << 20  # characters of a table that comes as a stream
MAX_BLANK = 1 << 20  # lines in a row of such a table without a value: a sheet has so many rows
_BLANK = ' \r\n"' + "".join(DELIMITERS)
Line = tuple[int, list[str]]


def _bad(what: str, hint: str) -> InvalidInput:
    return InvalidInput(what, code="bad_labels", hint=hint)


def decode(data: bytes, table: str) -> str:
    """A table's text. ``InvalidInput`` (``bad_labels``) names the first byte that is not valid."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"{table} is not {'UTF-16' if wide else 'UTF-8'} (line {line}, byte {error.start})"
        raise _bad(what, "save it as UTF-8 (in Excel: CSV UTF-8).") from error


def read_delimited(data: bytes, table: str, mapping: Mapped) -> tuple[Columns, str, Iterator[Line]]:
    """The columns, what separates them, and the lines behind the header with their numbers."""
    decode(data, table)  # what is wrong with its bytes is told before any row; the text itself is read by lines
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = io.TextIOWrapper(io.BytesIO(data), "utf-16" if wide else "utf-8-sig", newline="")
    return _read(iter(text), table, mapping)


def stream_delimited(stream: IO[bytes], table: str, mapping: Mapped) -> tuple[Columns, str, Iterator[Line]]:
    """The same of a table that is read as it comes: what is wrong with its bytes shows where they are reached."""
    begin = stream.read(2)
    rest = io.BufferedReader(_Joined(begin, stream))
    wide = begin in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = io.TextIOWrapper(rest, "utf-16" if wide else "utf-8-sig", newline="")
    return _read(_bounded_lines(text, "UTF-16" if wide else "UTF-8", table), table, mapping)


class _Joined(io.RawIOBase):
    """Bytes that were read already, and the stream behind them."""

    def __init__(self, begin: bytes, rest: IO[bytes]) -> None:
        self._begin, self._rest = begin, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._begin or self._rest.read(len(buffer))
        buffer[: len(data)], self._begin = data, b""
        return len(data)


def _bounded_lines(text: io.TextIOWrapper, encoding: str, table: str) -> Iterator[str]:
    number, last = 1, 0
    try:
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise _bad(f"line {number} of {table} is longer than {MAX_LINE} characters", "write a line a row.")
            if line.strip(_BLANK):
                last = number
            elif number - last > MAX_BLANK:
                raise _bad(
                    f"more than {MAX_BLANK} lines up to line {number} of {table} are empty", "write a line a row."
                )
            yield line
            number += 1
    except UnicodeDecodeError as error:
        what = f"{table} is not {encoding} (in or soon after line {number})"
        raise _bad(what, "save it as UTF-8 (in Excel: CSV UTF-8).") from error


def _read(text: Iterator[str], table: str, mapping: Mapped) -> tuple[Columns, str, Iterator[Line]]:
    skipped, told, first = 0, None, ""
    for line in text:
        if not skipped and (told := _told(line)) is not None:
            skipped = 1
            continue
        if line.strip("\r\n"):
            first = line
            break
        skipped += 1
    if not first.strip():
        raise _bad(
            f"{table} is empty, and needs the columns label and file (or cid)",
            "write a first line that names the columns (file,label), then one row per image.",
        )
    if "\0" in first:
        raise _bad(
            f"{table} holds zero bytes: it is UTF-16 without a byte order mark, or not text", "save it as UTF-8."
        )
    delimiter = told or max(DELIMITERS, key=lambda sign: _fitness(first, sign, mapping))
    lines = _lines(chain([first], text), delimiter, table, skipped)
    _, header = next(lines, (0, []))
    columns = understand(header, mapping, table)
    return columns, DELIMITERS.get(delimiter, repr(delimiter)), _watched(lines, columns, delimiter, table)


def _watched(lines: Iterator[Line], columns: Columns, delimiter: str, table: str) -> Iterator[Line]:
    """The lines; a cell that runs on over what are rows of their own is a quote that a later one closed by chance."""
    place = next(place for place, name in columns.taken.items() if name in ("file", "cid"))
    for number, line in lines:
        for cell in line:
            for behind, inner in enumerate(cell.splitlines()[1:], 1):
                cells = [one.strip(' "') for one in inner.split(delimiter)]
                if len(cells) > max(place, 1) and _names_picture(cells[place]):
                    raise _bad(
                        f"line {number} of {table} has a quote that is not closed before another row begins: "
                        f"{inner.strip()[:60]!r} in line {number + behind}",
                        'close it; a quote inside a quoted cell is written twice ("").',
                    )
        yield number, line


def _names_picture(cell: str) -> bool:
    return " " not in cell and (cell.lower().endswith(SUFFIXES) or cell.startswith(("bafk", "bafy", "Qm")))


def _told(line: str) -> str | None:
    """The sign that Excel's own first line names: ``sep=;``."""
    line = line.rstrip("\r\n").strip('"')
    return line[4] if line.lower().startswith("sep=") and len(line) == 5 else None


def _fitness(first: str, delimiter: str, mapping: Mapped) -> tuple[int, int]:
    """How well a header reads with that sign: how many columns mean something, then how many there are."""
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        return 0, 0
    try:
        return len(understand(header, mapping, "").taken), len(header)
    except InvalidInput:
        return 0, len(header)


def _lines(text: Iterator[str], delimiter: str, table: str, skipped: int) -> Iterator[Line]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    begins = skipped + 1
    while True:
        try:
            line = next(reader, None)
        except csv.Error as error:
            raise _bad(
                f"line {begins} of {table} has a quote that is not closed, or characters after a closing quote "
                f"({error})",
                'close it; a quote inside a quoted cell is written twice ("").',
            ) from error
        if line is None:
            return
        yield begins, line
        begins = skipped + reader.line_num + 1
