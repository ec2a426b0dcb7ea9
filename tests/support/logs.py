"""What a catalog knows of logs, for tests to look at."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.schema.derived import entries


def all_entries(db: sa.Connection) -> list[dict[str, Any]]:
    """Every issuer's entries, log after log, each oldest first: all columns of ``entries``."""
    query = sa.select(entries).order_by(entries.c.issuer, entries.c.seq)
    return [dict(row) for row in db.execute(query).mappings()]


def log_of(db: sa.Connection, issuer: str) -> list[dict[str, Any]]:
    """One issuer's entries, oldest first."""
    return [row for row in all_entries(db) if row["issuer"] == issuer]
