"""Trees that build would not have written: whoever made and hashed them, they are untrusted or another table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, RAW
from registry.core.table import levels as table_levels
from registry.core.table import tables
from tests.core.table.made_tables import SHAPE, Blocks, make, row


def forge(blocks: Blocks, top: Any, count: int, **changes: Any) -> CID:
    link = blocks.put_value(top)
    kind = {"kind": "test", "columnsVersion": 1, "columns": ["k", "v"], "key": ["k"]}
    return blocks.put_value({"v": 1, "type": "table", **kind, "count": count, "root": link} | changes)


def as_raw(blocks: Blocks, cid: CID) -> CID:
    """The same bytes under a codec whose links nobody follows."""
    other = CID.v1(RAW, cid.digest)
    blocks[other] = blocks[cid]
    return other


def ending_keys(level: int, wanted: bool) -> Iterator[int]:
    """Integers after which a node of ``level`` ends, or does not."""
    for key in range(1_000_000):
        if (hashlib.sha256(encoding.encode([key])).digest()[level] == 0) == wanted:
            yield key


def inner(blocks: Blocks, *leaves: list[int]) -> dict[str, Any]:
    return {"nodes": [[[leaf[0]], len(leaf), blocks.put_value({"rows": [[k, 0] for k in leaf]})] for leaf in leaves]}


Forgery = Callable[[Blocks], CID]
STAY = [key for key, _ in zip(ending_keys(0, False), range(9), strict=False)]
END = next(ending_keys(0, True))

FORGERIES: dict[str, Forgery] = {
    "rows out of order": lambda b: forge(b, {"rows": [[2, 0], [1, 0]]}, 2),
    "a row twice": lambda b: forge(b, {"rows": [[1, 0], [1, 0]]}, 2),
    "keys of two types": lambda b: forge(b, {"rows": [[1, 0], ["a", 0]]}, 2),
    "a key that can't be one": lambda b: forge(b, {"rows": [[None, 0]]}, 1),
    "too few values": lambda b: forge(b, {"rows": [[1]]}, 1),
    "too many values": lambda b: forge(b, {"rows": [[1, 0, 0]]}, 1),
    "a row that is a map": lambda b: forge(b, {"rows": [{"k": 1, "v": 0}]}, 1),
    "a wrong count": lambda b: forge(b, {"rows": [[1, 0]]}, 2),
    "rows beside nodes": lambda b: forge(b, {"rows": [[1, 0]], "nodes": []}, 1),
    "a node of another name": lambda b: forge(b, {"items": [[1, 0]]}, 1),
    "a node that is a list": lambda b: forge(b, [[1, 0]], 1),
    "an empty inner root": lambda b: forge(b, {"nodes": []}, 0),
    "a root that is not needed": lambda b: forge(b, inner(b, [1, 2]), 2),
    "leaves out of order": lambda b: forge(b, inner(b, [STAY[2]], [STAY[1]]), 2),
    "leaves that overlap": lambda b: forge(b, inner(b, [STAY[0], STAY[3]], [STAY[2], STAY[4]]), 4),
    "a leaf that ends too early": lambda b: forge(b, inner(b, STAY[:2], STAY[2:4]), 4),
    "a leaf that ends too late": lambda b: forge(b, {"rows": [[END, 0], [END + 1, 0]]}, 2),
    "an empty leaf": lambda b: forge(
        b, {"nodes": [[[1], 1, b.put_value({"rows": [[1, 0]]})], [[2], 1, b.put_value({"rows": []})]]}, 2
    ),
    "a false first key": lambda b: forge(
        b,
        {
            "nodes": [
                [[END - 1], 1, b.put_value({"rows": [[END, 0]]})],
                [[END + 1], 1, b.put_value({"rows": [[END + 1, 0]]})],
            ]
        },
        2,
    ),
    "a false count below": lambda b: forge(
        b,
        {
            "nodes": [
                [[END], 2, b.put_value({"rows": [[END, 0]]})],
                [[END + 1], 1, b.put_value({"rows": [[END + 1, 0]]})],
            ]
        },
        3,
    ),
    "leaves at different levels": lambda b: forge(
        b,
        {"nodes": [[[END], 1, b.put_value({"rows": [[END, 0]]})], [[END + 1], 1, b.put_value(inner(b, [END + 1]))]]},
        2,
    ),
    "a count that is no number": lambda b: forge(b, {"nodes": [[[1], True, b.put_value({"rows": [[1, 0]]})]] * 2}, 2),
    "a first key that is bare": lambda b: forge(b, {"nodes": [[1, 1, b.put_value({"rows": [[1, 0]]})]] * 2}, 2),
    "another version": lambda b: forge(b, {"rows": []}, 0, v=0),
    "no kind": lambda b: forge(b, {"rows": []}, 0, kind=None),
    "columns of no version": lambda b: forge(b, {"rows": []}, 0, columnsVersion=0),
    "columns of a true version": lambda b: forge(b, {"rows": []}, 0, columnsVersion=True),
    "a known kind with other columns": lambda b: forge(b, {"rows": []}, 0, kind="draw.folds"),
    "a header with more": lambda b: forge(b, {"rows": []}, 0, more=1),
    "a negative count": lambda b: forge(b, {"rows": []}, -1),
    "a key that is no column": lambda b: forge(b, {"rows": []}, 0, key=["x"]),
    "columns that are no list": lambda b: forge(b, {"rows": []}, 0, columns="kv"),
    "a root that is no link": lambda b: forge(b, {"rows": []}, 0, root=b"x"),
    "a root under another codec": lambda b: forge(b, {}, 1, root=as_raw(b, b.put_value({"rows": [[1, 0]]}))),
    "a leaf under another codec": lambda b: forge(
        b,
        {
            "nodes": [
                [[END], 1, as_raw(b, b.put_value({"rows": [[END, 0]]}))],
                [[END + 1], 1, b.put_value({"rows": [[END + 1, 0]]})],
            ]
        },
        2,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_tree_is_untrusted(name: str) -> None:
    blocks = Blocks()
    cid = FORGERIES[name](blocks)
    with pytest.raises(Untrusted) as caught:
        list(tables.iterate(cid, blocks.get))
    assert caught.value.code in ("table_shape", "table_order")


def test_a_node_that_ends_at_a_size_it_did_not_reach_is_untrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Blocks()
    with monkeypatch.context() as smaller:
        smaller.setattr(table_levels, "MAX_ITEMS", 300)
        cid = tables.build(SHAPE, [row(number) for number in range(50)], blocks.put)
    with pytest.raises(Untrusted) as caught:
        list(tables.iterate(cid, blocks.get))
    assert caught.value.code == "table_shape"


def test_an_endless_descent_is_untrusted() -> None:
    blocks = Blocks()
    leaf = {"rows": [[1, 0]]}
    node: Any = leaf
    for _ in range(table_levels.MAX_LEVELS + 1):
        low, high = blocks.put_value(node), blocks.put_value({"rows": [[2, 0]]})
        node = {"nodes": [[[1], tables_count(node), low], [[2], 1, high]]}
    cid = forge(blocks, node, tables_count(node))
    for ask in (lambda: list(tables.iterate(cid, blocks.get)), lambda: tables.find(cid, (1,), blocks.get)):
        with pytest.raises(Untrusted):
            ask()


def tables_count(node: dict[str, Any]) -> int:
    return len(node["rows"]) if "rows" in node else sum(item[1] for item in node["nodes"])


def test_what_is_no_table_is_named_so() -> None:
    blocks = Blocks()
    values: tuple[Any, ...] = ({"type": "snapshot"}, [], "table", {"rows": []})
    for value in values:
        with pytest.raises(InvalidInput) as caught:
            tables.read(blocks.put_value(value), blocks.get)
        assert caught.value.code == "not_a_table"


@pytest.mark.usefixtures("often")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_byte_changed_and_hashed_again_is_found_or_another_table(data: st.DataObject) -> None:
    """Who changes a node must change its parents too: what comes out has another CID, or is refused."""
    cid, blocks = make(range(60))
    victim = data.draw(st.sampled_from(sorted(blocks)))
    changed = bytearray(blocks[victim])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    lying = dict(blocks) | {victim: bytes(changed)}

    def unchecked(wanted: CID) -> bytes:
        return lying[wanted]

    try:
        found = list(tables.iterate(cid, unchecked))
        header = tables.read(cid, unchecked)
    except (EmotionetError, KeyError):  # KeyError: a link to nowhere
        return
    assert tables.build(header.shape, found, Blocks().put) != cid
