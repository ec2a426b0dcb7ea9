"""Rows that wait in a temporary table until they are registered, and come out of it sorted, a page at a time.

Invariants: no more than ``page`` rows are held in memory, however many wait; a connection is taken, and a table made,
only where more than that wait. What a row says is opaque here: bytes beside its image, its contributor and its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from operator import itemgetter
from types import TracebackType
from typing import NamedTuple

import sqlalchemy as sa

from registry.catalog.database.bulk import insert_tuples
from registry.catalog.database.connected import Connected, connected
from registry.catalog.database.database import Catalog, Connection
from registry.core.errors import EmotionetError

_TABLE = "staged_rows"
CACHE = 64 << 10  # KiB of pages that SQLite keeps in memory while many rows are written
SORTED = 32 << 10  # KiB that PostgreSQL sorts in memory; the rest in its files


class StagedRow(NamedTuple):
    """``number`` is the order in which rows came."""

    sha256: str
    contributor: str
    number: int
    data: bytes


_KEY = itemgetter(0, 1, 2)


class Staged:
    """A stage; used as a context, by one thread."""

    def __init__(self, catalog: Catalog, page: int, cache: int = CACHE) -> None:
        self._catalog, self._page, self._cache = catalog, page, cache
        self._waiting: list[StagedRow] = []
        self._stack = ExitStack()
        self._connected: Connected | None = None
        self.count = 0

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def add(self, sha256: bytes, contributor: str, data: bytes, *, number: int | None = None) -> None:
        """Let one more row wait; its number is its place among all unless given."""
        self.count += 1
        self._waiting.append(StagedRow(sha256.hex(), contributor, self.count if number is None else number, data))
        if len(self._waiting) > self._page:
            self._spill()

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction with the writers' lock; of the stage's own connection where it has one."""
        return self._connected.write() if self._connected else self._catalog.write()

    def rows(self) -> Iterator[list[StagedRow]]:
        """All rows by image, contributor and number, a page at a time; nothing is added any more.

        No transaction is open when a page is given out.
        """
        if self._connected is None:
            self._waiting.sort(key=_KEY)
            yield self._waiting
            return
        self._spill()
        yield from self._by_cursor(self._connected) if self._catalog.is_postgresql else self._by_key(self._connected)

    def _by_cursor(self, connection: Connected) -> Iterator[list[StagedRow]]:
        """On PostgreSQL: sorted once, and kept by the server over transactions."""
        with connection.read() as db:
            db.exec_driver_sql(f"SET LOCAL work_mem = '{SORTED}kB'")
            db.exec_driver_sql(
                "DECLARE staged_sorted CURSOR WITH HOLD FOR "
                "SELECT sha256, contributor, number, data FROM staged_rows ORDER BY sha256, contributor, number"
            )
        while True:
            with connection.read() as db:
                fetched = db.exec_driver_sql(f"FETCH {self._page} FROM staged_sorted").fetchall()
            if not fetched:
                return
            yield list(map(StagedRow._make, fetched))

    def _by_key(self, connection: Connected) -> Iterator[list[StagedRow]]:
        """On SQLite, which has no such cursors: each page begins after the key that ended the one before."""
        with connection.read() as db:
            db.exec_driver_sql(f"CREATE INDEX {_TABLE}_key ON {_TABLE} (sha256, contributor, number)")
        place: tuple[str, str, int] = ("", "", 0)
        page = sa.text(
            "SELECT sha256, contributor, number, data FROM staged_rows "
            "WHERE (sha256, contributor, number) > (:a, :b, :c) ORDER BY sha256, contributor, number LIMIT :page"
        )
        while True:
            with connection.read() as db:
                asked = {**dict(zip("abc", place, strict=True)), "page": self._page}
                found = list(map(StagedRow._make, db.execute(page, asked).fetchall()))
            if not found:
                return
            place = _KEY(found[-1])
            yield found

    def _spill(self) -> None:
        if self._connected is None:
            self._connected = self._stack.enter_context(connected(self._catalog))
            self._stack.callback(self._drop)
            with self._connected.read() as db:
                self._make(db)
        with self._connected.read() as db:
            insert_tuples(db, _TABLE, StagedRow._fields, self._waiting)
        self._waiting = []

    def _make(self, db: Connection) -> None:
        text, data = ('TEXT COLLATE "C"', "BYTEA") if self._catalog.is_postgresql else ("TEXT", "BLOB")
        db.exec_driver_sql(
            f"CREATE TEMP TABLE {_TABLE} (sha256 {text}, contributor {text}, number BIGINT, data {data})"
        )
        if not self._catalog.is_postgresql:
            db.exec_driver_sql(f"PRAGMA cache_size = -{self._cache}")

    def _drop(self) -> None:
        """Give the connection back as it was. Where that fails, as on a full disk, it is closed instead, and what
        failed before is what is told."""
        assert self._connected is not None
        try:
            with self._connected.read() as db:
                if self._catalog.is_postgresql:
                    db.exec_driver_sql("CLOSE ALL")
                db.exec_driver_sql(f"DROP TABLE {_TABLE}")
                if not self._catalog.is_postgresql:
                    db.exec_driver_sql("PRAGMA cache_size = -2000")  # SQLite's own
        except EmotionetError:
            self._connected.discard()
