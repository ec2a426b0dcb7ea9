"""Many rows into a table at once, as tuples: what SQLAlchemy would prepare row by row is prepared here once.

Invariant: values come as the database stores them (JSON as text, sha256s and CIDs as text), in the order of ``names``;
a key that is there already is a ``Conflict``, or the row is left out where ``skip`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

Values = tuple[Any, ...]


def insert_tuples(
    db: sa.Connection, table: sa.Table | str, names: Sequence[str], rows: Sequence[Values], *, skip: bool = False
) -> None:
    """Insert rows; with ``skip`` those whose key is there already are left as they are."""
    name = table if isinstance(table, str) else table.name
    columns = ", ".join(f'"{one}"' for one in names)
    if not rows:
        return
    if db.dialect.name == "postgresql":
        _copy_skipping(db, name, columns, rows) if skip else _copy(db, name, columns, rows)
        return
    marks = ", ".join("?" * len(names))
    again = " ON CONFLICT DO NOTHING" if skip else ""
    db.exec_driver_sql(f'INSERT INTO "{name}" ({columns}) VALUES ({marks}){again}', list(rows))  # noqa: S608  # names of our own


def _copy_skipping(db: sa.Connection, name: str, columns: str, rows: Sequence[Values]) -> None:
    """COPY knows no ON CONFLICT: into a temporary table first."""
    db.exec_driver_sql(
        f'CREATE TEMP TABLE brought ON COMMIT DROP AS SELECT {columns} FROM "{name}" WITH NO DATA'  # noqa: S608  # names of our own
    )
    _copy(db, "brought", columns, rows)
    db.exec_driver_sql(
        f'INSERT INTO "{name}" ({columns}) SELECT {columns} FROM brought ON CONFLICT DO NOTHING'  # noqa: S608  # names of our own
    )
    db.exec_driver_sql("DROP TABLE brought")


def _copy(db: sa.Connection, name: str, columns: str, rows: Sequence[Values]) -> None:
    statement = f'COPY "{name}" ({columns}) FROM STDIN'
    driver: Any = db.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except db.dialect.loaded_dbapi.Error as error:  # as SQLAlchemy tells what its own statements raise
        raise exc.DBAPIError.instance(
            statement, None, error, db.dialect.loaded_dbapi.Error, dialect=db.dialect
        ) from error
