"""A snapshot's two tables read with every cell looked at: a stranger may have written the record, or both of them.

Invariants: rows come out only of a table with exactly the columns and the key that the record's kind has, in order,
each cell of its kind; a snapshot that states another count than its table holds is refused before its first row.
``Untrusted`` (``snapshot_malformed``) otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.table import tables

Box = tuple[int, int, int, int]


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    """SNAPSHOT_ITEMS."""

    sha256: bytes
    image: CID
    size: int
    label: str | None
    contributors: list[str]
    subject: str | None
    attributes: dict[str, str]
    licence: str | None
    boxes: list[Box]
    sources: dict[str, str]
    rights: dict[str, list[str]]


class _Excluded(msgspec.Struct, forbid_unknown_fields=True):
    """EXCLUDED."""

    sha256: bytes
    reason: str
    detail: str | None


def check_heads(snapshot: records.Snapshot, get: Get) -> None:
    """Columns, keys and the count; the rows are looked at as they are read."""
    for table, kind in ((snapshot.items, records.SNAPSHOT_ITEMS), (snapshot.excluded, records.EXCLUDED)):
        found = tables.read(table, get)
        if found.shape != kind:
            raise _malformed(f"the table {table} has other columns than its kind")
        if table == snapshot.items and found.count != snapshot.count:
            raise _malformed(f"it states {snapshot.count} images, its table holds {found.count}")


def items(snapshot: records.Snapshot, get: Get) -> Iterator[dict[str, Any]]:
    """The images that a snapshot holds, by rising sha256."""
    check_heads(snapshot, get)
    return (item(snapshot, row) for row in tables.iterate(snapshot.items, get))


def excluded(snapshot: records.Snapshot, get: Get) -> Iterator[dict[str, Any]]:
    """The images that a snapshot leaves out, by rising sha256."""
    check_heads(snapshot, get)
    return map(left_out, tables.iterate(snapshot.excluded, get))


def items_after(snapshot: records.Snapshot, sha256: bytes | None, get: Get) -> Iterator[dict[str, Any]]:
    """``items`` behind this one, or all, reading only the nodes in which they lie (``tables.after``)."""
    check_heads(snapshot, get)
    return (item(snapshot, row) for row in tables.after(snapshot.items, _key(sha256), get))


def excluded_after(snapshot: records.Snapshot, sha256: bytes | None, get: Get) -> Iterator[dict[str, Any]]:
    """``excluded`` behind this one, or all, read as ``items_after``."""
    check_heads(snapshot, get)
    return map(left_out, tables.after(snapshot.excluded, _key(sha256), get))


def _key(sha256: bytes | None) -> tuple[bytes] | None:
    return None if sha256 is None else (sha256,)


def item(snapshot: records.Snapshot, row: Sequence[Any]) -> dict[str, Any]:
    """One row of ``items``, however it was found, with its columns' names."""
    found = _checked(row, records.SNAPSHOT_ITEMS.columns, _Item)
    if found["label"] is not None and found["label"] not in snapshot.classes:
        raise _malformed(f"the label {found['label']!r} is none of its classes")
    return found


def left_out(row: Sequence[Any]) -> dict[str, Any]:
    """One row of ``excluded``, however it was found, with its columns' names."""
    return _checked(row, records.EXCLUDED.columns, _Excluded)


def check(snapshot: records.Snapshot, get: Get) -> None:
    """Read both tables to their ends: what is wrong anywhere in them is raised."""
    for rows in (items(snapshot, get), excluded(snapshot, get)):
        for _ in rows:
            pass


def _checked(row: Sequence[Any], columns: Sequence[str], kind: type[msgspec.Struct]) -> dict[str, Any]:
    values = dict(zip(columns, row, strict=True))
    try:
        msgspec.convert(values, kind, strict=True, builtin_types=(bytes,))  # no text for bytes
        if len(values["sha256"]) != 32:
            raise msgspec.ValidationError("a sha256 has 32 bytes")
    except msgspec.ValidationError as error:
        raise _malformed(f"a row of its tables is of another kind: {error}") from error
    return values


def _malformed(reason: str) -> Untrusted:
    return Untrusted(
        f"this snapshot is not what it states: {reason}",
        code="snapshot_malformed",
        hint="ask whoever gave it to you for one that their log says.",
    )
