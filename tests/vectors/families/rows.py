"""Tables: how rows are cut, and what a reader refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from registry.core.errors import Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.table import tables
from registry.core.table.columns import FOLDS, Shape
from tests.vectors.families.vector import Family, Vector, good

NUMBERS = Shape("vectors.numbers", 1, ("sha256", "number"), ("sha256",))
WORDS = Shape("vectors.words", 1, ("word", "number", "note"), ("word", "number"))


def rows_of(given: Any) -> list[list[Any]]:
    """Stated rows, or those of a count: [sha2-256 of the decimal number, number mod 5] for 0 to count - 1."""
    if "rows" in given:
        return list(given["rows"])
    long = given.get("long")
    return [
        [hashlib.sha256(b"%d" % n).digest(), n % 5 if long is None else "x" * long] for n in range(given["generated"])
    ]


def cut(given: Any) -> dict[str, Any]:
    """The table of some rows: its CID, its root's, and by level from the root the numbers of items of each node."""
    shape = Shape(given["kind"], 1, tuple(given["columns"]), tuple(given["key"]))
    blocks: dict[CID, bytes] = {}
    table = tables.build(shape, rows_of(given), lambda cid, data: blocks.update({cid: data}))
    root = encoding.decode(blocks[table])["root"]
    levels, level = [], [root]
    while level:
        nodes = [encoding.decode(blocks[cid]) for cid in level]
        levels.append([len(next(iter(node.values()))) for node in nodes])
        level = [item[2] for node in nodes for item in node.get("nodes", [])]
    return {"table": table, "root": root, "levels": levels, "bytes": sum(map(len, blocks.values()))}


def read(given: Any) -> list[list[Any]]:
    """All rows of a table, its order and its cut checked."""
    blocks = {cid_of(block, DAG_CBOR): block for block in given["blocks"]}

    def get(cid: CID) -> bytes:
        if cid not in blocks:
            raise Untrusted(f"{cid} is missing", code="table_shape")
        return bytes(blocks[cid])

    return [list(row) for row in tables.iterate(given["table"], get)]


def _asked(shape: Shape, **rows: Any) -> dict[str, Any]:
    return {"kind": shape.kind, "columns": list(shape.columns), "key": list(shape.key), **rows}


def cuts() -> Sequence[Vector]:
    words = [
        ["a", 2, None],
        ["a", -1, None],
        ["", 0, None],
        ["ab", 0, None],
        ["é", 0, None],
        ["\uffff", 0, 1],
        ["😀", 0, 2],
    ]
    given = {
        f"{count} rows": _asked(NUMBERS, generated=count) for count in (0, 1, 2, 255, 256, 257, 1000, 20_000, 100_000)
    }
    given["keys of text and integers: by bytes of UTF-8, by number"] = _asked(WORDS, rows=words)
    given["rows that don't fit: before an item"] = {**_asked(NUMBERS, generated=5), "long": 400_000}
    digest = hashlib.sha256(b"one").digest()
    given["folds of one image"] = _asked(FOLDS, rows=[[digest, 1, 5], [digest, 0, 2]])
    found = [good(cut, name, one) for name, one in given.items()]
    found.append(
        Vector(
            "a key twice", _asked(NUMBERS, rows=[[digest, 1], [digest, 2]]), refused="duplicate_key", why="keys differ"
        )
    )
    found.append(
        Vector("a row too short", _asked(NUMBERS, rows=[[digest]]), refused="row_shape", why="a cell a column")
    )
    found.append(
        Vector(
            "keys of two types", _asked(NUMBERS, rows=[[digest, 1], ["x", 2]]), refused="bad_key", why="one type a part"
        )
    )
    found.append(
        Vector(
            "a key that is null", _asked(NUMBERS, rows=[[None, 1]]), refused="bad_key", why="bytes, text or integers"
        )
    )
    found.append(
        Vector(
            "a column twice",
            {**_asked(NUMBERS, rows=[]), "columns": ["sha256", "sha256"]},
            refused="bad_columns",
            why="names differ",
        )
    )
    return found


class _Written:
    """Blocks of a table that nobody's program would write."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def put(self, value: Any) -> CID:
        self.blocks.append(encoding.encode(value))
        return cid_of(self.blocks[-1], DAG_CBOR)

    def leaf(self, *rows: list[Any]) -> CID:
        return self.put({"rows": list(rows)})

    def table(self, root: CID, count: int, /, **other: Any) -> dict[str, Any]:
        head = {"v": 1, "type": "table", "kind": NUMBERS.kind, "columnsVersion": 1, "columns": list(NUMBERS.columns)}
        table = self.put({**head, "key": list(NUMBERS.key), "count": count, "root": root, **other})
        return {"table": table, "blocks": self.blocks}


def _digests(ends: bool, count: int) -> list[bytes]:
    """The smallest of some digests whose keys end a leaf, or don't."""
    found: list[bytes] = []
    number = 0
    while len(found) < count:
        digest = hashlib.sha256(b"%d" % number).digest()
        if (hashlib.sha256(encoding.encode([digest])).digest()[0] == 0) == ends:
            found.append(digest)
        number += 1
    return sorted(found)


