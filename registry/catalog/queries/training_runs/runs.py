"""Runs and their state. This table can't be rebuilt: no record holds a run that has not ended.

Invariants: a run's id is opaque; ``status`` alone says whether and how it ended; fields hold plain values (CIDs as
text, times as RFC 3339 text).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, insert_new, page_limit
from registry.catalog.schema import derived
from registry.catalog.schema.operational import run_folds, runs
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
REFIT = -1  # how the column ``fold`` says "trained on all"
_DOCUMENT = ("plan", "draw", "snapshot", "status", "kept", "dropped", "release", "error")


def create(
    db: sa.Connection,
    *,
    snapshot: str,
    recipe_name: str,
    engine: str | None,
    options: Mapping[str, Any],
    now: str,
    status: str = "queued",
    run: str | None = None,
    **fields: Any,
) -> str:
    """A new run; returns its id, which is made up unless ``run`` is given."""
    run = run or "r" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
    row = {
        "id": run,
        "snapshot": snapshot,
        "recipe_name": recipe_name,
        "engine": engine,
        "options": dict(options),
        "status": status,
        "created": now,
        "updated": now,
        **fields,
    }
    db.execute(sa.insert(runs).values(row))
    return run


def update(db: sa.Connection, run: str, **fields: Any) -> None:
    """Set columns of a run's row. ``NotFound`` if there is none."""
    changed = db.execute(sa.update(runs).where(runs.c.id == run).values(**fields).returning(runs.c.id)).first()
    if changed is None:
        raise _unknown(run)


def _unknown(run: str) -> NotFound:
    return NotFound(f"there is no run {run!r}", hint="`emotionet runs list` lists them.")


def exists(db: sa.Connection, run: str) -> bool:
    """Whether there is a run of this id."""
    return db.scalar(sa.select(runs.c.id).where(runs.c.id == run)) is not None


def row(db: sa.Connection, run: str) -> dict[str, Any]:
    """All columns of a run's row, ``id`` and ``options`` among them. ``NotFound`` if there is none."""
    found = db.execute(sa.select(runs).where(runs.c.id == run)).mappings().first()
    if found is None:
        raise _unknown(run)
    return dict(found)


def set_fold(db: sa.Connection, run: str, fold: int | None, **fields: Any) -> None:
    """Set columns of one fold's row (None: the refit), made at the first call with status ``queued``.

    ``status, epoch, epochs, training, predictions, tensors, error``. ``Conflict`` if there is no such run.
    """
    number = REFIT if fold is None else fold
    insert_new(db, run_folds, [{"run": run, "fold": number, "status": fields.get("status", "queued")}])
    if fields:
        mine = (run_folds.c.run == run) & (run_folds.c.fold == number)
        db.execute(sa.update(run_folds).where(mine).values(**fields))


def stop_folds(db: sa.Connection, run: str, status: str) -> None:
    """Give folds that are queued or running this status."""
    mine = (run_folds.c.run == run) & run_folds.c.status.in_(("queued", "running"))
    db.execute(sa.update(run_folds).where(mine).values(status=status))


def folds(db: sa.Connection, run: str) -> list[dict[str, Any]]:
    """The folds' rows in order; ``fold`` is None for the refit, which comes last."""
    found = db.execute(sa.select(run_folds).where(run_folds.c.run == run)).mappings()
    ordered = sorted(found, key=lambda one: (one["fold"] == REFIT, one["fold"]))
    return [{**one, "fold": None if one["fold"] == REFIT else one["fold"]} for one in ordered]


def _document(db: sa.Connection, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": found["id"],
        "recipe": found["recipe_name"],
        **{name: found[name] for name in _DOCUMENT},
        "folds": [
            {name: one[name] for name in ("fold", "status", "epochs", "tensors")} for one in folds(db, found["id"])
        ],
    }


def ended(db: sa.Connection) -> list[str]:
    """Ids of all runs that nobody works on any more."""
    return list(db.scalars(sa.select(runs.c.id).where(runs.c.status.in_(("completed", "failed", "cancelled")))))


def get(db: sa.Connection, run: str) -> dict[str, Any]:
    """The document of `emotionet runs show --json`, and ``error``. ``NotFound`` if there is no such run.

    ``epochs`` of a fold is how many it trains for (it may stop earlier).
    """
    return _document(db, row(db, run))


