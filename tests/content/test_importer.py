"""Importing: Kubo's CIDs under both profiles, and reading back what was written, never more."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.content.stores.memory import MemoryStore, NullSink
from registry.content.unixfs import importer, reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld import unixfs
from registry.core.ipld.cid import CID, DAG_PB, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node

V0, V1 = "unixfs-v0-2015", "unixfs-v1-2025"


def noise(size: int) -> bytes:
    """``random.Random(42)``'s bytes, in pieces of 1 MiB, as the vectors were made."""
    r, pieces = random.Random(42), []
    while size:
        pieces.append(r.randbytes(min(size, 1 << 20)))
        size -= len(pieces[-1])
    return b"".join(pieces)


VECTORS = [
    (
        0,
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ),
    (
        1,
        "QmVTbSjAdjGf4RUq6YnLT66k5ktjQk2Mg3B3uUKAvmhSyc",
        "bafkreidnsd52zqdt5yfuyq7tumurz3g2gn3e63lg2fbcjlla6ry7fsbtjm",
    ),
    (
        262145,
        "QmWWiYimNi8yDyZ1piwnPg2VYJH9vvbcCX6gzcRipDTobj",
        "bafkreigskvjjy5pbdhujfgwift76olcokmfddg4vu7vvvw6joigl56bc5a",
    ),
    (
        50 << 20,
        "QmStdioSwgbfu4mXs7w45Q46Fv4huQePikX9wVgg2yVrfd",
        "bafybeiczby7ur3wzieov3ae3nzczmx6ksdxppdujyjwbt4seut5sv5vh2m",
    ),
]


@pytest.mark.parametrize(("size", "v0", "v1"), VECTORS)
def test_files_have_kubos_cids(size: int, v0: str, v1: str) -> None:
    data = noise(size)
    for profile, cid in ((V0, v0), (V1, v1)):
        added = importer.add_bytes(NullSink(), data, profile)
        assert (str(added.cid), added.size, added.sha256) == (cid, size, hashlib.sha256(data).digest())


def test_the_empty_directory_has_kubos_cid() -> None:
    assert str(importer.add_directory(NullSink(), {}, V0).cid) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
    expected = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
    assert str(importer.add_directory(NullSink(), {}, V1).cid) == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3 << 20), st.integers(0, 9))
def test_files_as_an_independent_implementation_has_them(size: int, seed: int) -> None:
    data = random.Random(seed).randbytes(size)
    assert str(importer.add_bytes(NullSink(), data, V0).cid) == aleph_cid.compute_cid(data)


def test_a_tree_deeper_than_one_level_as_an_independent_implementation_has_it() -> None:
    data = noise((174 * 174 + 1) * 10) * 26  # more than 174 * 174 chunks would be 7.9 GB: this has two levels
    assert str(importer.add_bytes(NullSink(), data[: 175 << 18], V0).cid) == aleph_cid.compute_cid(data[: 175 << 18])


