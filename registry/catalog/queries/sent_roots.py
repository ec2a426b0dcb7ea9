"""Which roots each token sent: what it may be told of, before they are registered and so public."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, insert_new
from registry.catalog.schema.arriving import sent_roots
from registry.core.ipld.cid import CID


def remember_sent(db: sa.Connection, token: str, roots: Iterable[CID]) -> None:
    """A CAR with these roots was taken whole."""
    insert_new(db, sent_roots, [{"token": token, "root": str(root)} for root in dict.fromkeys(roots)])


def sent_by(db: sa.Connection, token: str, cids: Iterable[str]) -> set[str]:
    """Which of these a token sent as roots."""
    found: set[str] = set()
    for part in chunks(cids):
        mine = (sent_roots.c.token == token, sent_roots.c.root.in_(part))
        found.update(db.scalars(sa.select(sent_roots.c.root).where(*mine)))
    return found
