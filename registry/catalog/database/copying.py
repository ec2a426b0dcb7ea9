"""All rows of a database as lines of JSON, and back into an empty one: SQLite to PostgreSQL as well.

Invariants: the lines of one ``Dump`` are of one state, whoever writes meanwhile. Each table is as it is in the
database, not as this program's newest schema has it: a dump of an older revision is loaded at that revision and then
upgraded. ``load`` is one transaction: all rows are there, or none; nothing that holds a row is loaded into.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa

from registry.catalog.database.database import HEAD, Catalog, Connection
from registry.core.errors import Conflict, InvalidInput, NewerVersion, NotFound

_TOGETHER = 1000  # rows that one statement inserts
_LOADED = sa.Table("emotionet_restoring", sa.MetaData(), sa.Column("backup", sa.Text, nullable=False))
Lines = Callable[[str], Iterable[bytes]]


class Dump:
    """One state of a catalog, while ``dumping`` is open."""

    def __init__(self, db: Connection) -> None:
        self._db, self._tables = db, _tables(db)
        found = db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        self.revision = str(found)
        self.names = [table.name for table in self._tables]  # those that others refer to first

    def lines(self, name: str) -> Iterator[bytes]:
        """A table: the names of its columns, then a row a line."""
        table = next(one for one in self._tables if one.name == name)
        encoder = msgspec.json.Encoder()
        yield encoder.encode([str(column.name) for column in table.columns]) + b"\n"
        options = {"stream_results": True, "yield_per": _TOGETHER}
        for row in self._db.execute(sa.select(table), execution_options=options):
            yield encoder.encode(list(row)) + b"\n"

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What a query finds in this state."""
        return [tuple(row) for row in self._db.execute(sa.text(query))]


@contextmanager
def dumping(url: str) -> Iterator[Dump]:
    """One state of the database, which is not upgraded for it. ``NotFound`` where none was made."""
    catalog = Catalog(url)
    try:
        found = catalog.revision()
        if found is None:
            raise NotFound("the catalog's database holds nothing", hint="name the home with EMOTIONET_HOME.")
        check_revision(found)
        with catalog.read() as db:
            yield Dump(db)
    finally:
        catalog.close()


def check_revision(revision: object) -> None:
    """``NewerVersion`` for a schema that came after this program, ``InvalidInput`` for what is no revision."""
    if not isinstance(revision, str) or not (revision.isdecimal() and revision.isascii() and len(revision) == 4):
        raise InvalidInput("the backup names no revision of the catalog's schema", code="backup_damaged")
    if revision > HEAD:
        raise NewerVersion("the catalog's schema", int(revision))


def is_loaded(catalog: Catalog, backup: str) -> bool:
    """Whether this very backup was loaded, and ``finish`` has yet to come. ``Conflict`` (``not_empty``) where the
    database holds anything else."""
    with catalog.read() as db:
        there = sa.inspect(db).get_table_names()
        if _LOADED.name in there:
            return db.scalar(sa.select(_LOADED.c.backup)) == backup
        full = [one.name for one in _tables(db) if db.execute(sa.select(sa.literal(1)).select_from(one)).first()]
    if full:
        raise Conflict(
            f"the database holds something already, in {full[0]}",
            code="not_empty",
            hint="restore into an empty database: EMOTIONET_DATABASE_URL.",
        )
    return False


def load(catalog: Catalog, revision: str, names: Iterable[str], lines: Lines, backup: str) -> None:
    """Fill an empty database; ``backup`` is remembered in it until ``finish``. Errors as of ``is_loaded``;
    ``InvalidInput`` (``backup_damaged``) for lines that are no rows of this revision."""
    if is_loaded(catalog, backup):
        return
    if catalog.revision() is not None:
        catalog.downgrade("base")  # an empty schema, which may be of another revision
    catalog.upgrade(revision)
    wanted = set(names)
    with catalog.write() as db:
        tables = _tables(db)
        if {table.name for table in tables} != wanted:
            raise _damaged(f"its tables are not those of revision {revision}")
        for table in tables:
            _fill(db, table, iter(lines(table.name)))
        _LOADED.create(db)
        db.execute(sa.insert(_LOADED).values(backup=backup))


def finish(catalog: Catalog) -> None:
    """Upgrade what was loaded, and forget which backup it was."""
    catalog.upgrade()
    with catalog.write() as db:
        _LOADED.drop(db, checkfirst=True)
    catalog.analyze()


def _tables(db: Connection) -> list[sa.Table]:
    found = sa.MetaData()
    found.reflect(db)
    tables = [one for one in found.sorted_tables if one.name not in ("alembic_version", _LOADED.name)]
    for column in (column for table in tables for column in table.columns if isinstance(column.type, sa.JSON)):
        column.type = sa.JSON(none_as_null=True)
    return tables


def _fill(db: Connection, table: sa.Table, lines: Iterator[bytes]) -> None:
    names = [column.name for column in table.columns]
    binary = [isinstance(column.type, sa.LargeBinary) for column in table.columns]
    if _row(next(lines, b""), len(names)) != names:
        raise _damaged(f"the columns of {table.name} are not those of its revision")
    waiting: list[dict[str, object]] = []
    for line in lines:
        row = zip(names, _row(line, len(names)), binary, strict=True)
        waiting.append({name: _bytes(value) if raw and value is not None else value for name, value, raw in row})
        if len(waiting) == _TOGETHER:
            db.execute(sa.insert(table), waiting)
            waiting = []
    if waiting:
        db.execute(sa.insert(table), waiting)
    _count_on(db, table)


def _count_on(db: Connection, table: sa.Table) -> None:
    """PostgreSQL's sequence of a numbered table goes on after the rows that came with their numbers."""
    key = [column for column in table.primary_key.columns if isinstance(column.type, sa.Integer)]
    if db.dialect.name != "postgresql" or len(table.primary_key.columns) != 1 or not key:
        return
    sequence = db.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, key[0].name)))
    newest = db.scalar(sa.select(sa.func.max(key[0])))
    if sequence is not None and newest is not None:
        db.execute(sa.select(sa.func.setval(sequence, newest)))


def _row(line: bytes, count: int) -> list[object]:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged("a row can't be read") from error
    if not isinstance(row, list) or len(row) != count:
        raise _damaged("a row has another number of values than its table has columns")
    return row


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise _damaged("a value of bytes can't be read") from error


def _damaged(why: str) -> InvalidInput:
    return InvalidInput(f"the backup's database can't be loaded: {why}", code="backup_damaged", hint="take another.")
