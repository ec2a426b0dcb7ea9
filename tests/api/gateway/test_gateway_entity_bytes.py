"""entity-bytes: exactly the blocks that a range of a file takes, by the words of IPIP-402."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.api.gateway.car import EntityBytes
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.content.unixfs.importer import add_bytes
from registry.core.errors import UsageError
from tests.api.gateway.gateway_dags import answer, content, once, put_tree

DATA = random.Random(1).randbytes(1000)


@pytest.mark.parametrize(
    "text", ["", ":", "1", "1:", ":1", "*:1", "a:b", "1:2:3", "1.5:2", "+1:2", "5:4", "-4:-5", "٣:٥", "9" * 19 + ":*"]
)
def test_a_range_that_says_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="entity-bytes"):
        EntityBytes.parse(text)


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("0:*", 1026, (0, 1026)),
        ("0:0", 1026, (0, 1)),
        ("512:1023", 1026, (512, 1024)),
        ("512:-256", 1026, (512, 771)),
        ("-5:*", 1026, (1021, 1026)),
        ("-9999:*", 1026, (0, 1026)),
        ("-9999:-3", 1026, (0, 1024)),
        ("-1:-1", 1026, (1025, 1026)),
        ("1000:9999", 1026, (1000, 1026)),
        ("-5:9999", 1026, (1021, 1026)),
        ("499:-1000", 1026, (499, 499)),  # nothing: as dag-scope=block
        ("0:*", 0, (0, 0)),
        ("5:*", 0, (5, 5)),
    ],
)
def test_a_range_means_these_bytes(text: str, size: int, expected: tuple[int, int]) -> None:
    assert EntityBytes.parse(text).within(size) == expected


@pytest.mark.parametrize("text", ["1026:*", "5000:6000", "-9999:-1027", "1026:-1"])
def test_a_range_wholly_outside_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1026 bytes"):
        EntityBytes.parse(text).within(1026)


@settings(deadline=None)
@given(st.integers(0, 300), st.data())
def test_a_range_is_exactly_the_blocks_that_it_takes(size: int, data: st.DataObject) -> None:
    store = MemoryStore()
    whole = DATA[:size]
    root = put_tree(store, whole, chunk=data.draw(st.integers(1, 40)), width=data.draw(st.integers(2, 4)))
    first, last = data.draw(st.integers(-400, 400)), data.draw(st.none() | st.integers(-400, 400))
    text = f"{first}:{'*' if last is None else last}"
    positions = range(size)  # what the words of IPIP-402 mean, byte by byte
    start = first if first >= 0 else max(0, size + first)
    end = size - 1 if last is None else last if last >= 0 else size + last
    asked = [at for at in positions if start <= at <= end]
    try:
        order, received = answer(store, root, extent=text)
    except UsageError:
        assert asked == []
        return
    if not asked:
        assert order == [root]
        return
    assert content(received, root, asked[0], asked[-1] + 1) == bytes(whole[at] for at in asked)
    pieces = list(reader.read_blocks(store, root, asked[0], asked[-1] + 1))
    assert order == once(piece.cid for piece in pieces)
    again, _ = answer(store, root, extent=text, duplicates=True)
    assert again == [piece.cid for piece in pieces]


def test_old_files_whose_leaves_are_nodes() -> None:
    store = MemoryStore()
    data = random.Random(2).randbytes(600_000)
    root = add_bytes(store, data, "unixfs-v0-2015").cid
    order, received = answer(store, root, extent="300000:300000")
    assert len(order) == 2
    assert content(received, root, 300_000, 300_001) == data[300_000:300_001]
    assert {cid.version for cid in order} == {0}
