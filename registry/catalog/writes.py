"""The log of writes: who asked to write what, when, and how it ended. Kept for good.

Invariants: append-only: nothing here updates or deletes, and triggers of both databases refuse it to whoever else is
connected. A write is noted before it begins, its outcome before its answer is complete; one without an outcome is under
way or was cut off, and may have been carried out.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import page_limit
from registry.catalog.schema.identity import tokens, write_outcomes, writes
from registry.core.errors import UsageError

LONGEST = 500  # characters of a path, which may be of any length


def begin(db: sa.Connection, **row: str | None) -> int:
    """Note a write that begins (``time, token, account, client, action, target, request``); its number."""
    row["target"] = (row["target"] or "")[:LONGEST]
    found = db.execute(sa.insert(writes).values(row).returning(writes.c.id)).scalar_one()
    return int(found)


def end(db: sa.Connection, write: int, status: int, time: str) -> None:
    """Note how a write ended, once."""
    db.execute(sa.insert(write_outcomes).values(write=write, status=status, time=time))


def list_writes(
    db: sa.Connection, *, token: str | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of writes (of one token, by id), the newest first, and the cursor of the next page or None."""
    joined = sa.outerjoin(writes, write_outcomes, write_outcomes.c.write == writes.c.id)
    joined = sa.outerjoin(joined, tokens, tokens.c.id == writes.c.token)
    named = sa.func.coalesce(tokens.c.name, tokens.c.id).label("name")
    query = sa.select(writes, named, write_outcomes.c.status, write_outcomes.c.time.label("ended")).select_from(joined)
    if token is not None:
        query = query.where(writes.c.token == token)
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 18:
            raise UsageError("this cursor was not given by a page", hint="start again without a cursor.")
        query = query.where(writes.c.id < int(cursor))
    found = db.execute(query.order_by(writes.c.id.desc()).limit(page_limit(limit) + 1)).mappings().all()
    return [dict(row) for row in found[:limit]], str(found[limit - 1]["id"]) if len(found) > limit else None
