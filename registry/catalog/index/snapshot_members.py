"""Snapshots as rows of SQL: what each states, which images it holds and which it leaves out.

Invariants: rows follow from a snapshot's record and tables alone; a stranger's are looked at cell by cell, and no
forged count is listed. Whoever takes a snapshot indexes its images ahead, in steps between which others write. Such
rows belong to nothing until the record is indexed with its entry: what is left of a process that was killed is
completed then, shows in no answer, and a rebuild drops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

import sqlalchemy as sa

from registry.catalog.database.bulk import insert_tuples
from registry.catalog.database.database import Catalog
from registry.catalog.database.sql import insert_new, int64, plain, storable
from registry.catalog.schema import derived
from registry.catalog.turns import give_way, others_write
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.snapshots import checked_tables
from registry.core.table import tables

STEP = 10_000  # rows of one transaction: some tens of milliseconds
_MEMBERS = derived.snapshot_members
_NAMES = ("snapshot", "sha256", "excluded")
T = TypeVar("T")


class Members:
    """The images of a new snapshot, as its tables are written: a million take 32 MB."""

    def __init__(self) -> None:
        self._held, self._left_out = bytearray(), bytearray()

    def hold(self, sha256: bytes) -> None:
        """One that it holds."""
        self._held += sha256

    def leave_out(self, sha256: bytes) -> None:
        """One that it excludes."""
        self._left_out += sha256

    def rows(self, snapshot: str) -> Iterator[tuple[str, str, bool]]:
        """In the order of ``_NAMES``."""
        for digests, excluded in ((self._held, False), (self._left_out, True)):
            for start in range(0, len(digests), 32):
                yield snapshot, digests[start : start + 32].hex(), excluded


def index_ahead(catalog: Catalog, cid: CID, record: records.Snapshot, members: Members) -> None:
    """Index the images of a snapshot that this process has just made and not appended yet, in transactions of their
    own. Nothing where the record is indexed already."""
    with catalog.read() as db:
        if db.scalar(sa.select(derived.records.c.cid).where(derived.records.c.cid == str(cid))) is not None:
            return
    for step in _steps(members.rows(str(cid))):
        with catalog.write() as db:
            insert_new(db, derived.snapshots, [_row(cid, record)])
            insert_tuples(db, _MEMBERS, _NAMES, step, skip=True)
        with catalog.read() as db:
            waited_for = others_write(catalog, db)
        if waited_for:
            give_way(catalog)


def index_snapshot(db: sa.Connection, cid: CID, record: records.Snapshot, get: Get) -> None:
    """Index a record and its images. ``Untrusted`` (``snapshot_malformed``) for tables that are not what it states."""
    insert_new(db, derived.snapshots, [_row(cid, record)])
    checked_tables.check_heads(record, get)
    if _known(db, cid) == sum(tables.read(table, get).count for table in (record.items, record.excluded)):
        return  # ahead
    held, left_out = checked_tables.items(record, get), checked_tables.excluded(record, get)
    for step in _steps(chain(_rows(cid, held, excluded=False), _rows(cid, left_out, excluded=True))):
        insert_tuples(db, _MEMBERS, _NAMES, step, skip=True)


def _rows(cid: CID, rows: Iterable[dict[str, Any]], *, excluded: bool) -> Iterator[tuple[str, str, bool]]:
    snapshot = str(cid)
    return ((snapshot, row["sha256"].hex(), excluded) for row in rows)


def _known(db: sa.Connection, cid: CID) -> int:
    count = sa.select(sa.func.count()).where(_MEMBERS.c.snapshot == str(cid))
    return int(db.scalar(count) or 0)


def _row(cid: CID, record: records.Snapshot) -> dict[str, Any]:
    return storable(
        {
            "cid": str(cid),
            "count": int64(record.count, "the count"),
            "classes": list(record.classes),
            "query": plain(record.query),
            "rule": record.rule,
            "items": str(record.items),
            "excluded": str(record.excluded),
            "supersedes": str(CID.decode(record.supersedes)) if record.supersedes else None,
        }
    )


def _steps(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while step := list(islice(remaining, STEP)):
        yield step
