"""What differs between two tables, found without reading what they share.

Invariant: the nodes of both are walked together in key order, and a node that both have is passed over: nothing in it
differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.table.levels import Key
from registry.core.table.nodes import Reader, Ref, shape


class _Cursor:
    """What is still to come of one table in a ``diff``: rows (level -1) and unread nodes, in key order.

    ``plain``: no bool was in what was read, so that rows are alike where they are equal (True is 1, and other bytes).
    """

    def __init__(self, reader: Reader, after: Key | None) -> None:
        self._reader, self._after = reader, after
        self._stack: list[tuple[Key, int, Any]] = []
        self.plain = True
        self.expand_into(reader.root, reader.height())

    @property
    def top(self) -> tuple[Key, int, Any] | None:
        return self._stack[-1] if self._stack else None

    def pop(self) -> Any:
        return self._stack.pop()[2]

    def expand(self) -> None:
        _, level, ref = self._stack.pop()
        self.expand_into(ref, level)

    def expand_into(self, ref: Ref, level: int) -> None:
        node = self._reader.load(ref)
        if node.leaf != (level == 0):
            raise shape(f"node {ref.cid} lies at another level than its neighbours")
        self.plain = self.plain and bool not in node.kinds
        start = self._reader.start_of(node, self._after)
        found = list(zip(node.keys[start:], repeat(level - 1), node.items[start:], strict=False))
        found.reverse()
        self._stack += found


Change = tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]


def diff(a: CID, b: CID, get: Get, after: Sequence[Any] | None = None) -> Iterator[Change]:
    """Rows that differ, in key order, as (before, after), None where there is no such row; ``after``: only those with
    greater keys.

    Subtrees that both tables share are not read, nor those before ``after``. ``InvalidInput``
    ``tables_differ`` if columns or keys do.
    """
    if a == b:
        return
    left, right = Reader(a, get), Reader(b, get)
    if left.table.shape != right.table.shape:
        raise InvalidInput("only tables with the same columns and key can be compared", code="tables_differ")
    if left.table.written == right.table.written and left.table.root == right.table.root:
        return
    yield from _differences(left, right, None if after is None else tuple(after))


def _differences(a: Reader, b: Reader, after: Key | None) -> Iterator[Change]:
    left, right = _Cursor(a, after), _Cursor(b, after)
    if a.types and b.types and a.types != b.types:
        raise InvalidInput("only tables with keys of the same types can be compared", code="tables_differ")
    same = a.table.written == b.table.written  # nodes of other columns mean other rows
    while True:
        one, two = left.top, right.top
        if same and one and two and one[1:] == two[1:] and one[1] >= 0:
            left.pop()  # the same node: nothing in it differs
            right.pop()
            continue
        if one and two and one[:2] == two[:2] and one[1] == -1:
            before, after = left.pop(), right.pop()
            if same and before == after and left.plain and right.plain:
                continue
            if _differ(before, after) if same else _differ(a.row(before), b.row(after)):
                yield a.row(before), b.row(after)
            continue
        # the side that begins earlier goes first; at the same key the taller, so that levels meet
        go_left = two is None or (one is not None and (one[0], -one[1]) <= (two[0], -two[1]))
        cursor, top = (left, one) if go_left else (right, two)
        if top is None:
            return
        if top[1] >= 0:
            cursor.expand()
        else:
            row = (a if go_left else b).row(cursor.pop())
            yield (row, None) if go_left else (None, row)


def _differ(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Whether two rows have different bytes."""
    return encoding.encode(list(before)) != encoding.encode(list(after))
