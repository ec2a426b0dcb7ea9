"""Snapshots in the catalog; their items are in their tables.

Invariant: only a snapshot that an entry signs is listed. A snapshot that is only named by another record is found by
its CID through ``lineage``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks
from registry.catalog.queries.signed_records.entries import as_dict, page_of_signed, signed_records
from registry.catalog.schema import derived
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID


def get(db: sa.Connection, cid: CID) -> dict[str, Any]:
    """One snapshot; ``NotFound`` if nobody whom this catalog knows says it.

    ``cid, count, classes, query, rule, items, excluded, supersedes, entry, issuer, issued_at``;
    CIDs are text.
    """
    row = find(db, cid)
    if row is None:
        raise NotFound(f"{cid} is not a snapshot of this catalog", hint="`emotionet snapshot list` lists them.")
    return row


def find(db: sa.Connection, cid: CID) -> dict[str, Any] | None:
    """One snapshot as ``get`` gives it, or None."""
    row = db.execute(signed_records(derived.snapshots).where(derived.snapshots.c.cid == str(cid))).mappings().first()
    return None if row is None else as_dict(row)


def list_snapshots(
    db: sa.Connection, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of snapshots as ``get`` gives them, newest first, and the cursor of the next page or None."""
    return page_of_signed(db, derived.snapshots, cursor, limit)


def releases_of(db: sa.Connection, snapshots: Collection[str], most: int) -> dict[str, list[str]]:
    """By snapshot, releases that rest on it, the newest first, at most so many."""
    e, r = derived.entries.c, derived.releases.c
    found: dict[str, list[str]] = {}
    for part in chunks(snapshots):
        query = sa.select(r.snapshot, r.cid).join(derived.entries, e.record == r.cid).where(r.snapshot.in_(part))
        for row in db.execute(query.order_by(e.issued_at.desc(), r.cid)):
            mine = found.setdefault(row.snapshot, [])
            if row.cid not in mine and len(mine) < most:
                mine.append(row.cid)
    return found


def preprocessings_of(db: sa.Connection, snapshot: CID, most: int = 20) -> list[str]:
    """CIDs of preprocessings of a snapshot: what cleaning made of it, by each recipe."""
    query = sa.select(derived.preprocessings.c.cid).where(derived.preprocessings.c.snapshot == str(snapshot))
    return list(db.scalars(query.order_by(derived.preprocessings.c.cid).limit(most)))


def contested_labels(
    db: sa.Connection, snapshot: CID, contributions: Collection[CID], behind: str, up_to: str
) -> dict[str, list[dict[str, Any]]]:
    """Images of a snapshot in a range of sha256s (``behind``, ``up_to``] about which the snapshot's contributions hold
    different labels: by sha256, the newest row of each (issuer, contributor): ``issuer, contributor, label``."""
    rows, members = derived.contribution_rows.c, derived.snapshot_members.c
    named = set(map(str, contributions))
    query = (
        sa.select(rows.sha256, rows.issuer, rows.contributor, rows.label, rows.contribution)
        .join(derived.snapshot_members, members.sha256 == rows.sha256)
        .where(members.snapshot == str(snapshot), rows.sha256 > behind, rows.sha256 <= up_to)
        .order_by(rows.sha256, rows.issuer, rows.contributor, rows.ordinal)
    )
    newest: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for row in db.execute(query):
        if row.contribution in named:
            said = {"issuer": row.issuer, "contributor": row.contributor, "label": row.label}
            newest.setdefault(row.sha256, {})[row.issuer, row.contributor] = said
    apart = {sha256: list(said.values()) for sha256, said in newest.items()}
    return {sha256: said for sha256, said in apart.items() if len({one["label"] for one in said}) > 1}


def members_behind(db: sa.Connection, snapshot: CID, behind: str, most: int) -> list[str]:
    """The sha256s of a snapshot's next images behind one, in order, those that it leaves out among them."""
    members = derived.snapshot_members.c
    query = sa.select(members.sha256).where(members.snapshot == str(snapshot), members.sha256 > behind)
    return list(db.scalars(query.order_by(members.sha256).limit(most)))
