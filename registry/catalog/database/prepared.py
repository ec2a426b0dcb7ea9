"""Statements that are asked often: their text is made once, and the driver is given it as it is.

What SQLAlchemy does on each call (building a statement, its cache's key, a result with types) takes ten times as long
as a database needs to find a row by its key.

Invariants: rows are the driver's, by the columns' names: JSON comes as the database's text or value, a truth value as
0 or 1 from SQLite; so a statement that is prepared asks for texts and numbers, and casts what is neither. A list of
values is filled up by its last one, so that few texts are made; an empty list finds nothing.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

_SIZES = (1, 4, 16, 64, 128, 512)  # of lists of values; nobody asks for more at once (``sql.CHUNK``)
Row = Any  # a named tuple of the columns


class _Text(NamedTuple):
    """``names`` of the values in their places where the driver counts places, else None."""

    text: str
    names: Sequence[str] | None
    fixed: Mapping[str, Any]  # what the statement itself compares with
    row: Callable[[Sequence[Any]], Row]


class Prepared:
    """One statement. ``make`` builds it: with ``sa.bindparam(NAME)``, and ``expanding=True`` for lists."""

    def __init__(self, make: Callable[[], sa.Select[Any] | sa.CompoundSelect[Any]]) -> None:
        self._make = make
        self._texts: dict[tuple[str, tuple[int, ...]], _Text] = {}

    def rows(self, db: sa.Connection, **values: Any) -> list[Row]:
        """What the statement finds, within the connection's transaction."""
        if any(value == [] for value in values.values()):
            return []
        filled = {name: _filled(value) if isinstance(value, list) else value for name, value in values.items()}
        sizes = tuple(len(value) for value in filled.values() if isinstance(value, list))
        known = self._texts.get((db.dialect.name, sizes))
        if known is None:
            known = self._texts[db.dialect.name, sizes] = self._compile(db.dialect, filled)
        single = {**known.fixed, **_singly(filled)}
        given = single if known.names is None else tuple([single[name] for name in known.names])
        return list(map(known.row, _fetched(db, known.text, given)))

    def first(self, db: sa.Connection, **values: Any) -> Row | None:
        """The first row, None where there is none."""
        found = self.rows(db, **values)
        return found[0] if found else None

    def _compile(self, dialect: sa.Dialect, values: Mapping[str, Any]) -> _Text:
        statement = self._make()
        made = statement.compile(dialect=dialect).construct_expanded_state(dict(values))
        row = namedtuple("row", [column.name for column in statement.selected_columns])  # type: ignore[misc]
        return _Text(made.statement, made.positiontup, made.parameters, row._make)


def _fetched(db: sa.Connection, text: str, given: Any) -> Sequence[Sequence[Any]]:
    if not db.in_transaction():
        db.begin()
    cursor = db.connection.cursor()
    try:
        cursor.execute(text, given)
        return cursor.fetchall()
    except db.dialect.loaded_dbapi.Error as error:
        raise exc.DBAPIError(text, None, error) from error
    finally:
        cursor.close()


def _filled(values: list[Any]) -> list[Any]:
    size = next(size for size in _SIZES if size >= len(values))
    return values + values[-1:] * (size - len(values))


def _singly(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the names that a compiled statement has for them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list):
            found.update([(f"{name}_{place}", one) for place, one in enumerate(value, 1)])
        else:
            found[name] = value
    return found
