"""Rows as JSON, JSON Lines, CSV or Parquet: the same bytes for the same rows.

Invariant: what a row says stays what it is: a text is never taken for a number; signs that would steer a terminal are
escaped in JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from registry.core.extras import need
from registry.exports.json_text import json_text

Row = Mapping[str, Any]


def _json(rows: Iterable[Row]) -> str:
    return json_text(list(rows)) + "\n"


def _lines(rows: Iterable[Row]) -> str:
    return "".join(json_text(row) + "\n" for row in rows)


def _csv(rows: Iterable[Row]) -> str:
    listed, buffer = list(rows), io.StringIO()
    if listed:
        writer = csv.DictWriter(buffer, fieldnames=list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _flat(value) for name, value in row.items()} for row in listed)
    return buffer.getvalue()


def _flat(value: Any) -> Any:
    """A cell of CSV or Parquet: text as it is, everything else as JSON."""
    return value if isinstance(value, (str, int)) or value is None else json.dumps(value, ensure_ascii=False)


TEXTS: Mapping[str, Callable[[Iterable[Row]], str]] = {"json": _json, "jsonl": _lines, "csv": _csv}
FORMATS = (*TEXTS, "parquet")


def write(rows: Iterable[Row], form: str, stream: IO[bytes]) -> None:
    """Write all rows in one of ``FORMATS``."""
    if form == "parquet":
        _parquet(rows, stream)
    else:
        stream.write(TEXTS[form](rows).encode())


def _parquet(rows: Iterable[Row], stream: IO[bytes]) -> None:
    need("tables", "Parquet")
    import pyarrow as pa
    from pyarrow import parquet

    listed = [{name: _flat(value) for name, value in row.items()} for row in rows]
    columns = {name: [row.get(name) for row in listed] for name in (listed[0] if listed else ())}
    arrays = {name: pa.array(cells, _kind(cells)) for name, cells in columns.items()}
    parquet.write_table(pa.table(arrays), stream)


def _kind(cells: list[Any]) -> Any:
    """A Parquet column's type: text, unless numbers are all that is there. Never that of nothing at all."""
    import pyarrow as pa

    return pa.int64() if {type(cell) for cell in cells} - {type(None)} == {int} else pa.string()
