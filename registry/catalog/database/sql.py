"""What the catalog's modules share: inserts that skip existing rows, pages, names as text.

Invariants: a name has one text: a CID its canonical form, an image's sha256 64 hex digits. A page's cursor is opaque
and stable: rows that are added or removed elsewhere do not move it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, SHA2_256
from registry.core.text.cleaning import sha256_text

CHUNK = 500  # values in one statement: SQLite takes 32,766 parameters, a row has up to 13
MAX_PAGE = 1_000_000


def insert_new(
    db: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]], *, key: Sequence[str] | None = None
) -> None:
    """Insert rows; those whose key is there already are left as they are. ``key``: which one, where there are several;
    of any other it is an error that it is there."""
    given = [dict(row) for row in rows]
    if not given:
        return
    insert = _insert(db)
    for start in range(0, len(given), CHUNK):
        db.execute(insert(table).on_conflict_do_nothing(index_elements=key), given[start : start + CHUNK])


def copy_new(db: sa.Connection, table: sa.Table, source: sa.Table) -> None:
    """Insert every row of ``source``, which has the same columns, but those whose key is there already."""
    rows = sa.select(source).where(sa.true())  # SQLite can't tell ON CONFLICT from a join's ON without a WHERE
    names = list(source.columns.keys())
    db.execute(_insert(db)(table).from_select(names, rows).on_conflict_do_nothing())


def _insert(db: sa.Connection) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT; only the dialect in use is loaded (80 ms each)."""
    if db.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


def among(db: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a column has one of many values, which are one parameter together: ten thousand as quickly as one."""
    given = list(values)
    if db.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, given, type_=sa.ARRAY(sa.Text)))
    listed = sa.func.json_each(json.dumps(given)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def chunks(values: Iterable[str]) -> Iterable[Sequence[str]]:
    """Sorted different values, a statement's worth at a time."""
    ordered = sorted(set(values))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))


def target_text(target: bytes) -> str:
    """The text of a named target: 32 bytes are an image's sha256, anything else a CID. ``InvalidInput`` if neither.

    A raw CID names the image with the sha256 that it holds.
    """
    if len(target) == 32:
        return target.hex()
    cid = CID.decode(target)
    if cid.codec == RAW and cid.hash_code == SHA2_256 and len(cid.digest) == 32:
        return cid.digest.hex()
    return str(cid)


def names_of(text: str) -> list[str]:
    """Every text that what ``text`` means may stand under: a CID in any form, a sha256 in hex, ``sha256:<hex>``,
    ``files-sha256:<hex>``."""
    digest = text.removeprefix("files-").removeprefix("sha256:").lower()
    if len(digest) == 64 and all(character in "0123456789abcdef" for character in digest):
        raw = bytes.fromhex(digest)
        cids = [CID.v1(codec, raw) for codec in (RAW, DAG_PB, DAG_CBOR)] + [CID.v0(raw)]
        return [digest, sha256_text(raw), f"files-{sha256_text(raw)}", *map(str, cids)]
    cid = CID.parse(text)
    names = {str(cid), target_text(bytes(cid))}
    if cid.codec == DAG_PB and cid.hash_code == SHA2_256 and len(cid.digest) == 32:
        names |= {str(CID.v0(cid.digest)), str(CID.v1(DAG_PB, cid.digest))}
    return sorted(names)


def page_limit(limit: int) -> int:
    """``UsageError`` unless a page's limit is sensible."""
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"a page has 1 to {MAX_PAGE} items, not {limit}", hint="ask for as many.")
    return limit


def encode_cursor(*values: str) -> str:
    """The cursor after the row with these sort keys."""
    return json.dumps(values, separators=(",", ":")).encode().hex()


def decode_cursor(cursor: str, count: int) -> list[str]:
    """The sort keys in a cursor. ``UsageError`` if it is none of ours."""
    try:
        values = json.loads(bytes.fromhex(cursor))
    except ValueError:
        values = None
    if not isinstance(values, list) or len(values) != count or not all(isinstance(value, str) for value in values):
        raise UsageError("this cursor was not given by a page", hint="start again without a cursor.")
    return values


def storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of what a stranger's record says, as both databases hold it: PostgreSQL takes no NUL in a text, which is no
    reason to leave out, say, a withdrawal; it becomes the sign for it, U+2400."""
    return {name: value.replace("\0", "\u2400") if isinstance(value, str) else value for name, value in row.items()}


def int64(value: int, what: str) -> int:
    """``InvalidInput`` unless a count that somebody signed fits into a column."""
    if not 0 <= value < 2**63:
        raise InvalidInput(f"{what} {value} is out of bounds", code="out_of_bounds")
    return value


def plain(value: Any) -> Any:
    """A value out of a record as JSON holds it: links and bytes as DAG-JSON writes them."""
    from registry.core.ipld import encoding  # only what indexes needs it

    return json.loads(encoding.to_dag_json(value))
