"""Words among what images are described by, and what a text names exactly or begins.

Invariant: only what lists show anyway is found: no file name of this home, no subject.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.queries.signed_records.entries import signed_records
from registry.catalog.schema import derived, operational

KINDS = ("label", "contributor", "licence")  # of values that images have, in the order in which they are shown


def record_type(db: sa.Connection, cid: str) -> str | None:
    """The type of a record that the catalog knows, None for anything else."""
    return db.scalar(sa.select(derived.records.c.type).where(derived.records.c.cid == cid))


def values(db: sa.Connection, word: str, limit: int) -> list[dict[str, Any]]:
    """``kind, value, images`` of every label, contributor and licence with this word in it, as kinds go, then the most
    frequent first."""
    c = derived.image_counts.c
    place = sa.case(*((c.kind == kind, number) for number, kind in enumerate(KINDS)), else_=len(KINDS))
    query = sa.select(c.kind, c.value, c.images).where(c.kind.in_(KINDS), _holds(c.value, word))
    return [dict(row) for row in db.execute(query.order_by(place, c.images.desc(), c.value).limit(limit)).mappings()]


def named(db: sa.Connection, word: str, limit: int) -> list[dict[str, Any]]:
    """``name, issuer, target, type`` of names with this word in them, as each issuer gave it last, by the alphabet."""
    e, n, r = derived.entries.c, derived.names.c, derived.records.c
    last = sa.select(e.issuer, n.name, sa.func.max(e.seq).label("seq")).join(derived.names, n.cid == e.record)
    newest = last.where(_holds(n.name, word)).group_by(e.issuer, n.name).subquery()
    joined = sa.and_(e.issuer == newest.c.issuer, e.seq == newest.c.seq)
    query = sa.select(n.name, e.issuer, n.target, r.type).select_from(newest).join(derived.entries, joined)
    query = query.join(derived.names, n.cid == e.record).join(derived.records, r.cid == n.target)
    return [dict(row) for row in db.execute(query.order_by(n.name, e.issuer).limit(limit)).mappings()]


def recipes(db: sa.Connection, word: str, limit: int) -> list[dict[str, Any]]:
    """``run, recipe, status, release`` of the newest runs of recipes with this word in their names."""
    r = operational.runs.c
    query = sa.select(r.id.label("run"), r.recipe_name.label("recipe"), r.status, r.release)
    query = query.where(_holds(r.recipe_name, word)).order_by(r.created.desc(), r.id.desc())
    return [dict(row) for row in db.execute(query.limit(limit)).mappings()]


def releases(db: sa.Connection, word: str, limit: int) -> list[dict[str, Any]]:
    """``release, recipe`` of the newest signed releases of recipes with this word in their names."""
    signed = signed_records(derived.releases).subquery()
    query = sa.select(signed.c.cid.label("release"), signed.c.recipe_name.label("recipe"))
    query = query.where(_holds(signed.c.recipe_name, word)).order_by(signed.c.issued_at.desc(), signed.c.cid)
    return [dict(row) for row in db.execute(query.limit(limit)).mappings()]


def published(db: sa.Connection, start: str, end: str, limit: int) -> list[dict[str, Any]]:
    """``kind, id`` of the newest releases and snapshots whose issuer's address begins and ends so, releases first."""
    found = []
    for kind, table in (("release", derived.releases), ("snapshot", derived.snapshots)):
        signed = signed_records(table).subquery()
        address = sa.func.lower(signed.c.issuer)
        query = sa.select(signed.c.cid).where(_holds(signed.c.issuer, f":{start}"), address.endswith(end.lower()))
        query = query.order_by(signed.c.issued_at.desc(), signed.c.cid).limit(limit)
        found += [{"kind": kind, "id": cid} for cid in db.scalars(query)]
    return found


def _holds(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(column).contains(word.lower(), autoescape=True)
