"""Read what is held: files, directories and records by CID, rows of tables, what names an image.

Invariant: everything is verified before the first byte is given out; nothing is half-written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW
from registry.core.progress import Progress, silent
from registry.core.table import tables
from registry.files import sync_file, whole_tree
from registry.workflows.parts import Parts
from registry.workflows.store.fetch_content import ensure_held, resolve
from registry.workflows.store.typed_source import parse_path

FILES = (RAW, DAG_PB)
MAX_BYTES = 1 << 40  # that one fetch writes: a few blocks can claim any size
NAMED = ("cid", "replaces")  # columns of tables that hold CIDs as bytes
MAX_DEPTH = 100  # of folders in folders
R = TypeVar("R", bound=records.Record)
WHERE = {  # a record of a type is named
    "release": "`emotionet release list` names those that are here.",
    "snapshot": "`emotionet snapshot list` names those that are here.",
    "draw": "`emotionet runs show RUN` names that of a run.",
}


def fetch(parts: Parts, text: str, out: Path | None, progress: Progress = silent) -> dict[str, Any]:
    """Write a file or a directory to ``out``, all or nothing; the document of `emotionet fetch --json`.

    Of what is not held here only what the path needs is fetched.
    """
    root, path = parse_path(text)
    cid = resolve(parts, root, path) if path else root
    target = out or Path(path.rsplit("/", 1)[-1] or str(root))
    if target.exists():
        raise UsageError(f"{target} exists already", hint="name another path with -o.")
    ensure_held(parts, cid, progress)
    links: list[str] = []
    with whole_tree(target) as place:
        size = _write(parts, cid, place, links)
    return {"cid": str(cid), "path": str(target), "size": size, "links": links}


def _write(parts: Parts, root: CID, place: Path, links: list[str]) -> int:
    """Write a DAG below ``place``; returns the bytes written. ``InvalidInput`` beyond what one fetch may cost.

    Symbolic links are not made, wherever they would lead: their paths are added to ``links``.
    """
    size = 0
    if reader.is_symlink(parts.store, root):
        raise InvalidInput(f"{root} is a symbolic link, and links are not followed", code="symbolic_link")
    pending = [(root, place, 0)]
    while pending:
        cid, target, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{root} holds folders nested deeper than {MAX_DEPTH}", code="too_deep")
        if reader.is_directory(parts.store, cid):
            target.mkdir()
            for name, entry in reader.entries(parts.store, cid):
                if reader.is_symlink(parts.store, entry.cid):
                    links.append(str((target / name).relative_to(place)))
                else:
                    pending.append((entry.cid, target / name, depth + 1))
            continue
        if cid.codec in FILES:
            size += reader.check_file_size(parts.store, cid, MAX_BYTES - size)
        pieces = reader.read_file(parts.store, cid) if cid.codec in FILES else iter([parts.store.get(cid)])
        with target.open("wb") as handle:
            handle.writelines(pieces)
            sync_file(handle)
        if cid.codec not in FILES:
            size += target.stat().st_size
    return size


def read_as(parts: Parts, kind: type[R], cid: CID) -> R:
    """The record that somebody names by its CID. ``NotFound`` if it is not held here, ``InvalidInput``
    (``wrong_record_type``) if it is anything but what is wanted."""
    try:
        found = records.parse(parts.store.get(cid)) if cid.codec == DAG_CBOR else None
    except InvalidInput as error:
        if error.code != "not_a_record":
            raise
        found = None
    if isinstance(found, kind):
        return found
    wanted, got = _type(kind), "" if found is None else f" but {_article(_type(type(found)))}"
    way_out = WHERE.get(wanted, f"`emotionet lookup {cid}` lists what names it.")
    raise InvalidInput(f"{cid} is no {wanted}{got}", code="wrong_record_type", hint=way_out)


def _type(kind: type[records.Record]) -> str:
    return str(kind.__struct_config__.tag)


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def show(parts: Parts, cid: CID) -> Any:
    """Any record (or dag-cbor block) as DAG-JSON's value."""
    if cid.codec != DAG_CBOR:
        raise UsageError(f"{cid} is not a record", hint=f"use `emotionet fetch {cid}`.")
    return json.loads(encoding.to_dag_json(encoding.decode(parts.store.get(cid))))


def rows(parts: Parts, cid: CID, table: str | None) -> Iterator[dict[str, Any]]:
    """Rows of a table, or of a record's table by its field's name, as plain values with the columns' names."""
    value = encoding.decode(parts.store.get(cid))
    if table is not None:
        link = value.get(table) if isinstance(value, dict) else None
        if not isinstance(link, CID):
            raise UsageError(f"{cid} has no table {table!r}", hint=f"`emotionet show {cid}` lists its fields.")
        cid, value = link, encoding.decode(parts.store.get(link))
    if not isinstance(value, dict) or value.get("type") != "table":
        raise UsageError(f"{cid} is not a table", hint="name one of its fields with --table.")
    for row in tables.rows_as_dicts(cid, parts.store.get):
        yield plain_row(row)


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for programs that know neither bytes nor links: digests as hex, links and CIDs that are named as text."""
    return {name: _plain(value, named=name in NAMED) for name, value in row.items()}


def _plain(value: Any, *, named: bool = False) -> Any:
    if isinstance(value, CID):
        return str(value)
    if isinstance(value, bytes):
        return _named(value) if named else value.hex()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _named(value: bytes) -> str:
    try:
        return str(CID.decode(value))
    except InvalidInput:  # a stranger's table
        return value.hex()
