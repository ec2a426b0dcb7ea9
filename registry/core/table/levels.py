"""The open nodes of a table that is being written, level by level: each is put as soon as it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of

MAX_NODE = 1 << 20  # bytes of an encoded node
MAX_ITEMS = 48 << 10  # of the items of a node that has several
MAX_LEVELS = 32  # bytes in a sha2-256 digest

Key = tuple[Any, ...]
Put = Callable[[CID, bytes], None]


def ends(digest: bytes, level: int) -> bool:
    """Whether a node of ``level`` ends after the item whose key has this digest."""
    return digest[level] == 0


class _Node(NamedTuple):
    """A finished node, as an item of the level above."""

    first: Key
    digest: bytes
    below: int
    cid: CID


class _Level:
    """The open node of one level, and how many were finished."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.size = 0
        self.count = 0
        self.first: tuple[Key, bytes] = ((), b"")
        self.finished = 0
        self.only: _Node | None = None  # held back until a second node shows that this level is not the top


class Levels:
    """Streams nodes out as soon as they end."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._levels = [_Level()]

    def add(self, at: int, data: bytes, key: Key, digest: bytes, count: int) -> None:
        """Append one encoded item to level ``at``."""
        level = self._levels[at]
        if level.items and level.size + len(data) > MAX_ITEMS:
            self._close(at)
        if not level.items:
            level.first = (key, digest)
        level.items.append(data)
        level.size += len(data)
        level.count += count
        if ends(digest, at):
            self._close(at)

    def _close(self, at: int) -> None:
        level = self._levels[at]
        node = _Node(*level.first, level.count, _put_node(at, level.items, self._put))
        level.items, level.size, level.count = [], 0, 0
        level.finished += 1
        if level.finished == 1:
            level.only = node
            return
        if level.only is not None:
            if at + 1 == MAX_LEVELS:
                raise InvalidInput("these rows can't be held in one table", code="table_too_deep")
            self._levels.append(_Level())
            self._rise(at + 1, level.only)
            level.only = None
        self._rise(at + 1, node)

    def _rise(self, at: int, node: _Node) -> None:
        self.add(at, encoding.encode([list(node.first), node.below, node.cid]), node.first, node.digest, node.below)

    def root(self) -> CID:
        """End every level and return the top node."""
        for at in range(MAX_LEVELS):
            level = self._levels[at]
            if level.items:
                self._close(at)
            if level.only is not None:
                return level.only.cid
            if not level.finished:
                return _put_node(0, [], self._put)
        raise AssertionError("a level above the last one can't be reached")


def _head(major: int, length: int) -> bytes:
    """A CBOR head: major type and the shortest form of a length."""
    if length < 24:
        return bytes([major << 5 | length])
    for extra, size in ((24, 1), (25, 2), (26, 4)):
        if length < 1 << 8 * size:
            return bytes([major << 5 | extra]) + length.to_bytes(size, "big")
    raise InvalidInput("a node can't hold that many items", code="row_too_large")


def node_head(leaf: bool, count: int) -> bytes:
    """The bytes of a node before its ``count`` items."""
    name = b"rows" if leaf else b"nodes"
    return b"\xa1" + _head(3, len(name)) + name + _head(4, count)


def is_node(data: bytes) -> bool:
    """Whether these bytes begin as a node's do, and so are no record and no table."""
    return data.startswith((b"\xa1\x64rows", b"\xa1\x65nodes"))


def _put_node(level: int, items: list[bytes], put: Put) -> CID:
    data = node_head(level == 0, len(items)) + b"".join(items)
    cid = cid_of(data, DAG_CBOR)
    put(cid, data)
    return cid
