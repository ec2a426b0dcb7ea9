"""Releases in the catalog.

Whether one was withdrawn is no part of its row: who may is asked by ``registry.workflows.withdrawals``.
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

_WEIGHTS = ("release", "fold", "format", "cid", "tensors")


def get(db: sa.Connection, cid: CID) -> dict[str, Any]:
    """One release. ``NotFound`` if the catalog has no entry that signs it.

    ``cid, plan, plan_entry, draw, snapshot, preprocessing, evaluation, recipe_name, final, licence, card, supersedes,
    entry, issuer, issued_at``; CIDs are text.
    """
    row = find(db, cid)
    if row is None:
        raise NotFound(
            f"{cid} is not a release of this catalog", hint="`emotionet release list` names those that are here."
        )
    return row


def find(db: sa.Connection, cid: CID) -> dict[str, Any] | None:
    """One release as ``get`` gives it, or None."""
    row = db.execute(signed_records(derived.releases).where(derived.releases.c.cid == str(cid))).mappings().first()
    return None if row is None else as_dict(row)


def list_releases(
    db: sa.Connection, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of releases as ``get`` gives them, newest first, and the cursor of the next page or None."""
    return page_of_signed(db, derived.releases, cursor, limit)


def entries_with_plans(db: sa.Connection, issuer: str) -> list[tuple[CID, CID]]:
    """The entry of each release that an issuer signed, and that of its plan, in the log's order."""
    e, r = derived.entries.c, derived.releases.c
    query = sa.select(e.cid, r.plan_entry).join(derived.releases, r.cid == e.record).where(e.issuer == issuer)
    return [(CID.parse(one.cid), CID.parse(one.plan_entry)) for one in db.execute(query.order_by(e.seq))]


def successors(db: sa.Connection, cids: Collection[str]) -> dict[str, list[str]]:
    """By release those of the same issuer that say to supersede it, oldest first. What somebody else signs counts for
    nothing."""
    e, m = derived.entries, derived.mentions.c
    mine, theirs = e.alias("mine"), e.alias("theirs")
    found: dict[str, list[str]] = {}
    for part in chunks(cids):
        query = (
            sa.select(m.target, m.record)
            .join(theirs, theirs.c.record == m.record)
            .join(mine, sa.and_(mine.c.record == m.target, mine.c.issuer == theirs.c.issuer))
            .where(m.target.in_(part), m.relation == "supersedes")
            .order_by(theirs.c.issued_at, m.record)
        )
        for old, new in db.execute(query):
            found.setdefault(old, []).append(new)
    return {old: list(dict.fromkeys(new)) for old, new in found.items()}


def weights(db: sa.Connection, release: CID) -> list[dict[str, Any]]:
    """A release's weights in its own order: ``release, fold, format, cid, tensors`` (CIDs are text)."""
    query = sa.select(*(derived.weights.c[name] for name in _WEIGHTS)).where(derived.weights.c.release == str(release))
    return [dict(row) for row in db.execute(query.order_by(derived.weights.c.position)).mappings()]


def weights_by_cid(db: sa.Connection, cid: CID) -> dict[str, Any] | None:
    """Published weights by their directory's CID, as ``weights`` gives them; None if no release names them."""
    query = sa.select(*(derived.weights.c[name] for name in _WEIGHTS)).where(derived.weights.c.cid == str(cid))
    row = db.execute(query.order_by(derived.weights.c.release, derived.weights.c.position).limit(1)).mappings().first()
    return dict(row) if row else None
