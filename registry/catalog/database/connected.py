"""One connection to the catalog that reads and writes in turn, and so keeps its temporary tables.

Invariants: ``read`` and ``write`` are what ``Catalog``'s are, but what ``read`` writes into temporary tables stays; the
writers' lock is held within ``write`` alone. Temporary tables are dropped by whoever made them, or the connection is
discarded: it goes back to the pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa

from registry.catalog.database.asking import asking
from registry.catalog.database.database import WRITER_LOCK, Catalog, Connection
from registry.catalog.database.engines import translated


class Connected:
    """Made by ``connected``; for one thread."""

    def __init__(self, db: Connection, catalog: Catalog) -> None:
        self._db, self._catalog = db, catalog

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A short transaction in which nothing but temporary tables is written."""
        with translated(), self._db.begin():
            yield self._db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that has the writers' lock."""
        with translated():
            self._db.execution_options(writes=True)
            try:
                with ExitStack() as stack:
                    with asking(self._catalog.folder):
                        stack.enter_context(self._db.begin())
                    if self._catalog.is_postgresql:
                        self._db.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
                    yield self._db
            finally:
                self._db.execution_options(writes=False)

    def discard(self) -> None:
        """Close the connection instead of keeping it for others: its temporary tables could not be dropped."""
        self._db.invalidate()


@contextmanager
def connected(catalog: Catalog) -> Iterator[Connected]:
    """A connection of one's own, until the block ends."""
    with translated(), catalog.engine.connect() as db:
        yield Connected(db, catalog)
