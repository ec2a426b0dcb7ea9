"""Entries of logs: who signed which record, in which order, and which evidence covers it.

Invariants: a number in an issuer's log is taken once. If several entries sign one record and one entry is wanted, it is
the first by time, issuer and number, in whatever order the entries were indexed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, page_limit
from registry.catalog.schema import derived
from registry.catalog.schema.derived import entries
from registry.core.ipld.cid import CID


def newest(db: sa.Connection, issuer: str) -> tuple[CID, int] | None:
    """The newest entry of an issuer's log and its place; None if nothing of it is known."""
    query = sa.select(entries.c.cid, entries.c.seq).where(entries.c.issuer == issuer)
    row = db.execute(query.order_by(entries.c.seq.desc()).limit(1)).first()
    return (CID.parse(row.cid), row.seq) if row else None


def entry_of(db: sa.Connection, record: CID, issuer: str | None) -> CID | None:
    """The entry that signs a record: ``issuer``'s, or the first of any issuer. None if there is none."""
    query = sa.select(entries.c.cid).where(entries.c.record == str(record))
    if issuer is not None:
        query = query.where(entries.c.issuer == issuer)
    row = db.execute(query.order_by(entries.c.issued_at, entries.c.issuer, entries.c.seq).limit(1)).first()
    return CID.parse(row.cid) if row else None


def first_signer(db: sa.Connection, record: CID) -> str | None:
    """The issuer of the first entry that signs a record. None if the catalog knows no such entry."""
    query = sa.select(entries.c.issuer).where(entries.c.record == str(record))
    found: str | None = db.scalar(query.order_by(entries.c.issued_at, entries.c.issuer, entries.c.seq).limit(1))
    return found


def record_of(db: sa.Connection, cid: CID) -> CID:
    """The record that an entry signs; any other CID is returned unchanged."""
    record = db.scalar(sa.select(entries.c.record).where(entries.c.cid == str(cid)))
    return CID.parse(record) if record is not None else cid


def issuer_of(db: sa.Connection, entry: CID) -> str | None:
    """Who signed an entry, None if it is not known."""
    return db.scalar(sa.select(entries.c.issuer).where(entries.c.cid == str(entry)))


def issued_at(db: sa.Connection, entry: CID) -> str | None:
    """When an entry was issued, as it says itself; None if it is not known."""
    return db.scalar(sa.select(entries.c.issued_at).where(entries.c.cid == str(entry)))


def at(db: sa.Connection, issuer: str, seq: int) -> CID | None:
    """The entry at a place of an issuer's log, None if it is not known."""
    text = db.scalar(sa.select(entries.c.cid).where(entries.c.issuer == issuer, entries.c.seq == seq))
    return CID.parse(text) if text is not None else None


def place_of(db: sa.Connection, entry: CID, issuer: str) -> int | None:
    """An entry's place in an issuer's log; None where it is not of it, or not known."""
    return db.scalar(sa.select(entries.c.seq).where(entries.c.cid == str(entry), entries.c.issuer == issuer))


def run(db: sa.Connection, issuer: str, start: int = 0, end: int | None = None) -> list[CID]:
    """The entries of an issuer's log from place ``start`` to before ``end`` (None: to the newest), in order."""
    query = sa.select(entries.c.cid).where(entries.c.issuer == issuer, entries.c.seq >= start)
    if end is not None:
        query = query.where(entries.c.seq < end)
    return [CID.parse(text) for text in db.scalars(query.order_by(entries.c.seq))]


def later(db: sa.Connection, entry: CID, others: Collection[str]) -> set[str]:
    """Those of these entries that come after ``entry`` in the log of its issuer. Times are not compared: two entries
    may be of one second."""
    own = sa.select(entries.c.issuer, entries.c.seq).where(entries.c.cid == str(entry)).subquery()
    query = sa.select(entries.c.cid).join(own, sa.and_(own.c.issuer == entries.c.issuer, entries.c.seq > own.c.seq))
    found: set[str] = set()
    for part in chunks(others):
        found.update(db.scalars(query.where(entries.c.cid.in_(part))))
    return found


def unknown(db: sa.Connection, cids: Collection[CID]) -> list[CID]:
    """Those of these entries that the catalog does not know, sorted."""
    known: set[str] = set()
    for part in chunks(map(str, cids)):
        known.update(db.scalars(sa.select(entries.c.cid).where(entries.c.cid.in_(part))))
    return sorted(cid for cid in cids if str(cid) not in known)


