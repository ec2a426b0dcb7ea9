"""Many rows under one CID: a tree whose shape follows from the rows alone (a "prolly tree").

A table is ``{v, type: "table", kind, columnsVersion, columns, key, count, root&}``, where ``v`` is the version of what
is said here and ``columnsVersion`` that of the kind's columns; a leaf node is ``{rows: [row, ...]}``,
an inner node ``{nodes: [[first key, count, &], ...]}`` with the first key of the subtree as a list
and the number of rows below. Rows are lists in the order of ``columns``; key values are bytes, str
or int, one type a column, compared as tuples (bytes, and str as UTF-8, byte by byte; int by number).
Where a node ends is said in ``registry.core.table.build``, reading in ``registry.core.table.nodes``, what differs
between two tables in ``registry.core.table.difference``, what an old version of a kind's columns means in
``registry.core.table.versions``: rows are given in the newest.

Invariants: ``iterate`` accepts exactly what ``build`` writes; two tables share the nodes that they
have in common; nothing here recurses, and depth is bounded. ``get`` must return verified bytes (a
store does); only ``verify_proof`` hashes by itself. Bytes that do not fit are ``Untrusted``:
``table_shape`` or ``table_order``. That a row is absent is known only for a table whose order was
checked (``iterate`` to its end).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from registry.core.errors import Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, verify
from registry.core.ipld.dag import Get, not_here
from registry.core.ports.store import BlockReader
from registry.core.table.build import EARLIER_MAX_ITEMS, MAX_KEY, TableWriter, build, show
from registry.core.table.difference import Change, diff
from registry.core.table.levels import MAX_ITEMS, MAX_NODE, Key, ends
from registry.core.table.nodes import Node, Reader, Ref, Table, read, shape

__all__ = [
    "MAX_NODE",
    "Change",
    "Table",
    "TableWriter",
    "after",
    "build",
    "check_present",
    "diff",
    "find",
    "find_all",
    "find_cut",
    "iterate",
    "prove",
    "read",
    "rows_as_dicts",
    "verify_proof",
]


class _Boundaries:
    """Checks that the nodes of one level, given in order, end where the rule says.

    ``limits``, of all levels: those by which every node so far may have been cut. A table is cut by one of them.
    """

    def __init__(self, level: int, limits: set[int]) -> None:
        self._level, self._limits = level, limits
        self._open: int | None = None  # size of a node that ended only because the next item did not fit

    def check(self, cid: CID, node: Node) -> None:
        """``Untrusted`` ``table_shape`` if ``node``, or the one before, should have ended elsewhere."""
        if not node.keys:
            return
        first = node.items[0] if node.leaf else [list(node.items[0].first), node.items[0].below, node.items[0].cid]
        least = node.size if len(node.keys) > 1 else 0
        most = None if self._open is None else self._open + len(encoding.encode(first))
        self._limits -= {one for one in self._limits if one < least or (most is not None and most <= one)}
        if not self._limits:
            raise shape(f"node {cid} begins or ends where it should not")
        *inner, last = self._ends(cid, node.keys)
        if any(inner):
            raise shape(f"node {cid} should have ended earlier")
        self._open = None if last else node.size

    def _ends(self, cid: CID, keys: Sequence[Key]) -> list[bool]:
        encoded = encoding.encode_each([list(key) for key in keys])
        if max(map(len, encoded)) > MAX_KEY:
            raise shape(f"a key in {cid} is larger than any key can be")
        return [ends(hashlib.sha256(data).digest(), self._level) for data in encoded]


def iterate(cid: CID, get: Get) -> Iterator[tuple[Any, ...]]:
    """Every row in key order, checking on the way all that ``build`` guarantees.

    Order, uniqueness, counts and columns hold for every row that was yielded; that nothing is missing
    and the tree is the only one for its rows is known once the iterator has ended.
    """
    reader = Reader(cid, get)
    height = reader.height()
    limits = {MAX_ITEMS, EARLIER_MAX_ITEMS}
    boundaries = [_Boundaries(level, limits) for level in range(height + 1)]
    before: Key | None = None
    pending = [(reader.root, height)]
    while pending:
        ref, level = pending.pop()
        node = reader.load(ref)
        if node.leaf != (level == 0):
            raise shape(f"node {ref.cid} lies at another level than its neighbours")
        boundaries[level].check(ref.cid, node)
        if not node.leaf:
            pending += [(child, level - 1) for child in reversed(node.items)]
            continue
        if before is not None and node.keys and not before < node.keys[0]:
            raise Untrusted(f"{show(node.keys[0])} comes out of order in {ref.cid}", code="table_order")
        before = node.keys[-1] if node.keys else before
        yield from map(reader.row, node.items)


def rows_as_dicts(cid: CID, get: Get) -> Iterator[dict[str, Any]]:
    """Like ``iterate``, each row with its columns' names."""
    columns = read(cid, get).shape.columns
    for row in iterate(cid, get):
        yield dict(zip(columns, row, strict=True))


