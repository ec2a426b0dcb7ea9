"""Rows written as JSON, JSON Lines, CSV or Parquet, to stdout or to a file, all or nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from registry.cli.output import json_text, show
from registry.core.errors import UsageError
from registry.core.extras import need
from registry.files import whole_file


def _flat(value: Any) -> Any:
    """A CSV cell: text as it is, everything else as JSON."""
    return value if isinstance(value, (str, int)) or value is None else json.dumps(value, ensure_ascii=False)


def _kind(cells: list[Any]) -> Any:
    """A Parquet column's type: text, unless numbers are all that is there. Never that of nothing at all."""
    import pyarrow as pa

    return pa.int64() if {type(cell) for cell in cells} - {type(None)} == {int} else pa.string()


def as_text(rows: Iterable[Mapping[str, Any]], form: str) -> str:
    """All rows as text in ``json``, ``jsonl`` or ``csv``."""
    listed = list(rows)
    if form == "json":
        return json_text(listed) + "\n"
    if form == "jsonl":
        return "".join(json_text(row) + "\n" for row in listed)
    buffer = io.StringIO()
    if listed:
        writer = csv.DictWriter(buffer, fieldnames=list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _flat(value) for name, value in row.items()} for row in listed)
    return buffer.getvalue()


def write_rows(rows: Iterable[Mapping[str, Any]], form: str, out: Path | None) -> None:
    """Write rows in ``form`` to ``out``, or to stdout where none is given."""
    if form == "parquet":
        if out is None:
            raise UsageError("parquet is no text: it is written to a file alone", hint="name a file with -o.")
        need("tables", "Parquet")
        import pyarrow as pa
        from pyarrow import parquet

        with whole_file(out) as stream:
            listed = [{name: _flat(value) for name, value in row.items()} for row in rows]
            columns = {name: [row.get(name) for row in listed] for name in (listed[0] if listed else ())}
            arrays = {name: pa.array(cells, _kind(cells)) for name, cells in columns.items()}
            parquet.write_table(pa.table(arrays), stream)
        return
    if out is None:
        show(as_text(rows, form), end="")
        return
    with whole_file(out) as stream:
        stream.write(as_text(rows, form).encode())
