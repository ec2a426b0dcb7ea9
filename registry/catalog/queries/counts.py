"""Counts of the catalog's rows, and of runs by status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from registry.catalog.queries.labeled_images import image_counts
from registry.catalog.schema import derived
from registry.catalog.schema.operational import JOB_STATES, RUN_STATES, jobs, runs

_COUNTED = (derived.entries, derived.snapshots, derived.releases)


def rows_of(db: sa.Connection, *tables: sa.Table, more: Sequence[sa.ScalarSelect[int]] = ()) -> tuple[int, ...]:
    """How many rows each table has, and ``more`` counts, in one question."""
    counted = (sa.select(sa.func.count()).select_from(table).scalar_subquery() for table in tables)
    return tuple(db.execute(sa.select(*counted, *more)).one())


def entries(db: sa.Connection) -> int:
    """How many entries the catalog knows."""
    return rows_of(db, derived.entries)[0]


def known(db: sa.Connection) -> dict[str, int]:
    """How many ``images`` with a label, ``entries, snapshots, releases`` the catalog knows."""
    counted = dict(zip((table.name for table in _COUNTED), rows_of(db, *_COUNTED), strict=True))
    return {"images": image_counts.images(db, "listed"), **counted}


def runs_by_status(db: sa.Connection) -> dict[str, int]:
    """How many runs there are in every status, in the order of ``RUN_STATES``; 0 where there is none."""
    query = sa.select(runs.c.status, sa.func.count()).group_by(runs.c.status)
    found = {str(status): int(count) for status, count in db.execute(query)}
    return {status: found.get(status, 0) for status in RUN_STATES}


class Queue(NamedTuple):
    """Jobs by state, when the oldest that could begin was made (None: none), and workers that hold one."""

    by_state: dict[str, int]
    oldest: str | None
    workers: int


def queue(db: sa.Connection, now: float) -> Queue:
    """How the queue stands at ``now``, in seconds since 1970."""
    j = jobs.c
    states = dict.fromkeys(JOB_STATES, 0)
    for state, count in db.execute(sa.select(j.state, sa.func.count()).group_by(j.state)):
        states[str(state)] = int(count)
    ready = (j.state == "queued", sa.or_(j.not_before.is_(None), j.not_before <= now))
    oldest = db.scalar(sa.select(sa.func.min(j.created)).where(*ready))
    held = sa.select(sa.func.count(j.worker.distinct())).where(j.state == "running", j.lease_until > now)
    return Queue(states, oldest, db.scalar(held) or 0)
