"""Excel's .xlsx, by openpyxl, as pandas reads it; without pandas, which would turn ``NA`` and ``01`` into other values.

A workbook is a ZIP archive of XML from a stranger. Invariants: what it would unpack to is bounded before anything is
unpacked, and read no further than stated; so are rows and columns, whatever the sheet says of itself; formulas and
links are never followed (values are those that the program which wrote it saved).
"""

from __future__ import annotations

import datetime
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from registry.content.labels.tables.columns import Columns, Mapped, understand
from registry.content.labels.tables.delimited import Line
from registry.core.errors import InvalidInput

MAX_UNPACKED = 128 << 20
MAX_PARTS = 2000
MAX_SHEETS = 100
MAX_WIDTH = 256  # columns
MAX_SHEET_ROWS = 1 << 20  # Excel's own limit
_FIRST_ROWS = 20  # in which the header must stand


def is_workbook(data: bytes) -> bool:
    """Whether a file is a ZIP archive, which no other table is."""
    return data.startswith(b"PK\x03\x04")


def read_workbook(data: bytes, table: str, mapping: Mapped) -> tuple[Columns, Iterator[Line], str]:
    """The columns, the rows behind the header by the sheet's numbers, and the sheet's name.

    ``InvalidInput`` (``bad_labels``) where no sheet has a header that means something.
    """
    _check(data, table)
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts of a workbook that openpyxl leaves out
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            sheets = [sheet for sheet in book.worksheets[:MAX_SHEETS] if sheet.sheet_state == "visible"]
            failed: InvalidInput | None = None
            for sheet in sheets:
                try:
                    columns, at = _header(sheet, mapping, f"the sheet {sheet.title!r} of {table}")
                except InvalidInput as error:
                    failed = failed or error
                    continue
                return columns, iter(list(_rows(sheet, at + 1, MAX_SHEET_ROWS, len(columns.header)))), sheet.title
    except InvalidInput:
        raise
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises whatever it likes on hostile XML
        raise InvalidInput(
            f"{table} can't be read as a workbook: {type(error).__name__}",
            code="bad_labels",
            hint="save it again as .xlsx, or as CSV UTF-8.",
        ) from error
    raise failed or InvalidInput(f"{table} has no sheet", code="bad_labels", hint="save it again as .xlsx.")


def _check(data: bytes, table: str) -> None:
    """Bounds of the archive, from its list of parts; ``zipfile`` reads no part further than that list says."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InvalidInput(f"{table} is not a workbook: the archive is damaged", code="bad_labels") from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise InvalidInput(
            f"{table} would unpack to more than {MAX_UNPACKED >> 20} MiB or {MAX_PARTS} parts",
            code="bad_labels",
            hint="keep one sheet with the labels alone, or save it as CSV UTF-8.",
        )
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise InvalidInput(
            f"{table} is a ZIP archive, not a workbook",
            code="bad_labels",
            hint="unpack it, and import the folder.",
        )


def _rows(sheet: Any, first: int, last: int, width: int) -> Iterator[Line]:
    """Rows by their numbers, blank ones left out, whatever size the sheet states."""
    rows = sheet.iter_rows(min_row=first, max_row=last, max_col=width, values_only=True)
    for number, row in enumerate(rows, first):
        if row.count(None) == len(row):
            continue
        line = [_text(value) for value in row]
        while line and not line[-1]:
            line.pop()
        if line:
            yield number, line


def _header(sheet: Any, mapping: Mapped, what: str) -> tuple[Columns, int]:
    """The first row that reads as a header. ``InvalidInput`` of the first row that is not blank otherwise."""
    failed: InvalidInput | None = None
    for number, line in _rows(sheet, 1, _FIRST_ROWS, MAX_WIDTH):
        try:
            return understand(line, mapping, what), number
        except InvalidInput as error:
            failed = failed or error
    raise failed or InvalidInput(f"{what} is blank", code="bad_labels")


def _text(value: Any) -> str:
    """A cell as its reader sees it, as far as its format doesn't matter."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)
