"""Snapshots in the catalog; their items are in their tables.

Invariant: only a snapshot that an entry signs is listed. A snapshot that is only named by another record is found by
its CID through ``lineage``.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.queries.entries import as_dict, page_of_signed, signed_records
from registry.catalog.schema import derived
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID


def get(db: sa.Connection, cid: CID) -> dict[str, Any]:
    """One snapshot; ``NotFound`` if nobody whom this catalog knows says it.

    ``cid, count, classes, query, rule, items, excluded, supersedes, entry, issuer, issued_at, withdrawn``;
    CIDs are text.
    """
    row = db.execute(signed_records(derived.snapshots).where(derived.snapshots.c.cid == str(cid))).mappings().first()
    if row is None:
        raise NotFound(f"{cid} is not a snapshot of this catalog", hint="`emotionet snapshot list` lists them.")
    return as_dict(row)


def list_snapshots(
    db: sa.Connection, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of snapshots as ``get`` gives them, newest first, and the cursor of the next page or None."""
    return page_of_signed(db, derived.snapshots, cursor, limit)
