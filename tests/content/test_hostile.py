"""Blocks that a stranger wrote: no exception but the project's own, no endless walk, no memory."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.content.car_import import import_car, import_partial
from registry.content.labels.labeled_folder import held_folder
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer, reader
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld import car, encoding, unixfs
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.ipld.dag import walk_closure, walk_held
from registry.core.ipld.dagpb import Link, Node, decode_node, encode_node


def samples() -> tuple[MemoryStore, list[CID]]:
    """One of each kind of node: small file, large file, dag-pb leaf, plain and sharded directory, dag-cbor."""
    store = MemoryStore()
    large = importer.add_bytes(store, bytes(3 << 20))
    leaf = importer.add_bytes(store, b"leaf", "unixfs-v0-2015")
    plain = importer.add_directory(store, {"a": (large.cid, large.tsize), "b": (leaf.cid, leaf.tsize)})
    many = {f"{number}-{'n' * 200}": (leaf.cid, leaf.tsize) for number in range(1200)}
    sharded = importer.add_directory(store, many)
    record = encoding.encode({"link": plain.cid, "list": [1, -1, "text", b"bytes", None, True, {"k": leaf.cid}]})
    store.put(cid_of(record, DAG_CBOR), record)
    return store, [large.cid, leaf.cid, plain.cid, sharded.cid, cid_of(record, DAG_CBOR)]


STORE, ROOTS = samples()
Use = Callable[[MemoryStore, CID], object]
USES: list[Use] = [
    lambda store, cid: list(islice(reader.entries(store, cid), 5000)),
    lambda store, cid: list(islice(reader.read_file(store, cid), 5000)),
    lambda store, cid: list(islice(reader.read_blocks(store, cid, 1_000_000, 1_000_001), 5000)),
    lambda store, cid: reader.lookup(store, cid, "a"),
    lambda store, cid: reader.file_size(store, cid),
    lambda store, cid: list(islice(walk_closure(store.get, [cid]), 5000)),
    lambda store, cid: list(islice(walk_held(store, [cid], []), 5000)),
    lambda store, cid: held_folder(store, cid),
    lambda store, cid: encoding.decode(store.get(cid)),
]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[CID, bytes]:
    """A block of one of the samples with a few bytes changed, cut out or put in."""
    root = draw(st.sampled_from(ROOTS))
    data = bytearray(STORE.get(root))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(data), 400)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "end"]))
        if kind == "flip" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        else:
            del data[at:]
    return cid_of(bytes(data), root.codec), bytes(data)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_a_mutated_node_is_an_error_of_ours_or_reads(block: tuple[CID, bytes]) -> None:
    store = MemoryStore()
    store._blocks = dict(STORE._blocks)
    store.put(*block)
    for use in USES:
        with contextlib.suppress(EmotionetError):
            use(store, block[0])


def whole_car() -> bytes:
    stream = io.BytesIO()
    car.write(ROOTS[2:3], walk_closure(STORE.get, ROOTS[2:3]), stream)
    return stream.getvalue()


WHOLE = whole_car()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_car_is_an_error_of_ours_and_leaves_nothing(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        near = data.draw(st.sampled_from([0, 58, len(WHOLE) - 200]))
        at = max(0, min(len(changed) - 1, near + data.draw(st.integers(0, 150))))
        if changed and data.draw(st.booleans()):
            changed[at] = data.draw(st.integers(0, 255))
        else:
            del changed[at:]
    store = MemoryStore()
    try:
        import_car(store, io.BytesIO(bytes(changed)))
    except EmotionetError:
        assert list(store.cids()) == []
    with contextlib.suppress(EmotionetError):
        import_partial(MemoryStore(), io.BytesIO(bytes(changed)))


def doubling(store: MemoryStore, levels: int) -> CID:
    """A file of a few blocks that claims two to the power of ``levels`` bytes and could give them all."""
    cid, size = importer.add_bytes(store, b"x").cid, 1
    for _ in range(levels):
        block = unixfs.file_node((Link(cid, "", size), Link(cid, "", size)), (size, size))
        cid, size = cid_of(block, DAG_PB), size * 2
        store.put(cid, block)
    return cid


def test_a_file_that_expands_without_end_is_refused_from_its_root() -> None:
    store = MemoryStore()
    bomb = doubling(store, 60)
    assert reader.file_size(store, bomb) == 1 << 60
    with pytest.raises(InvalidInput) as caught:
        reader.read_whole(store, bomb)
    assert caught.value.code == "file_too_large"
    assert b"".join(islice(reader.read_file(store, bomb, 1 << 59), 10)) == b"x" * 10  # a range costs its path alone
    labels = importer.add_directory(store, {"labels.csv": (bomb, 1)}).cid
    with pytest.raises(InvalidInput):
        held_folder(store, labels)
    rows = importer.add_bytes(store, b"file,label\na.jpg,feliz\n")
    images = importer.add_directory(store, {"labels.csv": (rows.cid, rows.tsize), "a.jpg": (bomb, 1)}).cid
    assert [bad.code for bad in held_folder(store, images).rejected] == ["file_too_large"]


def test_directories_in_directories_are_walked_without_recursion() -> None:
    store = MemoryStore()
    cid = importer.add_bytes(store, b"x").cid
    for _ in range(5000):
        cid = importer.add_directory(store, {"d": (cid, 1)}).cid
    assert sum(1 for _ in walk_closure(store.get, [cid])) == 5001
    assert reader.resolve(store, cid, "/".join("d" * 5000)).codec == RAW


@pytest.mark.parametrize("length", [2**31, 2**40, 2**62])
def test_a_length_that_nobody_has_costs_no_memory(length: int) -> None:
    from registry.core.ipld.varint import encode_varint

    header = WHOLE[: 1 + WHOLE[0]]
    tracemalloc.start()
    for data in (encode_varint(length), header + encode_varint(length) + b"x" * 100):
        with pytest.raises(EmotionetError):
            import_car(MemoryStore(), io.BytesIO(data))
    huge = encode_node(Node((), b"\x08\x02\x18" + encode_varint(length)))
    with pytest.raises(InvalidInput):
        unixfs.decode_unixfs(decode_node(huge))
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()
