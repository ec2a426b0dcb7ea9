"""Counts of the catalog's rows, and of runs by status."""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog.schema import derived
from registry.catalog.schema.operational import RUN_STATES, runs

_COUNTED = (derived.images, derived.entries, derived.snapshots, derived.releases)


def rows_of(db: sa.Connection, *tables: sa.Table) -> tuple[int, ...]:
    """How many rows each table has, in one question."""
    counted = (sa.select(sa.func.count()).select_from(table).scalar_subquery() for table in tables)
    return tuple(db.execute(sa.select(*counted)).one())


def entries(db: sa.Connection) -> int:
    """How many entries the catalog knows."""
    return rows_of(db, derived.entries)[0]


def known(db: sa.Connection) -> dict[str, int]:
    """How many ``images, entries, snapshots, releases`` the catalog knows."""
    return dict(zip((table.name for table in _COUNTED), rows_of(db, *_COUNTED), strict=True))


def runs_by_status(db: sa.Connection) -> dict[str, int]:
    """How many runs there are in every status, in the order of ``RUN_STATES``; 0 where there is none."""
    query = sa.select(runs.c.status, sa.func.count()).group_by(runs.c.status)
    found = {str(status): int(count) for status, count in db.execute(query)}
    return {status: found.get(status, 0) for status in RUN_STATES}