def after(cid: CID, key_values: Sequence[Any] | None, get: Get) -> Iterator[tuple[Any, ...]]:
    """Rows with keys greater than these (None: all), in order, reading only the nodes in which they lie.

    Each node is checked by itself, so rows come in rising order; that the table as a whole is the only one for its rows
    is ``iterate``'s to find out. ``InvalidInput`` ``bad_key`` for a key that no row could have.
    """
    reader = Reader(cid, get)
    wanted = None if key_values is None else tuple(key_values)
    pending, before = [(reader.root, reader.height())], wanted
    while pending:
        ref, level = pending.pop()
        node = reader.load(ref)
        if node.leaf != (level == 0):
            raise shape(f"node {ref.cid} lies at another level than its neighbours")
        items = node.items[reader.start_of(node, wanted) :]
        if not node.leaf:
            pending += [(child, level - 1) for child in reversed(items)]
            continue
        keys = node.keys[len(node.keys) - len(items) :]
        if before is not None and keys and not before < keys[0]:
            raise Untrusted(f"{show(keys[0])} comes out of order in {cid}", code="table_order")
        before = keys[-1] if keys else before
        yield from map(reader.row, items)


def find(cid: CID, key_values: Sequence[Any], get: Get) -> tuple[Any, ...] | None:
    """The row with this key, or None. ``InvalidInput`` ``bad_key`` for a key that no row could have."""
    return Reader(cid, get).path(key_values)


def check_present(cid: CID, store: BlockReader) -> None:
    """``NotFound`` for the first node that a store lacks; of leaves nothing is read."""
    reader = Reader(cid, store.get)
    pending = [(reader.root, reader.height())]
    while pending:
        ref, level = pending.pop()
        if level:
            pending += [(child, level - 1) for child in reader.load(ref).items]
        elif not store.has(ref.cid):
            raise not_here(ref.cid)


class _Remembering(Reader):
    """Reads each node once."""

    def __init__(self, cid: CID, get: Get) -> None:
        super().__init__(cid, get)
        self.loaded: dict[CID, Node] = {}

    def load(self, ref: Ref) -> Node:
        """The node behind ``ref``."""
        if ref.cid not in self.loaded:
            self.loaded[ref.cid] = super().load(ref)
        return self.loaded[ref.cid]


def find_all(cid: CID, keys: Sequence[Sequence[Any]], get: Get) -> list[tuple[Any, ...] | None]:
    """As ``find`` for each of some keys, each node read once however many of them lie in it."""
    reader = _Remembering(cid, get)
    return [reader.path(key) for key in keys]


def find_cut(cid: CID, key_values: Sequence[Any], get: Get) -> tuple[Any, ...] | None:
    """As ``find``; ``Untrusted`` (``table_shape``) also where a node on the way should have ended before its last key:
    a row that lies elsewhere than its key says is not hidden by a node that is too long."""
    reader = _Remembering(cid, get)
    row = reader.path(key_values)
    way = list(reader.loaded.items())[::-1]
    if way[0][1].leaf:
        for level, (node_cid, node) in enumerate(way):
            _Boundaries(level, {MAX_ITEMS, EARLIER_MAX_ITEMS}).check(node_cid, node)
    return row


def prove(cid: CID, key_values: Sequence[Any], get: Get) -> dict[CID, bytes]:
    """The few blocks that show the row with this key, or that there is none."""
    blocks: dict[CID, bytes] = {}

    def record(block: CID) -> bytes:
        return blocks.setdefault(block, get(block))

    find(cid, key_values, record)
    return blocks


def verify_proof(cid: CID, key_values: Sequence[Any], blocks: Mapping[CID, bytes]) -> tuple[Any, ...] | None:
    """What ``blocks`` prove of this key in table ``cid``: its row, or None where there is none.

    ``Untrusted``: ``hash_mismatch``, ``proof_incomplete``, or the table's own faults.
    """

    def checked(block: CID) -> bytes:
        if block not in blocks:
            raise Untrusted(f"the proof lacks block {block}", code="proof_incomplete")
        verify(block, blocks[block])
        return blocks[block]

    return find(cid, key_values, checked)
