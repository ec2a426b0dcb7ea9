"""The newest schema without Alembic: what this process's first migration of a database of a kind made is said again to
the next empty one. Working it out takes Alembic ten times as long as saying it.

Invariants: only a database without any table is brought to HEAD so; every other step is Alembic's. Tests of migrations
take ``real_migrations``; programs that tests start migrate by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import HEAD, Catalog

Said = list[tuple[str, Any]]
NO_PART = ("SELECT", "BEGIN", "COMMIT")  # questions, and the transaction that it happens in

_alembics = Catalog._migrate
_said: dict[str, Said] = {}  # statements with their parameters, by the kind of database


def _migrate(self: Catalog, direction: str, revision: str) -> None:
    known = _said.get(self.engine.dialect.name)
    if (direction, revision) != ("upgrade", HEAD):
        _alembics(self, direction, revision)
    elif known is None:
        _learn(self)
    elif not _say_again(self, known):
        _alembics(self, direction, revision)


def _say_again(catalog: Catalog, known: Said) -> bool:
    """Whether the database was empty, and has the schema now."""
    with catalog._migrating() as db:  # its lock is held throughout: whoever comes second finds it done
        if not _is_empty(db):
            return False
        for statement, parameters in known:
            db.exec_driver_sql(statement, parameters)
    return True


def _is_empty(db: sa.Connection) -> bool:
    return not sa.inspect(db).get_table_names()


def _learn(catalog: Catalog) -> None:
    with catalog.read() as db:
        empty = _is_empty(db)
    with _listened(catalog) as said:
        _alembics(catalog, "upgrade", HEAD)
    if empty and said:  # by nobody else meanwhile
        _said[catalog.engine.dialect.name] = said if catalog.is_postgresql else _dump(catalog)


@contextmanager
def _listened(catalog: Catalog) -> Iterator[Said]:
    said: Said = []

    def note(db: object, cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if not statement.lstrip().startswith(NO_PART):
            said.append((statement, parameters or None))

    sa.event.listen(catalog.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        sa.event.remove(catalog.engine, "before_cursor_execute", note)


def _dump(catalog: Catalog) -> Said:
    """What makes the same SQLite database: fewer statements than led to it."""
    with catalog.read() as db:
        driver: Any = db.connection.driver_connection
        return [(statement, None) for statement in driver.iterdump() if not statement.startswith(NO_PART)]


def install() -> None:
    """From here on, in this process."""
    Catalog._migrate = _migrate  # type: ignore[method-assign]


@contextmanager
def only_alembics() -> Iterator[None]:
    """Every migration is Alembic's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "_migrate", _alembics)
        yield
