"""Which logs of other registries are followed, how far they were verified, and what was refused of them.

Invariants: of one issuer at most ``MOST`` refusals are kept, the first of each kind about each thing. A head only moves
forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.database import Connection
from registry.catalog.database.sql import insert_new, storable
from registry.catalog.schema import derived
from registry.catalog.schema.followed import follow_refusals, followed
from registry.core.ipld.cid import CID

MOST = 200
NEW = "new"
_F, _R = followed.c, follow_refusals.c


def add(db: Connection, issuer: str, sources: Sequence[str], now: str) -> None:
    """Follow an issuer, or take these sources instead of those that are known."""
    row = {"issuer": issuer, "sources": list(sources), "seq": -1, "entry": None, "state": NEW, "added": now}
    insert_new(db, followed, [row])
    db.execute(sa.update(followed).where(_F.issuer == issuer).values(sources=list(sources)))


def drop(db: Connection, issuer: str) -> bool:
    """Follow it no longer; False if it was not followed."""
    db.execute(sa.delete(follow_refusals).where(_R.issuer == issuer))
    return bool(db.execute(sa.delete(followed).where(_F.issuer == issuer)).rowcount)


def find(db: Connection, issuer: str) -> dict[str, Any] | None:
    """The row of ``followed``; None if it is not followed."""
    row = db.execute(sa.select(followed).where(_F.issuer == issuer)).mappings().first()
    return None if row is None else dict(row)


def every(db: Connection) -> list[dict[str, Any]]:
    """Every row of ``followed``, by issuer."""
    return [dict(row) for row in db.execute(sa.select(followed).order_by(_F.issuer)).mappings()]


def head(db: Connection, issuer: str) -> tuple[CID, int] | None:
    """The newest entry that was verified, and its place."""
    row = db.execute(sa.select(_F.entry, _F.seq).where(_F.issuer == issuer, _F.entry.is_not(None))).first()
    return None if row is None else (CID.parse(row.entry), row.seq)


def set_head(db: Connection, issuer: str, seq: int, entry: CID) -> None:
    """The log was verified up to here. A place before the known one changes nothing."""
    older = (_F.issuer == issuer) & (_F.seq < seq)
    db.execute(sa.update(followed).where(older).values(seq=seq, entry=str(entry)))


def set_state(db: Connection, issuer: str, state: str, now: str, *, succeeded: bool) -> None:
    """How an attempt to bring it up to date ended."""
    done = {"succeeded": now} if succeeded else {}
    db.execute(sa.update(followed).where(_F.issuer == issuer).values(state=state, tried=now, **done))


def refuse(db: Connection, issuer: str, about: str, code: str, reason: str, now: str, *, again: bool) -> None:
    """Keep that something was refused; the same once."""
    if count(db, issuer) < MOST:
        row = {"issuer": issuer, "about": about, "code": code, "reason": reason[:500], "seen": now, "again": again}
        insert_new(db, follow_refusals, [storable(row)])


def count(db: Connection, issuer: str) -> int:
    """How many refusals are kept of an issuer."""
    return db.scalar(sa.select(sa.func.count()).where(_R.issuer == issuer)) or 0


def accept(db: Connection, issuer: str, about: str) -> None:
    """Forget what was refused and could be tried again: by now it holds."""
    db.execute(sa.delete(follow_refusals).where(_R.issuer == issuer, _R.about == about, _R.again))


def refusals(db: Connection, issuer: str) -> list[dict[str, Any]]:
    """What was refused of an issuer, the first seen first."""
    query = sa.select(_R.about, _R.code, _R.reason, _R.seen, _R.again).where(_R.issuer == issuer)
    return [dict(row) for row in db.execute(query.order_by(_R.seen, _R.about, _R.code)).mappings()]


def waiting(db: Connection, issuer: str) -> list[CID]:
    """The verified entries of whose records nothing is indexed and that were not refused for good, in order."""
    e, final = derived.entries.c, sa.exists().where(_R.issuer == issuer, _R.about == derived.entries.c.cid, ~_R.again)
    known = sa.select(_F.seq).where(_F.issuer == issuer).scalar_subquery()
    query = sa.select(e.cid).where(e.issuer == issuer, e.record_type.is_(None), e.seq <= known, ~final)
    return [CID.parse(text) for text in db.scalars(query.order_by(e.seq))]
