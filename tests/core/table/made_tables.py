"""Tables in memory: rows, the blocks that they are kept in, and what of them is read."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import strategies as st

from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of, verify
from registry.core.table import tables
from registry.core.table.columns import Shape

COLUMNS, KEY = ("sha256", "who", "n", "text", "more"), ("sha256", "who")
SHAPE, PAIRS = Shape("test", 1, COLUMNS, KEY), Shape("test", 1, ("k", "v"), ("k",))
CONTENT = st.dictionaries(st.integers(0, 60), st.integers(0, 2), max_size=60)


class Blocks(dict[Any, bytes]):
    """Blocks in memory; counts what is read."""

    reads = 0

    def put(self, cid: CID, data: bytes) -> None:
        verify(cid, data)
        self[cid] = data

    def get(self, cid: CID) -> bytes:  # type: ignore[override]  # a store's get, which knows no default
        self.reads += 1
        verify(cid, self[cid])
        return self[cid]

    def put_value(self, value: Any) -> CID:
        data = encoding.encode(value)
        cid = cid_of(data, DAG_CBOR)
        self[cid] = data
        return cid


def row(number: int, text: str = "") -> tuple[Any, ...]:
    return (hashlib.sha256(b"%d" % number).digest(), f"who {number % 3}", number, text, {"a": [number, None]})


def make(numbers: Any, text: str = "") -> tuple[CID, Blocks]:
    blocks = Blocks()
    return tables.build(SHAPE, [row(number, text) for number in numbers], blocks.put), blocks


def in_tree(root: CID, blocks: Blocks) -> set[CID]:
    """What links reach from a table."""
    found: set[CID] = set()
    pending = [root]
    while pending:
        cid = pending.pop()
        found.add(cid)
        pending += encoding.links(blocks[cid], DAG_CBOR)
    return found


def plain(content: dict[int, int], blocks: Blocks) -> CID:
    return tables.build(PAIRS, list(content.items()), blocks.put)
