"""The catalog's database: SQLite or PostgreSQL, with the same behaviour.

Invariants: ``write`` is serial on both (SQLite's BEGIN IMMEDIATE, an advisory lock on PostgreSQL), so everything that a
transaction read is still true when it commits. ``read`` sees one state throughout and never waits for a writer. Every
exception that leaves this module is an error of ``registry.core.errors``.

SQLite runs in WAL mode with ``synchronous=FULL``: WAL's usual NORMAL may lose the last commits when the power fails,
and jobs, tokens and idempotency keys exist nowhere else. It costs one flush per commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.asking import asking
from registry.catalog.database.engines import BUSY, BUSY_SECONDS, make_engine, parse_url, translated
from registry.core.errors import Conflict, Unavailable

Connection = sa.Connection  # what ``read`` and ``write`` give, for annotations outside the catalog
HEAD = "0022"  # the newest revision in ``migrations``
ANALYZED = 1000  # rows of an index that SQLite looks at: enough to tell a selective one
WRITER_LOCK = 0x656D6F74696F6E  # the advisory lock that writers on PostgreSQL take turns by
_GROWN = sa.text(  # relpages: when it was analyzed last, 0 before
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
    "AND relpersistence = 'p' AND pg_relation_size(oid) > current_setting('block_size')::bigint * relpages * 1.1"
)


class Catalog:
    """One database. Threads may share it; every process opens its own."""

    def __init__(self, url: str) -> None:
        """``UsageError`` for a URL that names no SQLite file and no PostgreSQL; nothing is connected yet."""
        with translated():
            self.engine = make_engine(parse_url(url))
        self.writes = 0  # that this process committed: who keeps answers looks whether it has changed
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        self.folder = None if self.is_postgresql else Path(self.engine.url.database or "").absolute().parent
        reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self.is_postgresql else {}
        self._reader = self.engine.execution_options(**reading)
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalog; whatever it writes is thrown away."""
        with translated(), self._reader.connect() as db:
            yield db

    @contextmanager
    def write(self, *, serial: bool = True) -> Iterator[Connection]:
        """A connection that commits on leaving and rolls back on any error.

        ``serial=False`` leaves out the lock on PostgreSQL, for statements that lock their own rows
        and must not wait for a long import: the queue's leases.
        """
        with translated(), asking(self.folder), self._writer.begin() as db:
            if self.is_postgresql and serial:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
            yield db
        self.writes += 1

    def upgrade(self, revision: str = HEAD) -> None:
        """Bring the schema to HEAD, or to an older revision (Alembic). Safe when several processes start at once; quick
        if it is there."""
        found = self.revision()
        if found is not None and found > HEAD:  # revisions are numbers of four digits
            raise Unavailable(
                f"the catalog's schema has revision {found}, and this program knows none after {HEAD}: a newer version "
                "of it made or upgraded this catalog",
                code="catalog_schema",
                hint="use that version, or another catalog (EMOTIONET_DATABASE_URL).",
            )
        if found != revision:
            self._migrate("upgrade", revision)

    def is_current(self) -> bool:
        """Whether the schema is at HEAD; nothing is changed."""
        return self.revision() == HEAD

    def revision(self) -> str | None:
        """What the schema says it is, None where there is none. Without Alembic: loading that costs more than most
        commands do."""
        with translated(), self.engine.connect() as connection:
            if not connection.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def downgrade(self, revision: str) -> None:
        """Take the schema back to an older revision (``base``: nothing); its data goes with it."""
        self._migrate("downgrade", revision)

    def _migrate(self, direction: str, revision: str) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        import migrations

        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
        try:
            with self._migrating() as db:  # the lock is held throughout: whoever comes second finds it done
                config.attributes["connection"] = db
                getattr(command, direction)(config, revision)
        except CommandError as error:
            raise Unavailable(
                f"the catalog's schema can't be brought to {revision}, it may be from a newer version: {error}",
                code="catalog_schema",
            ) from error

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        """As ``write``. SQLite changes a table by making it again, which other tables' rows may refer to meanwhile."""
        if self.is_postgresql:
            with self.write() as db:
                yield db
            return
        with translated(), self._writer.connect() as db:
            driver = db.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys = OFF")  # which a transaction would ignore
            try:
                with db.begin():
                    yield db
                    if db.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise Conflict("rows would refer to rows that are not there", code="catalog_conflict")
            finally:
                driver.execute("PRAGMA foreign_keys = ON")

    def analyze(self, *, grown: bool = False) -> None:
        """Tell the planner how much of what the tables hold, as after many rows came at once; ``grown``: on PostgreSQL
        of those tables alone that are a tenth larger than when it was told last.

        PostgreSQL takes seconds for all, a transaction for each table, and no writer waits; SQLite takes milliseconds.
        A connection to SQLite reads it when it is opened: ours are opened anew, other processes' within ``RECYCLED``.
        """
        if self.is_postgresql:
            with translated(), self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as db:
                names = ", ".join(f'"{name}"' for name in db.scalars(_GROWN)) if grown else ""
                if names or not grown:
                    db.exec_driver_sql(f"ANALYZE {names}")
            return
        with self.write() as db:
            db.execute(sa.text(f"PRAGMA analysis_limit = {ANALYZED}"))
            db.execute(sa.text("ANALYZE"))
        self.engine.dispose()

    def check_writable(self) -> None:
        """``Unavailable`` where nothing could be written now; a writer that is at work is no reason."""
        with translated(), self.engine.connect() as db:
            if self.is_postgresql:
                refused = db.scalar(sa.text("SELECT current_setting('transaction_read_only')")) == "on"
                allowed = db.scalar(sa.text("SELECT has_table_privilege('entries', 'INSERT')"))
                if refused or not allowed:
                    raise Unavailable("the catalog's database takes no writes", code="catalog")
                return
            driver: Any = db.connection.driver_connection
            cursor = driver.cursor()
            try:
                cursor.execute("PRAGMA busy_timeout = 0")
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("UPDATE alembic_version SET version_num = version_num")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in BUSY:
                    raise
            finally:
                driver.rollback()
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
                cursor.close()

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()
