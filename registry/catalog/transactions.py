"""The outbox of signed transactions in the catalog's database: implements
``registry.provenance.anchors.outbox.Outbox``.

Invariants: rows are only ever added. A row is decided under the lock of the sender's log, so of all processes that
share the database one signs at a time, and no nonce is used twice.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from registry.catalog import log_heads
from registry.catalog.database.database import Catalog, Connection
from registry.catalog.schema.operational import transactions
from registry.core.issuers import did_of
from registry.provenance.anchors.outbox import Decide, Sent

_NAMES = ("chain", "sender", "purpose", "nonce", "transaction", "raw")


class CatalogOutbox:
    """Signed transactions of all senders. ``catalog`` gives the database, and makes it where it is not there; whoever
    only looks (``there``) makes none."""

    def __init__(self, catalog: Callable[[], Catalog], there: Callable[[], bool] = lambda: True) -> None:
        self._catalog, self._there = catalog, there

    def rows(self, chain: str, sender: str) -> list[Sent]:
        """All that were kept for one sender on one chain, oldest first."""
        if not self._there():
            return []
        with self._catalog().read() as db:
            return _rows(db, chain, sender)

    def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
        """Keep what ``decide`` signs; it is committed when this returns."""
        with self._catalog().write(serial=False) as db:
            log_heads.lock(db, did_of(sender))
            sent = decide(_rows(db, chain, sender))
            if sent is not None:
                db.execute(sa.insert(transactions).values({name: getattr(sent, name) for name in _NAMES}))
            return sent


def _rows(db: Connection, chain: str, sender: str) -> list[Sent]:
    mine = (transactions.c.chain == chain) & (transactions.c.sender == sender)
    found = db.execute(
        sa.select(*(transactions.c[name] for name in _NAMES)).where(mine).order_by(transactions.c.position)
    )
    return [Sent(**row) for row in found.mappings()]
