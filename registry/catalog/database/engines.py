"""Engines for a database's URL: SQLite's files and how connections to them begin, PostgreSQL's; errors in our words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from registry.core.errors import Conflict, InvalidInput, Unavailable, UsageError, not_written
from registry.core.extras import need
from registry.sqlite_read_only import read_only_uri

BUSY_SECONDS = 30
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_TOO_LARGE = "54000"  # PostgreSQL's program_limit_exceeded: a value that no index row can hold
RECYCLED = 600  # seconds after which a connection to SQLite is opened anew
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
DISK_FULL_MESSAGES = ("disk is full", "No space left on device")  # by SQLite, by PostgreSQL


@contextmanager
def translated() -> Iterator[None]:
    """Foreign exceptions of the database, told once as the project's own."""
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict(f"the catalog already holds a different value: {error.orig}", code="catalog_conflict") from error
    except (exc.DataError, OverflowError, UnicodeEncodeError) as error:
        raise InvalidInput(f"the catalog can't hold this value: {error}", code="catalog_value") from error
    except exc.ArgumentError as error:
        raise UsageError(
            f"the database's URL can't be used: {error}",
            code="database_url",
            hint="set EMOTIONET_DATABASE_URL like postgresql+psycopg://user@host/name.",
        ) from error
    except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) == _TOO_LARGE:
            raise InvalidInput(f"the catalog can't hold this value: {error}", code="catalog_value") from error
        said = str(getattr(error, "orig", None) or error).strip()
        code = "disk_full" if any(words in said for words in DISK_FULL_MESSAGES) else "catalog"
        hint = "do this where the home can be written." if "readonly database" in said else None
        raise Unavailable(f"the catalog can't be read or written: {said}", code=code, hint=hint) from error


def parse_url(text: str) -> sa.URL:
    """``sqlite:///path`` or ``postgresql[+psycopg]://...``; ``UsageError`` for anything else."""
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        raise UsageError("the database's URL is malformed", hint="use sqlite:///PATH or postgresql://...") from error
    backend = url.get_backend_name()
    if backend not in _DRIVERS or (backend == "sqlite" and url.database in (None, "", ":memory:")):
        raise UsageError(f"the catalog can't use {backend}", hint="use sqlite:///PATH or postgresql://...")
    return url.set(drivername=_DRIVERS[backend])


def sqlite_file(text: str) -> Path | None:
    """The file that a URL names; None for a server's."""
    url = parse_url(text)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def is_there(text: str) -> bool:
    """Whether the database of a URL was made; of a server's that is taken for granted."""
    path = sqlite_file(text)
    return path is None or path.exists()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """WAL is a property of the file; SQLite does not wait for its lock here, so two that start at once try again."""
    until = time.monotonic() + BUSY_SECONDS
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in BUSY or time.monotonic() > until:
                raise
            time.sleep(0.05)


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _sqlite_begins does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _sqlite_begins(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def make_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        need("postgres", "PostgreSQL")
        return sa.create_engine(url, pool_pre_ping=True)
    path = Path(url.database or "")
    if not path.exists() and path.parent.is_dir():
        _make_file(path)
    fixed = read_only_uri(path)
    if fixed is not None:
        engine = sa.create_engine(url, creator=lambda: sqlite3.connect(fixed, check_same_thread=False, uri=True))
        event.listen(engine, "connect", _read_only_connected)
    else:
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_recycle=RECYCLED)
        event.listen(engine, "connect", _sqlite_connected)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


def _make_file(path: Path) -> None:
    try:
        path.touch(mode=0o600)  # it holds names of people and files
    except OSError as error:
        raise not_written(f"the catalog {path}", error) from error


def _read_only_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
