"""Tables: one shape for one set of rows, proofs, differences, and nothing that was tampered with."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID
from registry.core.table import build as table_build
from registry.core.table import levels as table_levels
from registry.core.table import nodes as table_nodes
from registry.core.table import tables
from registry.core.table.columns import KINDS, Shape
from tests.core.table.made_tables import COLUMNS, CONTENT, PAIRS, SHAPE, Blocks, in_tree, make, plain, row


def test_rows_come_back_in_key_order() -> None:
    cid, blocks = make(range(1000))
    found = list(tables.iterate(cid, blocks.get))
    assert [list(item) for item in found] == [list(item) for item in sorted(map(row, range(1000)))]
    assert next(tables.rows_as_dicts(cid, blocks.get)) == dict(zip(COLUMNS, found[0], strict=True))
    header = tables.read(cid, blocks.get)
    assert (header.shape, header.written, header.count) == (SHAPE, SHAPE, 1000)


def test_an_empty_table_has_one_empty_leaf() -> None:
    cid, blocks = make([])
    assert list(tables.iterate(cid, blocks.get)) == []
    assert encoding.decode(blocks[tables.read(cid, blocks.get).root]) == {"rows": []}
    assert len(blocks) == 2
    assert tables.find(cid, row(1)[:2], blocks.get) is None


def test_the_format_is_exactly_as_documented() -> None:
    blocks = Blocks()
    cid = tables.build(PAIRS, [(2, "b"), (1, "a")], blocks.put)
    header = encoding.decode(blocks[cid])
    assert encoding.decode(blocks[header.pop("root")]) == {"rows": [[1, "a"], [2, "b"]]}
    kind = {"kind": "test", "columnsVersion": 1}
    assert header == {"v": 1, "type": "table", **kind, "columns": ["k", "v"], "key": ["k"], "count": 2}


def test_tables_from_before_nodes_were_made_smaller_are_read_and_no_third_form_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new, _ = make(range(9000))
    made = {}
    for limit in (table_build.EARLIER_MAX_ITEMS, 20_000):
        with monkeypatch.context() as patch:
            patch.setattr(table_levels, "MAX_ITEMS", limit)
            made[limit] = make(range(9000))
    (old, blocks), (odd, others) = made.values()
    assert len({new, old, odd}) == 3
    assert len(list(tables.iterate(old, blocks.get))) == 9000
    with pytest.raises(Untrusted, match="begins or ends where it should not"):
        list(tables.iterate(odd, others.get))


def test_the_rule_is_exactly_as_documented() -> None:
    """The tree written again by hand, level by level, from the words of the docstring."""
    cid, blocks = make(range(3000))
    rows = sorted([list(row(number)) for number in range(3000)])
    items: list[tuple[list[Any], Any, int]] = [(item[:2], item, 1) for item in rows]
    for level in range(10):
        nodes: list[list[Any]] = [[]]
        filled = 0
        for item in items:
            size = len(encoding.encode(item[1]))
            filled = filled + size if nodes[-1] else size
            if nodes[-1] and filled > 49_152:
                nodes.append([])
                filled = size
            nodes[-1].append(item)
            if hashlib.sha256(encoding.encode(item[0])).digest()[level] == 0:
                nodes.append([])
        nodes = [node for node in nodes if node]
        name = "nodes" if level else "rows"
        made = [blocks.put_value({name: [value for _, value, _ in node]}) for node in nodes]
        if len(made) == 1:
            break
        counts = [sum(count for _, _, count in node) for node in nodes]
        firsts = [node[0][0] for node in nodes]
        items = [(f, [f, n, c], n) for f, n, c in zip(firsts, counts, made, strict=True)]
    assert level > 0
    assert made == [tables.read(cid, blocks.get).root]


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(40)), st.data())
def test_any_order_of_input_gives_the_same_table(order: list[int], data: st.DataObject) -> None:
    some = data.draw(st.sets(st.integers(0, 39)))
    assert make([number for number in order if number in some])[0] == make(sorted(some))[0]


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 17, 100, 700])
def test_tall_trees_of_any_size(count: int) -> None:
    numbers = list(range(count))
    random.Random(count).shuffle(numbers)
    cid, blocks = make(numbers)
    assert make(range(count))[0] == cid
    assert [item[2] for item in tables.iterate(cid, blocks.get)] == [item[2] for item in sorted(map(row, range(count)))]
    assert in_tree(cid, blocks) == set(blocks), "a block was written that the table does not reach"
    if count == 700:
        assert table_nodes.Reader(cid, blocks.get).height() >= 4


@pytest.mark.usefixtures("small")
def test_nodes_stay_below_their_size() -> None:
    cid, blocks = make(range(300), "some text " * 5)
    assert all(len(data) <= 316 for data in blocks.values())
    assert len(list(tables.iterate(cid, blocks.get))) == 300
    assert make(reversed(range(300)), "some text " * 5)[0] == cid


def test_only_a_row_that_is_larger_itself_makes_a_node_of_more_than_48_kib() -> None:
    blocks = Blocks()
    rows = [(number, bytes([number]) * (200_000 if number % 7 == 3 else 5_000)) for number in range(40)]
    cid = tables.build(PAIRS, rows, blocks.put)
    sizes = sorted(map(len, blocks.values()))
    assert all(size > 200_000 for size in sizes[-6:])
    assert 25_000 < sizes[-7] <= (48 << 10) + 16
    assert list(tables.iterate(cid, blocks.get)) == rows


def test_the_largest_row_fills_a_node() -> None:
    blocks = Blocks()
    full = tables.MAX_NODE - 16 - 7  # a row [1, bytes]: list head, 1, and a head of 5 bytes
    cid = tables.build(PAIRS, [(1, bytes(full))], blocks.put)
    assert tables.find(cid, (1,), blocks.get) == (1, bytes(full))
    with pytest.raises(InvalidInput) as caught:
        tables.build(PAIRS, [(1, bytes(full + 1))], blocks.put)
    assert caught.value.code == "row_too_large"


@pytest.mark.parametrize(
    ("columns", "key", "rows", "code"),
    [
        (("a",), ("a",), [(1,), (1,)], "duplicate_key"),
        (("a", "b"), ("a",), [(1, 2), (3,)], "row_shape"),
        (("a",), ("a",), [(1,), ("1",)], "bad_key"),
        (("a",), ("a",), [(None,)], "bad_key"),
        (("a",), ("a",), [(True,)], "bad_key"),
        (("a",), ("a",), [([1],)], "bad_key"),
        (("a",), ("a",), [("x" * 4096,)], "row_too_large"),
        (("a",), ("b",), [], "bad_columns"),
        (("a", "a"), ("a",), [], "bad_columns"),
        (("a",), (), [], "bad_columns"),
        (("a", ""), ("a",), [], "bad_columns"),
    ],
)
def test_what_is_no_table_is_refused(columns: Any, key: Any, rows: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        tables.build(Shape("test", 1, columns, key), rows, Blocks().put)
    assert caught.value.code == code


KEYS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63), unique=True, max_size=30),
    st.lists(st.text(max_size=8), unique=True, max_size=30),
    st.lists(st.binary(max_size=8), unique=True, max_size=30),
)


@settings(deadline=None)
@given(KEYS)
def test_keys_are_ordered_by_bytes_and_by_number(keys: list[Any]) -> None:
    blocks = Blocks()
    cid = tables.build(Shape("test", 1, ("k",), ("k",)), [[key] for key in keys], blocks.put)
    found = [item[0] for item in tables.iterate(cid, blocks.get)]
    assert found == sorted(keys, key=lambda key: key.encode() if isinstance(key, str) else key)


# --- one row ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("often")
def test_many_rows_are_found_by_reading_each_node_once() -> None:
    cid, blocks = make(range(0, 600, 2))
    asked = [row(number)[:2] for number in (0, 1, 2, 598, 4, 7, 596, 0)]
    read = list[CID]()

    def get(one: CID) -> bytes:
        read.append(one)
        return blocks.get(one)

    found = tables.find_all(cid, asked, get)
    assert found == [tables.find(cid, key, blocks.get) for key in asked]
    assert [one is None for one in found] == [False, True, False, False, False, True, False, False]
    assert len(read) == len(set(read))
    assert tables.find_all(cid, [], get) == []


@pytest.mark.usefixtures("often")
def test_presence_and_absence_are_proved_by_a_few_blocks() -> None:
    cid, blocks = make(range(0, 600, 2))
    height = table_nodes.Reader(cid, blocks.get).height()
    for number in range(600):
        proof = tables.prove(cid, row(number)[:2], blocks.get)
        expected = row(number) if number % 2 == 0 else None
        assert tables.verify_proof(cid, row(number)[:2], proof) == expected
        assert tables.find(cid, row(number)[:2], blocks.get) == expected
        assert len(proof) <= height + 2
    for outside in ((b"", ""), (b"\xff" * 33, "")):
        assert tables.verify_proof(cid, outside, tables.prove(cid, outside, blocks.get)) is None


@pytest.mark.usefixtures("often")
@settings(max_examples=200, deadline=None)
@given(number=st.integers(0, 99), data=st.data())
def test_a_proof_with_any_byte_changed_or_any_block_missing_is_refused(number: int, data: st.DataObject) -> None:
    cid, blocks = make(range(0, 100, 2))
    key = row(number)[:2]
    proof = tables.prove(cid, key, blocks.get)
    victim = data.draw(st.sampled_from(sorted(proof)))
    at = data.draw(st.integers(0, len(proof[victim]) - 1))
    changed = bytearray(proof[victim])
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Untrusted) as caught:
        tables.verify_proof(cid, key, proof | {victim: bytes(changed)})
    assert caught.value.code == "hash_mismatch"
    with pytest.raises(Untrusted) as caught:
        tables.verify_proof(cid, key, {block: bytes_ for block, bytes_ in proof.items() if block != victim})
    assert caught.value.code == "proof_incomplete"


@pytest.mark.parametrize("key", [(b"x",), (b"x", "y", "z"), ("x", "y"), (b"x", 1), (None, None)])
def test_a_key_that_no_row_could_have_is_refused(key: Any) -> None:
    cid, blocks = make(range(10))
    with pytest.raises(InvalidInput) as caught:
        tables.find(cid, key, blocks.get)
    assert caught.value.code == "bad_key"


# --- two tables -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("often")
@settings(max_examples=200, deadline=None)
@given(CONTENT, CONTENT)
def test_a_difference_is_that_of_the_sets(a: dict[int, int], b: dict[int, int]) -> None:
    blocks = Blocks()
    found = list(tables.diff(plain(a, blocks), plain(b, blocks), blocks.get))
    expected = [
        ((key, a[key]) if key in a else None, (key, b[key]) if key in b else None)
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key)
    ]
    assert found == expected


def test_a_difference_tells_true_from_one() -> None:
    blocks = Blocks()
    one, true = (tables.build(PAIRS, [(0, value)], blocks.put) for value in (1, True))
    assert len(list(tables.diff(one, true, blocks.get))) == 1


@pytest.mark.parametrize("change", ["remove", "add", "first", "last"])
def test_a_difference_reads_only_what_is_not_shared(change: str) -> None:
    blocks = Blocks()
    numbers = set(range(20_000))
    rows = sorted(row(number) for number in numbers)
    other = {"remove": rows[:700] + rows[701:], "add": [*rows, row(20_001)], "first": rows[1:], "last": rows[:-1]}[
        change
    ]
    a = tables.build(SHAPE, rows, blocks.put)
    many = len(blocks)
    b = tables.build(SHAPE, other, blocks.put)
    assert len(blocks) - many < 8, "the two tables hardly share anything"
    blocks.reads = 0
    assert len(list(tables.diff(a, b, blocks.get))) == 1
    assert blocks.reads < 20
    assert many > 50


def test_only_tables_of_one_kind_are_compared() -> None:
    blocks = Blocks()
    a = tables.build(PAIRS, [(1, 1)], blocks.put)
    for columns, key, rows in (
        (("k", "w"), ("k",), [(1, 1)]),
        (("k", "v"), ("v",), [(1, 1)]),
        (("k", "v"), ("k",), [("1", 1)]),
    ):
        with pytest.raises(InvalidInput) as caught:
            list(tables.diff(a, tables.build(Shape("test", 1, columns, key), rows, blocks.put), blocks.get))
        assert caught.value.code == "tables_differ"


@pytest.mark.parametrize("kind", KINDS)
def test_the_records_tables_can_be_built(kind: str) -> None:
    shape, blocks = KINDS[kind], Blocks()
    cid = tables.build(shape, [], blocks.put)
    assert tables.read(cid, blocks.get) == tables.Table(shape, shape, 0, tables.read(cid, blocks.get).root)


def test_a_proof_takes_less_than_256_kib_however_long_rows_are() -> None:
    """Rows as large as half a node, so that nodes end by their size: the way from the header to a row stays short."""
    blocks = Blocks()
    rows = [(number, bytes([number % 256]) * (20_000 if number % 3 else 200)) for number in range(3000)]
    cid = tables.build(PAIRS, rows, blocks.put)
    for key in (*range(0, 3000, 97), 5000, -1):
        proof = tables.prove(cid, (key,), blocks.get)
        assert sum(map(len, proof.values())) <= 256 << 10
        assert (tables.verify_proof(cid, (key,), proof) is not None) is (0 <= key < 3000)
