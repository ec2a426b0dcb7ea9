"""Plans in the catalog: every signed one, with or without a release.

Invariant: the list follows from entries and records alone, so a rebuilt catalog gives the same. A plan that two issuers
sign is in both lists.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, page_limit
from registry.catalog.schema import derived


def list_plans(
    db: sa.Connection, issuer: str | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of plans, newest first, and the cursor of the next page or None.

    ``plan, entry, issuer, issued_at, snapshot, recipe_name, releases``: CIDs are text, ``releases`` are those that the
    same issuer says of this plan, oldest first.
    """
    e, p = derived.entries.c, derived.plans.c
    columns = (p.cid.label("plan"), e.cid.label("entry"), e.issuer, e.issued_at, p.snapshot, p.recipe_name)
    query = sa.select(*columns).join(derived.plans, p.cid == e.record).order_by(e.issued_at.desc(), e.cid.desc())
    if issuer is not None:
        query = query.where(e.issuer == issuer)
    if cursor is not None:
        time, cid = decode_cursor(cursor, 2)
        query = query.where(sa.or_(e.issued_at < time, sa.and_(e.issued_at == time, e.cid < cid)))
    found = [dict(row) for row in db.execute(query.limit(page_limit(limit) + 1)).mappings()]
    page = found[:limit]
    said = _releases(db, [row["plan"] for row in page])
    for row in page:
        row["releases"] = said.get((row["plan"], row["issuer"]), [])
    return page, encode_cursor(page[-1]["issued_at"], page[-1]["entry"]) if len(found) > limit else None


def in_order(db: sa.Connection, issuer: str) -> list[str]:
    """The CIDs of an issuer's plans, one an entry, in the order of the issuer's log."""
    e, p = derived.entries.c, derived.plans.c
    query = sa.select(p.cid).join(derived.plans, p.cid == e.record).where(e.issuer == issuer).order_by(e.seq)
    return list(db.scalars(query))


def _releases(db: sa.Connection, plans: list[str]) -> dict[tuple[str, str], list[str]]:
    """By plan and issuer, the releases that this issuer says."""
    found: dict[tuple[str, str], list[str]] = {}
    e, r = derived.entries.c, derived.releases.c
    for part in chunks(plans):
        query = sa.select(r.plan, e.issuer, r.cid).join(derived.releases, r.cid == e.record).where(r.plan.in_(part))
        for row in db.execute(query.order_by(e.issued_at, e.seq)):
            found.setdefault((row.plan, row.issuer), []).append(row.cid)
    return found
