"""Stamps in a database of their own, for tests of what stamps."""

from __future__ import annotations

import threading
from pathlib import Path

from registry.catalog.database.database import Catalog
from registry.catalog.schema.columns import metadata
from registry.catalog.schema.operational import stamps
from registry.catalog.stamps import CatalogStamps
from registry.core.errors import Unavailable


class Kept(CatalogStamps):
    """In the SQLite file ``path``, which may be opened again."""

    lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.catalog = Catalog(f"sqlite:///{path}")
        with self.lock:
            metadata.create_all(self.catalog.engine, tables=[stamps])
        super().__init__(lambda: self.catalog)


class Away(CatalogStamps):
    """In a database that does not answer."""

    def __init__(self) -> None:
        super().__init__(self._lost)

    @staticmethod
    def _lost() -> Catalog:
        raise Unavailable("the database is away")
