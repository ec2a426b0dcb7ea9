"""What a run's events say, for people who look at it: its epochs, its log, where it stands.

Invariant: events are read in the order of their numbers; what is read is bounded, however long a run is.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.schema.operational import job_events as events

MOST_EPOCHS = 50_000  # events of epochs that are read of one run
_COLUMNS = (events.c.seq, events.c.kind, events.c.data, events.c.time)


def epochs(db: sa.Connection, run: str) -> list[dict[str, Any]]:
    """What each fold told at the end of an epoch, in order: {fold, epoch, epochs, ...} and ``time``."""
    query = sa.select(events.c.data, events.c.time).where(events.c.run == run, events.c.kind == "fold")
    rows = db.execute(query.order_by(events.c.seq).limit(MOST_EPOCHS))
    return [{**row.data, "time": row.time} for row in rows if "epoch" in row.data]


def newest_seq(db: sa.Connection, run: str) -> int:
    """The number of a run's newest event; 0 before the first."""
    return db.scalar(sa.select(sa.func.max(events.c.seq)).where(events.c.run == run)) or 0


def log(db: sa.Connection, run: str, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Events with numbers below ``before``, the newest first, without those that only count: {seq, kind, data, time}.

    Of epochs every one is among them.
    """
    query = sa.select(*_COLUMNS).where(events.c.run == run, events.c.kind != "progress")
    if before is not None:
        query = query.where(events.c.seq < before)
    return [dict(row) for row in db.execute(query.order_by(events.c.seq.desc()).limit(limit)).mappings()]


def last(db: sa.Connection, run: str, *kinds: str) -> dict[str, Any] | None:
    """The newest event of these kinds, or None: {seq, kind, data, time}."""
    query = sa.select(*_COLUMNS).where(events.c.run == run, events.c.kind.in_(kinds))
    row = db.execute(query.order_by(events.c.seq.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def of_kind(db: sa.Connection, run: str, kind: str, limit: int = 50) -> list[dict[str, Any]]:
    """The first events of a kind: {seq, kind, data, time}."""
    query = sa.select(*_COLUMNS).where(events.c.run == run, events.c.kind == kind)
    return [dict(row) for row in db.execute(query.order_by(events.c.seq).limit(limit)).mappings()]