def list_runs(
    db: sa.Connection,
    cursor: str | None = None,
    limit: int = 100,
    *,
    status: str | None = None,
    snapshot: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of runs as ``get`` gives them, newest first, and the cursor of the next page or None; ``status`` and
    ``snapshot`` (its CID): only such runs."""
    found, after = page_of_rows(db, cursor, limit, status=status, snapshot=snapshot)
    return [_document(db, one) for one in found], after


def page_of_rows(
    db: sa.Connection, cursor: str | None, limit: int, *, status: str | None = None, snapshot: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """The same as rows (``row``)."""
    query = sa.select(runs).order_by(runs.c.created.desc(), runs.c.id.desc())
    if status is not None:
        query = query.where(runs.c.status == status)
    if snapshot is not None:
        query = query.where(runs.c.snapshot == snapshot)
    if cursor is not None:
        time, run = decode_cursor(cursor, 2)
        query = query.where(
            sa.or_(
                runs.c.created < time,
                sa.and_(runs.c.created == time, runs.c.id < run),
            )
        )
    found = db.execute(query.limit(page_limit(limit) + 1)).mappings().all()
    page = found[:limit]
    after = encode_cursor(page[-1]["created"], page[-1]["id"]) if len(found) > limit else None
    return [dict(one) for one in page], after


def in_work(db: sa.Connection, limit: int) -> list[dict[str, Any]]:
    """Runs that are queued or running, as ``get`` gives them, newest first."""
    query = sa.select(runs).where(runs.c.status.in_(("queued", "running")))
    found = db.execute(query.order_by(runs.c.created.desc(), runs.c.id.desc()).limit(limit)).mappings()
    return [_document(db, dict(one)) for one in found.all()]


def unfinished(
    db: sa.Connection, issuer: str, snapshot: str, recipe_name: str, options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The newest run of this issuer, snapshot, recipe and options that has not completed; None if there is none.

    One that failed before its folds were drawn has done nothing that is worth going on with.
    """
    same = (runs.c.snapshot == snapshot) & (runs.c.recipe_name == recipe_name) & (runs.c.status != "completed")
    same &= sa.or_(runs.c.issuer == issuer, runs.c.issuer.is_(None))
    query = sa.select(runs).where(same).order_by(runs.c.created.desc(), runs.c.id.desc())
    for found in db.execute(query).mappings():
        if _same(found["options"], options) and (found["status"] != "failed" or found["draw"] is not None):
            return dict(found)
    return None


def _same(options: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """What a run is to be called changes nothing of its training."""
    return {**options, "name": None} == {**others, "name": None}


def find_by_plan(db: sa.Connection, plan: CID, issuer: str | None = None) -> list[str]:
    """Ids of the runs of a plan, oldest first (an equal plan may have been run twice); ``issuer``: of nobody else."""
    query = sa.select(runs.c.id).where(runs.c.plan == str(plan)).order_by(runs.c.created, runs.c.id)
    if issuer is not None:
        query = query.where(sa.or_(runs.c.issuer == issuer, runs.c.issuer.is_(None)))
    return list(db.scalars(query))


def on_snapshots(db: sa.Connection, snapshots: Collection[str]) -> list[dict[str, str]]:
    """Runs on these snapshots, oldest first: ``run, status, snapshot``."""
    found: list[dict[str, str]] = []
    for part in chunks(snapshots):
        query = sa.select(runs.c.id.label("run"), runs.c.status, runs.c.snapshot).where(runs.c.snapshot.in_(part))
        found += [dict(row) for row in db.execute(query.order_by(runs.c.created, runs.c.id)).mappings()]
    return found


def on_images(db: sa.Connection, sha256s: Collection[str]) -> list[tuple[str, str]]:
    """Id and status of the runs whose snapshot holds any of these images."""
    held = derived.snapshot_members.c
    found: dict[str, str] = {}
    for part in chunks(sha256s):
        named = sa.select(held.snapshot).where(held.sha256.in_(part), ~held.excluded)
        found |= {
            row.id: row.status
            for row in db.execute(sa.select(runs.c.id, runs.c.status).where(runs.c.snapshot.in_(named)))
        }
    return sorted(found.items())