def reads() -> Sequence[Vector]:
    a, b, c, d = _digests(False, 4)
    end = _digests(True, 1)[0]
    low, high = (
        [one for one in _digests(False, 60) if one < end][:2],
        [one for one in _digests(False, 60) if one > end][:2],
    )

    def table(root: Any, count: int, /, **other: Any) -> dict[str, Any]:
        made = _Written()
        return made.table(root(made), count, **other)

    def two_leaves(made: _Written) -> CID:
        one, other = made.leaf([a, 0], [b, 0]), made.leaf([c, 0], [d, 0])
        return made.put({"nodes": [[[a], 2, one], [[c], 2, other]]})

    def cut_right(
        made: _Written, first: bytes = low[0], counts: tuple[int, int] = (3, 2), other: bytes = high[0]
    ) -> CID:
        left, right = made.leaf([low[0], 0], [low[1], 0], [end, 0]), made.leaf([high[0], 0], [high[1], 0])
        return made.put({"nodes": [[[first], counts[0], left], [[other], counts[1], right]]})

    accepted = {
        "no row": table(lambda made: made.leaf(), 0),
        "two rows": table(lambda made: made.leaf([a, 1], [b, 2]), 2),
        "two leaves, the first ends by its last key": table(cut_right, 5),
    }
    shape, order = "table_shape", "table_order"
    refused = {
        "rows out of order": (table(lambda made: made.leaf([b, 1], [a, 2]), 2), order, "keys rise"),
        "a key twice": (table(lambda made: made.leaf([a, 1], [a, 2]), 2), order, "keys rise"),
        "another count": (table(lambda made: made.leaf([a, 1]), 2), shape, "count is the number of rows"),
        "a leaf that ends where it should not": (
            table(two_leaves, 4),
            shape,
            "the first leaf's last key does not end it",
        ),
        "a leaf that goes on where it should end": (
            table(lambda made: made.leaf([low[0], 0], [end, 0], [high[0], 0]), 3),
            shape,
            "a leaf ends after that key",
        ),
        "a root with one node below": (
            table(lambda made: made.put({"nodes": [[[a], 1, made.leaf([a, 1])]]}), 1),
            shape,
            "the first level with one node is the top",
        ),
        "another first key": (
            table(lambda made: cut_right(made, first=low[1]), 5),
            shape,
            "the first key is the node's",
        ),
        "another number of rows below": (
            table(lambda made: cut_right(made, counts=(2, 3)), 5),
            shape,
            "rows are counted",
        ),
        "a row too long": (table(lambda made: made.leaf([a, 1, 2]), 1), shape, "a cell a column"),
        "a node with another field": (table(lambda made: made.put({"rows": [[a, 1]], "x": 0}), 1), shape, "rows alone"),
        "an unknown field in the header": (
            table(lambda made: made.leaf([a, 1]), 1, note="x"),
            shape,
            "exactly the fields",
        ),
        "a root that is named": (table(lambda made: made.leaf([a, 1]), 1, root=b"x"), shape, "root is a link"),
        "a key that is no column": (table(lambda made: made.leaf([a, 1]), 1, key=["x"]), shape, "keys are columns"),
        "keys of two types": (table(lambda made: made.leaf([1, 1], [a, 2]), 2), shape, "one type a part"),
        "known kind with other columns": (
            table(lambda made: made.leaf([a, 1]), 1, kind="draw.folds"),
            shape,
            "a kind has its columns",
        ),
        "newer columns": (
            table(lambda made: made.leaf([a, 1]), 1, kind="draw.folds", columnsVersion=2),
            "newer_version",
            "not checked: it is newer",
        ),
        "a newer structure": (
            table(lambda made: made.leaf([a, 1]), 1, v=2),
            "newer_version",
            "not checked: it is newer",
        ),
        "a node that is missing": (
            {"table": (made := table(lambda made: made.leaf([a, 1]), 1))["table"], "blocks": made["blocks"][1:]},
            shape,
            "a node is missing",
        ),
    }
    return [
        *(good(read, name, given) for name, given in accepted.items()),
        *(Vector(name, given, refused=code, why=why) for name, (given, code, why) in refused.items()),
    ]


FAMILIES = (
    Family(
        "tables",
        "Rows in any order, or `generated`: [sha2-256 of the decimal number in ASCII, number mod 5] for 0 to "
        "generated - 1; "
        "with `long` the second cell is so many letters x. "
        "Expected: the table's CID, its root's, the numbers of items of the nodes of each level from the root, "
        "all bytes.",
        cut,
        cuts,
    ),
    Family(
        "table-blocks", "The blocks of a table; expected: its rows. Everything of the table is checked.", read, reads
    ),
)
