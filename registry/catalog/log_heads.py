"""The newest entry of each log that is written here, and entries that may not be in the store yet.

Invariants: a process that appends to a log, or puts its pending entries into the store, first locks the log's row, so
on any number of machines one process does so at a time. A head only moves forward. A rebuild of the catalog leaves both
tables alone, because they hold entries that no store has yet; it may only move a head forward, to an entry that needs a
newer program.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from registry.catalog.database.database import Connection
from registry.catalog.database.sql import insert_new
from registry.catalog.schema import operational
from registry.core import records
from registry.core.ipld.cid import CID

Head = tuple[int, CID]  # place in the log, entry
Pending = tuple[CID, int, bytes]  # entry, place in the log, its bytes

_H, _P = operational.log_heads, operational.pending_entries


def lock(db: Connection, issuer: str) -> Head | None:
    """Lock an issuer's log until the transaction ends; where it ends, None if nothing was appended to it here."""
    insert_new(db, _H, [{"issuer": issuer, "seq": -1, "entry": None}])
    row = db.execute(sa.select(_H.c.seq, _H.c.entry).where(_H.c.issuer == issuer).with_for_update()).one()
    return (row.seq, CID.parse(row.entry)) if row.entry is not None else None


def set_head(db: Connection, issuer: str, seq: int, entry: CID) -> None:
    """The log ends here now; its row is locked. A place before the known one changes nothing."""
    older = (_H.c.issuer == issuer) & (_H.c.seq < seq)
    db.execute(sa.update(_H).where(older).values(seq=seq, entry=str(entry)))


def issuers(db: Connection) -> list[str]:
    """Whose logs are written here, sorted."""
    return list(db.scalars(sa.select(_H.c.issuer).where(_H.c.seq >= 0).order_by(_H.c.issuer)))


def add_pending(db: Connection, cid: CID, entry: records.Entry, data: bytes) -> None:
    """Remember an entry's bytes until they are known to be in the store."""
    db.execute(sa.insert(_P).values(cid=str(cid), issuer=entry.issuer, seq=entry.seq, data=data))


def pending(db: Connection, issuer: str) -> list[Pending]:
    """An issuer's entries whose bytes may not be in the store yet, oldest first."""
    found = db.execute(sa.select(_P).where(_P.c.issuer == issuer).order_by(_P.c.seq))
    return [(CID.parse(row.cid), row.seq, row.data) for row in found]


def drop_pending(db: Connection, cids: Sequence[CID]) -> None:
    """Forget pending entries: their bytes are in the store, and flushed."""
    db.execute(sa.delete(_P).where(_P.c.cid.in_([str(cid) for cid in cids])))
