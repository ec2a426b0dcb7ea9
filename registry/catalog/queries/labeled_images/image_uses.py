"""Which snapshots, preprocessings and releases an image is in, newest first and no more than asked for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.queries.signed_records.entries import signed_records
from registry.catalog.schema import derived, operational

_HELD = derived.snapshot_members.c


def snapshots_of(db: sa.Connection, sha256: str, limit: int) -> list[dict[str, Any]]:
    """``snapshot, excluded, time, issuer`` of signed snapshots that hold the image or leave it out."""
    signed = signed_records(derived.snapshots).subquery()
    query = (
        sa.select(_HELD.snapshot, _HELD.excluded, signed.c.issued_at.label("time"), signed.c.issuer)
        .join(signed, signed.c.cid == _HELD.snapshot)
        .where(_HELD.sha256 == sha256)
        .order_by(signed.c.issued_at.desc(), _HELD.snapshot)
    )
    found = db.execute(query.limit(limit)).mappings()
    return [{**row, "excluded": bool(row["excluded"])} for row in found]


def _holding(sha256: str) -> sa.Select[str]:
    return sa.select(_HELD.snapshot).where(_HELD.sha256 == sha256, ~_HELD.excluded)


def preprocessings_of(db: sa.Connection, sha256: str, limit: int) -> list[dict[str, Any]]:
    """``preprocessing, snapshot, run`` (None: of no run here) of every cleaning of a snapshot with the image."""
    made, runs = derived.preprocessings.c, operational.runs.c
    of_records = sa.select(made.cid, made.snapshot, sa.null().label("run")).where(made.snapshot.in_(_holding(sha256)))
    of_runs = (
        sa.select(runs.preprocessing, runs.snapshot, runs.id)
        .where(runs.snapshot.in_(_holding(sha256)), runs.preprocessing.is_not(None))
        .order_by(runs.created.desc(), runs.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for query in (of_runs, of_records):
        for cid, snapshot, run in db.execute(query.limit(limit)):
            found.setdefault(cid, {"preprocessing": cid, "snapshot": snapshot, "run": run})
    return list(found.values())[:limit]


def releases_of(db: sa.Connection, sha256: str, limit: int) -> list[dict[str, Any]]:
    """``release, time, issuer, recipe`` of signed releases of a snapshot with the image, which their
    cleaning may have dropped."""
    signed = signed_records(derived.releases).subquery()
    query = (
        sa.select(
            signed.c.cid.label("release"),
            signed.c.issued_at.label("time"),
            signed.c.issuer,
            signed.c.recipe_name.label("recipe"),
        )
        .where(signed.c.snapshot.in_(_holding(sha256)))
        .order_by(signed.c.issued_at.desc(), signed.c.cid)
    )
    return [dict(row) for row in db.execute(query.limit(limit)).mappings()]


def withdrawals_of(db: sa.Connection, sha256: str) -> list[dict[str, Any]]:
    """``reason, effective, remedy, issuer, entry`` of every withdrawal of the image, first to last."""
    e, w = derived.entries.c, derived.withdrawals.c
    aliases = sa.select(derived.image_cids.c.cid).where(derived.image_cids.c.sha256 == sha256)
    query = (
        sa.select(w.reason, w.effective, w.remedy, e.issuer, e.cid.label("entry"))
        .join(derived.entries, e.record == w.cid)
        .where(sa.or_(w.target == sha256, w.target.in_(aliases)))
        .order_by(w.effective, e.cid)
    )
    return [dict(row) for row in db.execute(query).mappings()]
