"""Which records' content left this registry in files, as far as that is known: what somebody downloads is not noted."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, insert_new
from registry.catalog.schema.operational import exports


def note(db: sa.Connection, cid: str, form: str, now: str) -> None:
    """Remember that a file was made. Again in the same second: no-op."""
    insert_new(db, exports, [{"cid": cid, "form": form, "time": now}])


def of(db: sa.Connection, cids: Collection[str]) -> list[dict[str, str]]:
    """``cid, form, time`` of files that were made of these, oldest first."""
    found: list[dict[str, str]] = []
    for part in chunks(set(cids)):
        found += [dict(row) for row in db.execute(sa.select(exports).where(exports.c.cid.in_(part))).mappings()]
    return sorted(found, key=lambda one: (one["time"], one["cid"], one["form"]))
