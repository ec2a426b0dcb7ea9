"""Writing a table (see ``registry.core.table.tables``): rows in any order become the one tree that follows from them.

**Where a node ends.** Leaves are level 0. An item is a row, or one ``[first key, count, &]``; its key
is the row's, or the first key. Going through a level's items in order, a node ends

1. after an item if byte ``level`` of sha2-256(dag-cbor of the list of its key's values) is 0
   (256 items on average, and independent of the levels below); and
2. before an item if the encoded items of the node, with that one, would take more than ``MAX_ITEMS``
   bytes (so that the way to a row, which proves it, stays short); one item alone may take up to ``MAX_ITEM``.

The nodes of a level are the items of the next; the first level that has one node is the top, and
that node is the table's ``root``. A table without rows has the root ``{rows: []}``.

Invariants: the same set of rows gives the same CID whatever the order of input; no block is put that
the table does not reach; recursion is bounded by ``MAX_LEVELS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.table.columns import Shape
from registry.core.table.levels import MAX_NODE, Key, Levels, Put
from registry.core.table.versions import STRUCTURE

MAX_ITEM = MAX_NODE - 16  # of one item: what is left beside the map, its one name and the list's head
EARLIER_MAX_ITEMS = (1 << 20) - 16  # of tables written before that was made smaller: they are read
MAX_KEY = 4096  # bytes of a key's encoding; keeps at least 11 items in a full inner node
_TOGETHER = 256  # rows that are encoded at once

Row = Sequence[Any]


def key_of(columns: Sequence[str], key: Sequence[str]) -> Callable[[Row], Key]:
    """A function from a row to its key."""
    places = [columns.index(name) for name in key]
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    return itemgetter(*places)


def types(key: Key) -> tuple[type, ...]:
    """The types of a key's values. ``InvalidInput`` ``bad_key`` if one can't be part of a key."""
    found = tuple(map(type, key))
    if not found or not set(found) <= {bytes, str, int}:
        raise InvalidInput("a key's values must be bytes, text or integers", code="bad_key")
    return found


def check_header(columns: Sequence[Any], key: Sequence[Any]) -> None:
    """``InvalidInput`` ``bad_columns`` unless these are names, and the key is part of the columns."""
    named = all(isinstance(name, str) and name for name in (*columns, *key))
    if not named or len(set(columns)) != len(columns) or len(set(key)) != len(key) or not key:
        raise InvalidInput("columns and key must be different, non-empty names", code="bad_columns")
    if not set(key) <= set(columns):
        raise InvalidInput("every part of the key must be a column", code="bad_columns")


def _wide(row: Row, shape: Shape) -> InvalidInput:
    return InvalidInput(f"a row has {len(row)} values for {len(shape.columns)} columns", code="row_shape")


def _kinds_of(key: Key, before: tuple[type, ...] | None) -> tuple[type, ...]:
    """The types of a key, which are those of the keys before."""
    found = tuple(map(type, key))
    if before is None:
        return types(key)
    if found != before:
        raise InvalidInput("each column of a key must hold values of one type", code="bad_key")
    return found


def _sorted_rows(rows: Iterable[Row], shape: Shape) -> list[tuple[Key, Row]]:
    keys = key_of(shape.columns, shape.key)
    keyed: list[tuple[Key, Row]] = []
    kinds: tuple[type, ...] | None = None
    for row in rows:
        if len(row) != len(shape.columns):
            raise _wide(row, shape)
        values = keys(row)
        kinds = _kinds_of(values, kinds)
        keyed.append((values, row))
    keyed.sort(key=itemgetter(0))
    return keyed


class TableWriter:
    """A table that is written as its rows come, by rising key; a few nodes are held, never the rows.

    ``put`` gets every block once it is complete. ``InvalidInput``: ``bad_columns``, ``row_shape``, ``bad_key``,
    ``duplicate_key``, ``keys_fall``, ``row_too_large`` (a row above 1 MiB or a key above 4 KiB).
    """

    def __init__(self, shape: Shape, put: Put) -> None:
        check_header(shape.columns, shape.key)
        self.count = 0
        self._shape, self._put = shape, put
        self._builder = Levels(put)
        self._key_of = key_of(shape.columns, shape.key)
        self._waiting: list[tuple[Key, Row]] = []
        self._before: Key | None = None
        self._kinds: tuple[type, ...] | None = None

    def add(self, row: Row) -> None:
        """The next row."""
        if len(row) != len(self._shape.columns):
            raise _wide(row, self._shape)
        key = self._key_of(row)
        self._kinds = _kinds_of(key, self._kinds)
        if self._before is not None and not self._before < key:
            if key == self._before:
                raise InvalidInput(f"two rows have the key {show(key)}", code="duplicate_key", hint="give it once.")
            raise InvalidInput(f"the row {show(key)} comes after one with a greater key", code="keys_fall")
        self._before = key
        self.count += 1
        self._waiting.append((key, row))
        if len(self._waiting) == _TOGETHER:
            self._write()

    def _write(self) -> None:
        keys = encoding.encode_each([list(key) for key, _ in self._waiting])
        rows = encoding.encode_each([list(row) for _, row in self._waiting])
        for (key, _), key_data, data in zip(self._waiting, keys, rows, strict=True):
            if len(data) > MAX_ITEM or len(key_data) > MAX_KEY:
                raise InvalidInput(f"the row {show(key)} is too large for a table", code="row_too_large")
            self._builder.add(0, data, key, hashlib.sha256(key_data).digest(), 1)
        self._waiting = []

    def end(self) -> CID:
        """Write what is left, and the header; the table's CID."""
        self._write()
        shape = self._shape
        kind = {"kind": shape.kind, "columnsVersion": shape.version}
        names = {"columns": list(shape.columns), "key": list(shape.key)}
        head = {"v": STRUCTURE, "type": "table", **kind, **names, "count": self.count, "root": self._builder.root()}
        data = encoding.encode(head)
        cid = cid_of(data, DAG_CBOR)
        self._put(cid, data)
        return cid


def build(shape: Shape, rows: Iterable[Row], put: Put) -> CID:
    """Write a table of ``rows`` (in any order; held in memory to be sorted), of one kind, and return its CID.

    Errors as ``TableWriter``.
    """
    writer = TableWriter(shape, put)
    for _, row in _sorted_rows(rows, shape):
        writer.add(row)
    return writer.end()


def show(key: Key) -> str:
    """A key as people read it."""
    return ", ".join(value.hex() if isinstance(value, bytes) else str(value) for value in key)
