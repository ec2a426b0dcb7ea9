"""Reading a table (see ``registry.core.table.tables``) node by node, trusting nothing that was not checked.

Invariants: a loaded node has the shape, the order, the first key, the number of rows and the types of
key that its parent and the header state; depth is bounded. Anything else is ``Untrusted``,
``table_shape`` or ``table_order``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import lt
from typing import Any, NamedTuple

from registry.core.errors import InvalidInput, NewerVersion, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import Get
from registry.core.table.build import check_header, key_of, show, types
from registry.core.table.columns import KINDS, Shape
from registry.core.table.levels import MAX_LEVELS, Key, node_head
from registry.core.table.versions import STRUCTURE, reading, shape_of

_HEADER = {"v", "type", "kind", "columnsVersion", "columns", "key", "count", "root"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table's header. ``written``: its columns as its rows hold them; ``shape``: the newest of its kind, in which
    they are read."""

    written: Shape
    shape: Shape
    count: int
    root: CID


class Ref(NamedTuple):
    """A node as its parent names it: first key (None for the root), rows below, CID."""

    first: Key | None
    below: int
    cid: CID


class Node(NamedTuple):
    """A decoded node, its order checked. ``items``: rows of a leaf, ``Ref`` of an inner node."""

    leaf: bool
    keys: list[Key]
    items: list[Any]
    size: int  # bytes of the encoded items
    kinds: set[type]  # types of all that is in it


def shape(message: str) -> Untrusted:
    """The error for bytes that are no part of any table."""
    return Untrusted(message, code="table_shape")


def read(cid: CID, get: Get) -> Table:
    """The header of a table. ``InvalidInput`` ``not_a_table`` if these bytes are something else, or are linked as
    something else: what follows a table's links would not follow these. ``NewerVersion`` for columns, or nodes, that
    came after this program."""
    value = encoding.decode(get(cid)) if cid.codec == DAG_CBOR else None
    if not isinstance(value, dict) or value.get("type") != "table":
        raise InvalidInput(
            f"{cid} is not a table", code="not_a_table", hint="name a table, or a record and the name of its table."
        )
    if type(value.get("v")) is int and value["v"] > STRUCTURE:
        raise NewerVersion("a table's structure", value["v"])
    if set(value) != _HEADER or value["v"] != STRUCTURE or value["v"] is True:
        raise shape(f"{cid} is not a table of a known version")
    columns, key, count, root = value["columns"], value["key"], value["count"], value["root"]
    if not isinstance(columns, list) or not isinstance(key, list) or not _is_link(root):
        raise shape(f"the header of table {cid} is malformed")
    if type(count) is not int or count < 0:
        raise shape(f"table {cid} counts no rows")
    try:
        check_header(columns, key)
    except InvalidInput as error:
        raise shape(f"the header of table {cid} is malformed: {error}") from error
    written = _written(cid, value)
    return Table(written, KINDS.get(written.kind, written), count, root)


def _written(cid: CID, header: dict[str, Any]) -> Shape:
    """What its header says of its columns, which are those of the version of its kind, where that is known."""
    kind, version = header["kind"], header["columnsVersion"]
    if type(kind) is not str or type(version) is not int or version < 1:
        raise shape(f"table {cid} says no kind, or no version of its columns")
    written = Shape(kind, version, tuple(header["columns"]), tuple(header["key"]))
    if shape_of(kind, version) not in (None, written):
        raise shape(f"table {cid} has other columns than version {version} of {kind}")
    return written


def _is_link(value: Any) -> bool:
    """Whether it leads to a node."""
    return isinstance(value, CID) and value.codec == DAG_CBOR


