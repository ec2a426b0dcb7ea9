"""Audits that were made here: each with the checks that were made so far, and with its report once it is whole.

Invariants: an id begins with the time of its audit, so ids in falling order are audits from the newest on. A report
that is whole is never changed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, page_limit
from registry.catalog.schema.operational import kept_audits
from registry.core.errors import NotFound

FIGURES = 6  # the level that computes them again; it is among those that are checked unless asked otherwise
_T = kept_audits.c
_LINE = ("id", "target", "name", "held", "level", "status", "error", "created", "updated")


def add(db: sa.Connection, *, target: str, name: str, held: bool, level: int | None, now: str) -> str:
    """Note an audit that begins; its id. A later one of the same second has a greater id."""
    within = time.time_ns() % 1_000_000_000
    identity = f"{now.replace('-', '').replace(':', '').lower()}-{within:08x}{secrets.token_hex(2)}"
    row = {"id": identity, "target": target, "name": name, "held": held, "level": level, "checks": []}
    db.execute(sa.insert(kept_audits).values({**row, "status": "running", "created": now, "updated": now}))
    return identity


def prune(db: sa.Connection, most: int) -> None:
    """Forget the oldest, so that no more than so many are kept: who asks for audits needs no account."""
    last = db.scalar(sa.select(_T.id).order_by(_T.id.desc()).offset(most).limit(1))
    if last is not None:
        db.execute(sa.delete(kept_audits).where(_T.id <= last))


def save_checks(db: sa.Connection, identity: str, checks: Sequence[Mapping[str, Any]], now: str) -> None:
    """The checks that were made so far, of one that is under way."""
    values = {"checks": list(checks), "updated": now}
    db.execute(sa.update(kept_audits).where(_T.id == identity, _T.status == "running").values(values))


def finish(db: sa.Connection, identity: str, report: Mapping[str, Any], now: str) -> None:
    """Store the report of a running audit and end it; its ``target`` is now the report's. One that ended stays."""
    values = {"status": "done", "report": dict(report), "checks": report["checks"], "target": report["target"]}
    db.execute(sa.update(kept_audits).where(_T.id == identity, _T.status == "running").values(**values, updated=now))


def fail(db: sa.Connection, identity: str, error: str, now: str) -> None:
    """Why there is no report."""
    values = {"status": "failed", "error": error, "updated": now}
    db.execute(sa.update(kept_audits).where(_T.id == identity, _T.status == "running").values(values))


def get(db: sa.Connection, identity: str) -> dict[str, Any]:
    """One audit, with ``checks`` and ``report``. ``NotFound`` if there is none by this id."""
    row = db.execute(sa.select(kept_audits).where(_T.id == identity)).mappings().first()
    if row is None:
        raise NotFound(f"there is no audit {identity!r}", hint="/audits lists those that were made here.")
    return {**row, "held": bool(row["held"])}


def list_audits(
    db: sa.Connection, target: str | None = None, cursor: str | None = None, limit: int = 30
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of audits (of one target), the newest first, and the cursor of the next page or None.

    ``records`` is what the report says of the records (consistent, broken, undecided); None while there is none.
    """
    query = sa.select(*(_T[name] for name in _LINE), _T.report["records"].as_string().label("records"))
    if target is not None:
        query = query.where(_T.target == target)
    if cursor is not None:
        query = query.where(_T.id < cursor)
    found = db.execute(query.order_by(_T.id.desc()).limit(page_limit(limit) + 1)).mappings().all()
    page = [{**row, "held": bool(row["held"])} for row in found[:limit]]
    return page, page[-1]["id"] if len(found) > limit else None


def newest_reports(db: sa.Connection, targets: Collection[str]) -> dict[str, dict[str, Any]]:
    """By target the newest whole audit of what is held here that looked at the figures, as ``get`` gives it."""
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(targets):
        newest = (
            sa.select(sa.func.max(_T.id))
            .where(_T.target.in_(part), _T.held, _T.status == "done", sa.or_(_T.level.is_(None), _T.level >= FIGURES))
            .group_by(_T.target)
        )
        for row in db.execute(sa.select(kept_audits).where(_T.id.in_(newest))).mappings():
            found[row["target"]] = {**row, "held": True}
    return found


def put(db: sa.Connection, audit: Mapping[str, Any]) -> None:
    """Keep a whole audit as ``newest_reports`` gives it, in a catalog that has none by its id."""
    db.execute(sa.insert(kept_audits).values(**audit))


def under_way(db: sa.Connection, target: str, level: int | None, since: str) -> str | None:
    """The same audit of what is held here, where one is under way and was heard of since a time."""
    same = (_T.target == target) & _T.held & (_T.status == "running") & (_T.updated >= since)
    asked = _T.level.is_(None) if level is None else _T.level == level
    found: str | None = db.scalar(sa.select(_T.id).where(same, asked).order_by(_T.id.desc()).limit(1))
    return found