def first(db: sa.Connection, issuer: str) -> CID | None:
    """The entry that opens an issuer's log, None if it is not known."""
    return at(db, issuer, 0)


def newest_of_type(db: sa.Connection, issuer: str, kind: str) -> dict[str, Any] | None:
    """The newest entry of an issuer's log that signs a record of a type and counts (its key was not revoked):
    ``cid, record, issued_at``; None if none."""
    columns = (entries.c.cid, entries.c.record, entries.c.issued_at)
    counts = entries.c.revoked.is_(None)
    query = sa.select(*columns).where(entries.c.issuer == issuer, entries.c.record_type == kind, counts)
    row = db.execute(query.order_by(entries.c.seq.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)


def revoked_of(db: sa.Connection, issuer: str) -> list[dict[str, Any]]:
    """The entries of an issuer's log that count no more, by place: ``entry, seq, type`` (None: not known here),
    ``by`` (the entry that revoked their key)."""
    query = sa.select(entries).where(entries.c.issuer == issuer, entries.c.revoked.is_not(None)).order_by(entries.c.seq)
    return [{"entry": row.cid, "seq": row.seq, "type": row.record_type, "by": row.revoked} for row in db.execute(query)]


def issuers(db: sa.Connection) -> list[str]:
    """Every issuer with an entry in the catalog, sorted."""
    return list(db.scalars(sa.select(entries.c.issuer).distinct().order_by(entries.c.issuer)))


def evidence_for(db: sa.Connection, entry: CID) -> list[dict[str, Any]]:
    """Evidence that covers an entry: of it or of a later entry in the same log, the nearest first.

    Rows have ``cid, entry, kind, time`` (None where it states none).
    """
    covered, anchored = entries.alias("covered"), entries.alias("anchored")
    query = (
        sa.select(derived.evidence)
        .join(anchored, anchored.c.cid == derived.evidence.c.entry)
        .join(covered, covered.c.issuer == anchored.c.issuer)
        .where(covered.c.cid == str(entry), anchored.c.seq >= covered.c.seq)
        .order_by(anchored.c.seq, derived.evidence.c.time, derived.evidence.c.cid)
    )
    return [dict(row) for row in db.execute(query).mappings()]


def nearest_evidence(db: sa.Connection, entry: CID) -> list[CID]:
    """Of each kind the evidence of the nearest entry that was anchored so, at or after ``entry`` in its log; the
    nearest first."""
    found, nearest = evidence_for(db, entry), dict[str, str]()
    for row in found:
        nearest.setdefault(row["kind"], row["entry"])
    return [CID.parse(row["cid"]) for row in found if row["entry"] == nearest[row["kind"]]]


def signed_records(table: sa.Table) -> sa.Select[Any]:
    """A table's records that some entry signs, with ``entry, issuer, issued_at, seq`` of the first such entry."""
    order = (entries.c.issued_at, entries.c.issuer, entries.c.seq)
    place = sa.func.row_number().over(partition_by=entries.c.record, order_by=order).label("place")
    first = sa.select(entries, place).subquery("first")
    columns = (first.c.cid.label("entry"), first.c.issuer, first.c.issued_at, first.c.seq)
    return sa.select(table, *columns).join(first, sa.and_(first.c.record == table.c.cid, first.c.place == 1))


def page_of_signed(
    db: sa.Connection, table: sa.Table, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of ``signed_records`` rows, newest first, and the cursor of the next page or None."""
    rows = signed_records(table).subquery()
    query = sa.select(rows).order_by(rows.c.issued_at.desc(), rows.c.cid.desc())
    if cursor is not None:
        time, cid = decode_cursor(cursor, 2)
        older = sa.or_(rows.c.issued_at < time, sa.and_(rows.c.issued_at == time, rows.c.cid < cid))
        query = query.where(older)
    found = [as_dict(row) for row in db.execute(query.limit(page_limit(limit) + 1)).mappings()]
    page = found[:limit]
    return page, encode_cursor(page[-1]["issued_at"], page[-1]["cid"]) if len(found) > limit else None


def as_dict(row: sa.RowMapping) -> dict[str, Any]:
    """A ``signed_records`` row as a plain dict, without the place in the log."""
    return {name: value for name, value in row.items() if name != "seq"}