def test_the_real_photographs_have_kubos_cids(shared_data: Path) -> None:
    folder = shared_data / "emociones"
    with (folder / "cids.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 185
    for row in rows:
        data = (folder / "images" / row["file"]).read_bytes()
        assert str(importer.add_bytes(NullSink(), data, V1).cid) == row["cid_v1_2025"]
        assert str(importer.add_bytes(NullSink(), data, V0).cid) == row["cid_v0_2015"]


@pytest.mark.parametrize("profile", [V0, V1])
@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_what_was_written_is_read_back(profile: str, size: int) -> None:
    store, data = MemoryStore(), noise(size)
    added = importer.add_bytes(store, data, profile)
    assert b"".join(reader.read_file(store, added.cid)) == data


class Dribble(io.BytesIO):
    """A stream that gives a few bytes at a time, as pipes do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(70_000 if size is None or size < 0 else min(size, 70_000))


def test_a_dribbling_stream_gives_the_same_cid() -> None:
    data = noise(700_000)
    assert importer.add_file(NullSink(), Dribble(data), V0).cid == importer.add_bytes(NullSink(), data, V0).cid


def test_directories_list_and_resolve() -> None:
    store = MemoryStore()
    one, two = importer.add_bytes(store, b"1"), importer.add_bytes(store, b"2")
    inner = importer.add_directory(store, {"two": (two.cid, two.tsize)})
    root = importer.add_directory(store, {"one": (one.cid, one.tsize), "in": (inner.cid, inner.tsize)})
    assert list(reader.list_directory(store, root.cid)) == ["in", "one"]
    assert reader.resolve(store, root.cid, "in/two") == two.cid
    assert reader.resolve(store, root.cid, "") == root.cid
    for path in ("nothing", "in/three"):
        with pytest.raises(NotFound):
            reader.resolve(store, root.cid, path)
    with pytest.raises(InvalidInput, match="not a directory"):
        reader.resolve(store, root.cid, "one/x")
    with pytest.raises(InvalidInput, match="not a file"):
        list(reader.read_file(store, root.cid))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_names_that_no_directory_may_hold(name: str) -> None:
    store = MemoryStore()
    one = importer.add_bytes(store, b"1")
    with pytest.raises(InvalidInput):
        importer.add_directory(store, {name: (one.cid, one.tsize)})
    block = encode_node(Node((Link(one.cid, name, 1),), unixfs.encode_unixfs(unixfs.UnixFS(unixfs.DIRECTORY))))
    cid = cid_of(block, DAG_PB)
    store.put(cid, block)
    with pytest.raises(InvalidInput):
        reader.list_directory(store, cid)


def lying_file(store: MemoryStore, sizes: tuple[int, ...], parts: list[CID]) -> CID:
    block = unixfs.file_node(tuple(Link(cid, "", 1) for cid in parts), sizes)
    cid = cid_of(block, DAG_PB)
    store.put(cid, block)
    return cid


def test_a_part_of_another_size_than_stated_is_refused() -> None:
    store = MemoryStore()
    part = importer.add_bytes(store, b"12345").cid
    assert b"".join(reader.read_file(store, lying_file(store, (5, 5), [part, part]))) == b"1234512345"
    for sizes in ((4,), (6,), (0,)):
        with pytest.raises(InvalidInput):
            list(reader.read_file(store, lying_file(store, sizes, [part])))


def test_a_missing_part_is_not_found_never_a_short_file() -> None:
    store = MemoryStore()
    added = importer.add_bytes(store, noise(3 << 20))
    lost = next(cid for cid in store.cids() if len(store.get(cid)) == 1 << 20)
    store.lose(lost)
    with pytest.raises(NotFound):
        list(reader.read_file(store, added.cid))


def test_other_codecs_are_no_files() -> None:
    store = MemoryStore()
    cid = cid_of(b"\xa0", 0x71)
    store.put(cid, b"\xa0")
    with pytest.raises(InvalidInput, match="not a file"):
        list(reader.read_file(store, cid))
    assert not reader.is_directory(store, cid)
    assert not reader.is_directory(store, cid_of(b"", RAW))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'mine'") as refused:
        importer.add_bytes(NullSink(), b"", "mine")
    assert "unixfs-v1-2025" in str(refused.value.hint)


@pytest.mark.parametrize("profile", [V0, V1])
@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (0, 1), (262_143, 262_145), (1_000_000, 3_000_001), (4_999_999, None), (9, 10**9)]
)
def test_a_range_is_read_without_the_rest(profile: str, start: int, end: int | None) -> None:
    store, data = MemoryStore(), noise(5_000_000)
    added = importer.add_bytes(store, data, profile)
    pieces = list(reader.read_blocks(store, added.cid, start, end))
    assert b"".join(piece.data for piece in pieces) == data[start:end]
    chunk = importer.profile_of(profile).chunk
    touched = len(data[start:end]) // chunk + 2
    assert len(pieces) <= touched + 1  # the root, and what holds the range
    assert reader.file_size(store, added.cid) == len(data)
