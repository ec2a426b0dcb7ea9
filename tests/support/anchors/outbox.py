"""An outbox in a database of its own, for tests of what is sent to a chain."""

from __future__ import annotations

import threading
from pathlib import Path

from registry.catalog.database.database import Catalog
from registry.catalog.schema.columns import metadata
from registry.catalog.schema.operational import log_heads, transactions
from registry.catalog.transactions import CatalogOutbox
from registry.provenance.anchors.outbox import Decide, Sent


class Kept(CatalogOutbox):
    """The outbox in the SQLite file ``path``, which may be opened again; ``all_rows`` are those of every sender."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.catalog = Catalog(f"sqlite:///{path}")
        metadata.create_all(self.catalog.engine, tables=[log_heads, transactions])
        super().__init__(lambda: self.catalog)

    def all_rows(self) -> list[Sent]:
        names = ("chain", "sender", "purpose", "nonce", "transaction", "raw")
        with self.catalog.read() as db:
            found = db.execute(transactions.select().order_by(transactions.c.position)).mappings()
            return [Sent(**{name: row[name] for name in names}) for row in found]


class MemoryOutbox:
    """An outbox that lives as long as its process."""

    def __init__(self) -> None:
        self._rows: list[Sent] = []
        self._lock = threading.Lock()

    def rows(self, chain: str, sender: str) -> list[Sent]:
        return [one for one in self._rows if (one.chain, one.sender) == (chain, sender)]

    def add(self, chain: str, sender: str, decide: Decide) -> Sent | None:
        with self._lock:
            sent = decide(self.rows(chain, sender))
            self._rows += [sent] if sent else []
            return sent