class Reader:
    """Loads and checks the nodes of one table, one by one."""

    def __init__(self, cid: CID, get: Get) -> None:
        self.table = read(cid, get)
        self.root = Ref(None, self.table.count, self.table.root)
        self.types: tuple[type, ...] | None = None  # of the key, learned from the first node
        self._get = get
        self._key_of = key_of(self.table.written.columns, self.table.written.key)
        self.row = reading(self.table.written)  # a row as it is written, in the newest columns

    def load(self, ref: Ref) -> Node:
        """The node behind ``ref``; its items, order, first key and count are checked."""
        data = self._get(ref.cid)
        try:
            value, kinds = encoding.decode_typed(data)
        except InvalidInput as error:
            raise shape(f"{ref.cid} is not a node of a table: {error}") from error
        leaf = isinstance(value, dict) and "rows" in value
        name = "rows" if leaf else "nodes"
        if not isinstance(value, dict) or len(value) != 1 or not isinstance(value.get(name), list):
            raise shape(f"{ref.cid} is not a node of a table")
        found = value[name]
        keys = self._row_keys(ref.cid, found) if leaf else self._child_keys(ref.cid, found)
        self._check_order(ref.cid, keys)
        items = found if leaf else [Ref(key, item[1], item[2]) for key, item in zip(keys, found, strict=True)]
        count = len(items) if leaf else sum(item.below for item in items)
        if count != ref.below:
            raise shape(f"node {ref.cid} holds {count} rows where {ref.below} are stated")
        if ref.first is None:
            if not leaf and len(items) < 2:
                raise shape(f"the root {ref.cid} has one node below it and is not needed")
        elif not keys or keys[0] != ref.first:
            raise shape(f"node {ref.cid} does not begin with the key that is stated")
        return Node(leaf, keys, items, len(data) - len(node_head(leaf, len(items))), kinds)

    def _row_keys(self, cid: CID, rows: list[Any]) -> list[Key]:
        width = len(self.table.written.columns)
        for row in rows:
            if type(row) is not list or len(row) != width:
                raise shape(f"a row in {cid} does not have {width} values")
        return [self._key_of(row) for row in rows]

    def _child_keys(self, cid: CID, items: list[Any]) -> list[Key]:
        for item in items:
            if (
                type(item) is not list
                or list(map(type, item)) != [list, int, CID]
                or item[1] < 1
                or not _is_link(item[2])
            ):
                raise shape(f"an item in {cid} is not a first key, a count and a link")
            if len(item[0]) != len(self.table.shape.key):
                raise shape(f"a first key in {cid} does not have {len(self.table.shape.key)} values")
        return [tuple(item[0]) for item in items]

    def _check_order(self, cid: CID, keys: list[Key]) -> None:
        columns = [set(map(type, part)) for part in zip(*keys, strict=True)]
        if self.types and columns == [{kind} for kind in self.types] and all(map(lt, keys, keys[1:])):
            return  # all at once; what follows tells what is wrong with which
        before: Key | None = None
        for key in keys:
            kinds = tuple(map(type, key))
            if kinds != self.types:
                self._learn(cid, key)
            if before is not None and not before < key:
                raise Untrusted(f"{show(key)} comes out of order in {cid}", code="table_order")
            before = key

    def _learn(self, cid: CID, key: Key) -> None:
        try:
            kinds = types(key)
        except InvalidInput as error:
            raise shape(f"a key in {cid} is malformed: {error}") from error
        if self.types is not None:
            raise shape(f"keys in {cid} are of different types")
        self.types = kinds

    def start_of(self, node: Node, after: Key | None) -> int:
        """The first item of a node in which, or below which, a key greater than ``after`` may lie."""
        if after is None:
            return 0
        if node.keys and types(after) != self.types:
            raise InvalidInput("the key's values are not of the table's types", code="bad_key")
        at = bisect_right(node.keys, after)
        return at if node.leaf else max(0, at - 1)

    def height(self) -> int:
        """The level of the root; leaves are level 0."""
        ref = self.root
        for level in range(MAX_LEVELS):
            node = self.load(ref)
            if node.leaf:
                return level
            ref = node.items[0]
        raise shape("the table is deeper than any table can be")

    def path(self, key_values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The row with this key, reading only the nodes on the way to its place."""
        wanted = tuple(key_values)
        if len(wanted) != len(self.table.shape.key):
            raise InvalidInput(
                f"the key has {len(self.table.shape.key)} parts: {', '.join(self.table.shape.key)}", code="bad_key"
            )
        kinds = types(wanted)
        ref = self.root
        for _ in range(MAX_LEVELS):
            node = self.load(ref)
            if node.keys and kinds != self.types:
                raise InvalidInput("the key's values are not of the table's types", code="bad_key")
            at = bisect_right(node.keys, wanted) - 1
            if at < 0:
                return None
            if node.leaf:
                return self.row(node.items[at]) if node.keys[at] == wanted else None
            ref = node.items[at]
        raise shape("the table is deeper than any table can be")
