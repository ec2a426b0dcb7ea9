"""Read what is held: files, directories and records by CID, rows of tables, what names an image.

Invariant: everything is verified before the first byte is given out; nothing is half-written.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.content import reader
from registry.core import encoding, records, tables
from registry.core.cid import CID, DAG_CBOR, DAG_PB
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.workflows.parts import Parts


def parse_path(text: str) -> tuple[CID, str]:
    """``CID[/PATH]`` or ``/ipfs/CID[/PATH]`` taken apart."""
    head, _, path = text.removeprefix("/ipfs/").removeprefix("ipfs://").partition("/")
    try:
        return CID.parse(head), path
    except InvalidInput as error:
        raise UsageError(f"{head!r} is no CID: {error}") from error


def fetch(parts: Parts, text: str, out: Path | None) -> dict[str, Any]:
    """Write a file or a directory to ``out``, all or nothing; the document of `emotionet fetch --json`."""
    root, path = parse_path(text)
    if not parts.store.has(root):
        raise NotFound(f"{root} is not held here, and fetching from gateways is not built yet: import a CAR file of it")
    cid = reader.resolve(parts.store, root, path) if path else root
    target = out or Path(path.rsplit("/", 1)[-1] or str(root))
    if target.exists():
        raise UsageError(f"{target} exists already: give another place with -o")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".emotionet-") as scratch:
        size = _write(parts, cid, Path(scratch) / "content")
        (Path(scratch) / "content").replace(target)
    return {"cid": str(cid), "path": str(target), "size": size}


def _write(parts: Parts, cid: CID, target: Path) -> int:
    """Write a DAG below ``target``; returns the bytes written."""
    if cid.codec == DAG_PB and reader.is_directory(parts.store, cid):
        target.mkdir()
        return sum(
            _write(parts, entry.cid, target / name) for name, entry in reader.list_directory(parts.store, cid).items()
        )
    pieces = reader.read_file(parts.store, cid) if cid.codec != DAG_CBOR else iter([parts.store.get(cid)])
    size = 0
    with target.open("wb") as handle:
        for piece in pieces:
            size += handle.write(piece)
        handle.flush()
        os.fsync(handle.fileno())
    return size


def show(parts: Parts, cid: CID) -> Any:
    """Any record (or dag-cbor block) as DAG-JSON's value."""
    if cid.codec != DAG_CBOR:
        raise UsageError(f"{cid} is no record: use `emotionet fetch {cid}`")
    return json.loads(encoding.to_dag_json(encoding.decode(parts.store.get(cid))))


def rows(parts: Parts, cid: CID, table: str | None) -> Iterator[dict[str, Any]]:
    """Rows of a table, or of a record's table by its field's name, as DAG-JSON values with the columns' names."""
    value = encoding.decode(parts.store.get(cid))
    if table is not None:
        link = value.get(table) if isinstance(value, dict) else None
        if not isinstance(link, CID):
            raise UsageError(f"{cid} has no table {table!r}: `emotionet show {cid}` lists its fields")
        cid, value = link, encoding.decode(parts.store.get(link))
    if not isinstance(value, dict) or value.get("type") != "table":
        raise UsageError(f"{cid} is no table: name one of its fields with --table")
    for row in tables.rows_as_dicts(cid, parts.store.get):
        yield json.loads(encoding.to_dag_json(row))


def is_record(data: bytes) -> bool:
    """Whether these bytes are a record of a known type."""
    try:
        records.parse(data)
    except InvalidInput:
        return False
    return True
