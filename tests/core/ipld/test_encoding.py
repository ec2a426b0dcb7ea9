"""dag-cbor: one form for each value, against an independent implementation, and nothing else is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cbrrr
import dag_cbor
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.encoding import decode, encode, links, to_dag_json

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_there_and_back_and_as_another_implementation_writes_it(value: Any) -> None:
    data = encode(value)
    assert decode(data) == value
    assert data == dag_cbor.encode(value)


@given(st.binary(max_size=200))
def test_what_is_read_is_what_would_be_written(data: bytes) -> None:
    try:
        value = decode(data)
    except InvalidInput:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        "",
        "a2616201616101",  # keys out of order
        "a2616101616102",  # a key twice
        "a10101",  # a number as key
        "1800",  # not minimal
        "1b0000000000000001",
        "9fff",  # indefinite
        "bfff",
        "f97e00",  # a half float
        "fb3ff0000000000000",  # a double
        "fb7ff8000000000000",  # NaN
        "f7",  # undefined
        "c249010000000000000000",  # a tag that is no link
        "d82a4100",  # a link to nothing
        "0000",  # bytes follow
        "62ff",  # cut off
        "61ff",  # not UTF-8
        "5bffffffffffffffff",  # a huge length
        "9bffffffffffffffff",
    ],
)
def test_what_is_not_canonical_is_refused(data: str) -> None:
    with pytest.raises(InvalidInput):
        decode(bytes.fromhex(data))


def test_depth_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(InvalidInput, match="nested"):
        decode(b"\x81" * 100_000 + b"\x00")
    deep: Any = 0
    for _ in range(70):
        deep = [deep]
    with pytest.raises(InvalidInput, match="nested"):
        encode(deep)


@given(
    st.lists(st.sampled_from([lambda one: [one], lambda one: {"a": one}, lambda one: [0, one, 0]]), max_size=4),
    st.integers(60, 67),
    st.sampled_from([0, None, b"", "", True, [], {}, [1, 2], {"a": 1}, [[]], cid_of(b"1", RAW), [cid_of(b"1", RAW)]]),
)
def test_depth_is_counted_alike_on_both_sides(around: list[Callable[[Any], Any]], depth: int, value: Any) -> None:
    for number in range(depth):
        value = around[number % len(around)](value) if around else [value]
    data = bytes(cbrrr.encode_dag_cbor(value, cid_type=CID))
    if _lists_around(value) <= 64:
        assert encode(value) == data
        assert decode(data) == value
    else:
        with pytest.raises(InvalidInput, match="nested deeper than 64"):
            encode(value)
        with pytest.raises(InvalidInput, match="nested deeper than 64"):
            decode(data)


def _lists_around(value: Any) -> int:
    """The most lists and maps that stand around one item."""
    held = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return max((1 + _lists_around(one) for one in held), default=0)


@given(plain, st.data())
def test_what_is_cut_off_is_told_so(value: Any, data: st.DataObject) -> None:
    whole = encode(value)
    with pytest.raises(InvalidInput, match=r"cut off|larger than all there is"):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(InvalidInput, match="bytes follow"):
        decode(whole + b"\x00")


def test_tags_in_tags_are_refused() -> None:
    with pytest.raises(InvalidInput):
        decode(b"\xd8\x2a" * 500_000 + b"\x40")


@pytest.mark.parametrize("value", [1.0, {1: 2}, {"a": {1, 2}}, object(), 2**64, -(2**64) - 1, "\ud800"])
def test_what_has_no_form_is_not_written(value: Any) -> None:
    with pytest.raises(InvalidInput):
        encode(value)


def test_links_are_found_and_written_as_dag_json() -> None:
    one, two = cid_of(b"1", RAW), CID.v0(bytes(32))
    value = {"b": [one, {"c": two}], "a": b"\1\2"}
    data = encode(value)
    assert decode(data) == value
    assert links(data, DAG_CBOR) == [one, two]
    assert links(b"anything", RAW) == links(b"anything", 0x0129) == []
    assert json.loads(to_dag_json(value)) == {
        "a": {"/": {"bytes": "AQI"}},
        "b": [{"/": str(one)}, {"c": {"/": str(two)}}],
    }


def test_blocks_are_at_most_2_mib() -> None:
    with pytest.raises(InvalidInput, match="2 MiB"):
        decode(encode(bytes(2 << 20)))


def test_a_link_that_a_block_repeats_is_read_and_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = encode("first")
    low = cid_of(first, DAG_CBOR)
    block = encode([low] * 5000)
    read: list[bytes] = []
    whole = CID.decode

    def noted(data: bytes) -> CID:
        read.append(data)
        return whole(data)

    monkeypatch.setattr(CID, "decode", noted)
    assert links(block, DAG_CBOR) == [low] * 5000
    assert decode(block) == [low] * 5000
    assert len(read) == 2
    blocks = {low: first, cid_of(block, DAG_CBOR): block}
    assert [cid for cid, _ in walk_closure(blocks.__getitem__, [cid_of(block, DAG_CBOR)])] == list(blocks)[::-1]
