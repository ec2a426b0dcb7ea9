"""What tells whether an answer that was given before would be given again.

Invariants: ``version`` changes with every commit of anybody on SQLite, at once; on PostgreSQL it may be ``AGE`` seconds
old, but a write of this process shows at once. A mark is read again only after the version has changed, so an answer
that depends on one is old by no more than that; and who has written waits for as long (``settle``) before it says so:
no answer that is older than an acknowledged write is given by anybody. Marks are counts of tables that only grow, or
the time of a change.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import NamedTuple

import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.queries.counts import rows_of
from registry.catalog.queries.roots import withheld_mark
from registry.catalog.schema import derived
from registry.catalog.schema.operational import kept_audits

AGE = 0.25
Version = tuple[object, ...]


def settle(catalog: Catalog) -> None:
    """Wait, after a write that may change kept answers, until no process gives what was kept before it."""
    if catalog.is_postgresql:
        time.sleep(AGE)


class Marks(NamedTuple):
    """``said`` changes with whatever is said, withdrawn or anchored, ``records`` with that and with audits that are
    kept, ``withheld`` with what is given out no more; both others include it."""

    records: tuple[object, ...]
    withheld: tuple[int, ...]
    said: tuple[object, ...] = ()


class Watch:
    """Watches one catalog. Threads may share it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self._lock = catalog, threading.Lock()
        self._file = None if catalog.is_postgresql else _connection(catalog)
        self._asked: tuple[float, Version] = (0.0, ())
        self._known: tuple[Version, Marks] | None = None

    def known(self) -> Marks | None:
        """The marks where they are known to be right, without waiting for a database; None: ask ``marks``."""
        known = self._known
        return known[1] if known is not None and known[0] == self._cheap_version() else None

    def _cheap_version(self) -> Version | None:
        if self._file is not None:
            with self._lock:
                return (self._file.execute("PRAGMA data_version").fetchone()[0], self._catalog.writes)
        at, version = self._asked
        fresh = time.monotonic() - at < AGE
        return (*version[:-1], self._catalog.writes) if fresh and version else None

    def marks(self) -> Marks:
        """The marks; asks the database, for some milliseconds."""
        version = self._cheap_version()
        if self._file is None:
            at, writes = time.monotonic(), self._catalog.writes
            with self._catalog.read() as db:
                version = (db.scalar(sa.text("SELECT pg_current_snapshot()::text")), writes)
            self._asked = (at, version)
        known = self._known
        if known is not None and known[0] == version:
            return known[1]
        with self._catalog.read() as db:
            found = _read(db)
        self._known = (version or (), found)  # read after the version: never newer than what it stands for
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def _connection(catalog: Catalog) -> sqlite3.Connection:
    """Of its own: a connection does not see its own changes, and this one makes none."""
    path = catalog.engine.url.database or ""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)


def _read(db: sa.Connection) -> Marks:
    said = rows_of(db, derived.entries, derived.evidence, derived.records)
    audited = db.execute(sa.select(sa.func.count(), sa.func.max(kept_audits.c.updated))).one()
    withheld = withheld_mark(db)
    return Marks((*said, *audited, *withheld), withheld, (*said, *withheld))
