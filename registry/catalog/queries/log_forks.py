"""Logs that fork: of each, pairs of entries that its issuer signed and that exclude each other.

Invariants: both entries were read and their signatures verified before they came here. Of one issuer at most ``MOST``
pairs are kept: one says it all, and who forks a log could send any number.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, insert_new
from registry.catalog.schema.operational import log_forks

MOST = 8
_T = log_forks.c


def note(db: sa.Connection, *, issuer: str, held: str, refused: str, now: str) -> None:
    """Keep that an entry was refused because it excludes one that is held; the same pair once."""
    if (db.scalar(sa.select(sa.func.count()).where(_T.issuer == issuer)) or 0) < MOST:
        insert_new(db, log_forks, [{"issuer": issuer, "held": held, "refused": refused, "seen": now}])


def of(db: sa.Connection, issuers: Collection[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    """By issuer its pairs (``issuer, held, refused, seen``), the first seen first; of all without ``issuers``."""
    query = sa.select(log_forks).order_by(_T.issuer, _T.seen, _T.refused)
    parts = [query] if issuers is None else [query.where(_T.issuer.in_(part)) for part in chunks(issuers)]
    found: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        for row in db.execute(part).mappings():
            found.setdefault(row["issuer"], []).append(dict(row))
    return found
