"""Sharded directories: Kubo's CIDs above the threshold, plain ones at it, and nothing malformed believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.content.stores.memory import MemoryStore, NullSink
from registry.content.unixfs import importer, reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld import hamt, unixfs
from registry.core.ipld.cid import CID, DAG_PB, cid_of
from registry.core.ipld.dagpb import Link, Node, decode_node, encode_node

V0, V1 = "unixfs-v0-2015", "unixfs-v1-2025"
KUBO = {
    V0: "QmZJD16rK7UDKVe5HMXtQiaRfPb5wLhRKf3TttQohwo6nb",
    V1: "bafybeibvxmgspbnbfyuakujsu6siypzzmtm3jurdha3xvwlhpj74qzwbl4",
}
Entries = dict[str, tuple[CID, int]]


def pictures(store: MemoryStore, count: int, profile: str) -> Entries:
    """``img_%06d.jpg`` holding ``image %d``."""
    made = (importer.add_bytes(store, b"image %d\n" % number, profile) for number in range(count))
    return {f"img_{number:06d}.jpg": (added.cid, added.tsize) for number, added in enumerate(made)}


@pytest.mark.parametrize("profile", [V0, V1])
def test_five_thousand_files_have_kubos_cid_and_are_read_back(profile: str) -> None:
    store = MemoryStore()
    entries = pictures(store, 5000, profile)
    added = importer.add_directory(store, dict(reversed(entries.items())), profile)  # in whatever order
    assert str(added.cid) == KUBO[profile]
    found = reader.list_directory(store, added.cid)
    assert {name: (entry.cid, entry.tsize) for name, entry in found.items()} == entries
    below = 0
    for name in list(entries)[::100]:
        target, way = reader.lookup(store, added.cid, name)
        assert target == entries[name][0]
        below += len(way)
    assert bool(below) == (profile == V1)  # v0 counts less for the same names: it is a plain directory
    with pytest.raises(NotFound, match="directory"):
        reader.lookup(store, added.cid, "img_005000.jpg")


def kind(store: MemoryStore, cid: CID) -> int:
    return unixfs.decode_unixfs(decode_node(store.get(cid))).kind


def exactly(store: MemoryStore, profile: str, size: int) -> Entries:
    """Entries whose estimate is exactly ``size``: their names and CIDs (v0), or the block (v1)."""
    one = importer.add_bytes(store, b"1", profile)
    entries = {f"{number:06d}".ljust(200, "x"): (one.cid, one.tsize) for number in range(1000)}

    def estimate() -> int:
        if profile == V0:
            return sum(len(name) + len(bytes(cid)) for name, (cid, _) in entries.items())
        return len(unixfs.directory_node(tuple(Link(cid, name, tsize) for name, (cid, tsize) in entries.items())))

    number = 1000
    while size - estimate() > 250:
        entries[f"{number:06d}".ljust(150 if size - estimate() > 400 else 20, "x")] = (one.cid, one.tsize)
        number += 1
    for length in range(1, 250):
        entries["z" * length] = (one.cid, one.tsize)
        if estimate() == size:
            return entries
        del entries["z" * length]
    raise AssertionError("no name fits")


@pytest.mark.parametrize("profile", [V0, V1])
def test_a_directory_is_plain_at_the_threshold_and_sharded_one_byte_above(profile: str) -> None:
    store = MemoryStore()
    at = importer.add_directory(store, exactly(store, profile, importer.HAMT_THRESHOLD), profile)
    above = importer.add_directory(store, exactly(store, profile, importer.HAMT_THRESHOLD + 1), profile)
    assert (kind(store, at.cid), kind(store, above.cid)) == (unixfs.DIRECTORY, unixfs.HAMT)


@settings(max_examples=25, deadline=None)
@given(
    st.sets(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
        max_size=60,
    )
)
def test_any_names_are_found_again(names: set[str]) -> None:
    store = MemoryStore()
    wanted = sorted(names - {".", ".."})
    file = importer.add_bytes(store, b"1")
    entries = dict.fromkeys(wanted, (file.cid, file.tsize))
    rule = importer.profile_of(V1)
    root = importer._shard(store, rule, entries, hamt.spread(entries), 0).cid
    assert sorted(reader.list_directory(store, root)) == wanted
    assert all(reader.resolve(store, root, name) == file.cid for name in wanted)


def test_tsizes_add_up() -> None:
    store = MemoryStore()
    added = importer.add_directory(store, pictures(store, 5000, V1), V1)
    blocks = sum(len(store.get(cid)) for cid in store.cids())
    assert added.tsize == blocks  # no file stands twice


def shard(links: list[Link], field: bytes, fanout: int = 256, hash_type: int = hamt.HASH_MURMUR3) -> tuple[CID, bytes]:
    value = unixfs.UnixFS(unixfs.HAMT, field, hash_type=hash_type, fanout=fanout)
    block = encode_node(Node(tuple(links), unixfs.encode_unixfs(value)))
    return cid_of(block, DAG_PB), block


LEAF = importer.add_bytes(NullSink(), b"1").cid


@pytest.mark.parametrize(
    ("links", "field", "fanout", "hash_type"),
    [
        ([Link(LEAF, "00a", 1)], b"\2", 256, 0x22),  # another index than its bit
        ([Link(LEAF, "00a", 1)], b"\3", 256, 0x22),  # more bits than links
        ([Link(LEAF, "00a", 1), Link(LEAF, "01a", 1)], b"\1", 256, 0x22),  # fewer
        ([Link(LEAF, "0", 1)], b"\1", 256, 0x22),  # a name without its prefix
        ([Link(LEAF, "00a", 1)], b"\1", 255, 0x22),  # no power of two
        ([Link(LEAF, "00a", 1)], b"\1", 1 << 20, 0x22),
        ([Link(LEAF, "00a", 1)], b"\1", 256, 0x12),  # another hash
        ([Link(LEAF, "00a", 1)], b"\1", 256, 0x22),  # a name that its hash would not lead to
        ([Link(LEAF, "00", 1)], b"\1", 256, 0x22),  # a node below that is a file
        ([], b"\0" * 5000, 256, 0x22),
        ([Link(LEAF, "00", 1)], b"\1" + bytes(32), 256, 0x22),  # a bit beyond the fanout
    ],
)
def test_a_malformed_shard_is_an_error(links: list[Link], field: bytes, fanout: int, hash_type: int) -> None:
    store = MemoryStore()
    importer.add_bytes(store, b"1")
    cid, block = shard(links, field, fanout, hash_type)
    store.put(cid, block)
    with pytest.raises(InvalidInput):
        list(reader.entries(store, cid))


def test_shards_in_shards_end_where_the_hash_does() -> None:
    store = MemoryStore()
    index = hamt.index_at(hamt.name_hash("a"), 0, 256)
    cid, block = shard([Link(LEAF, f"{index:02X}a", 1)], (1 << index).to_bytes(32, "big"))
    store.put(cid, block)
    for _ in range(12):
        cid, block = shard([Link(cid, "00", 1)], b"\1")
        store.put(cid, block)
    with pytest.raises(InvalidInput, match="nested deeper"):
        list(reader.entries(store, cid))


@pytest.mark.parametrize("fanout", [8, 16, 1024])
def test_other_fanouts_are_read(fanout: int) -> None:
    store = MemoryStore()
    index = hamt.index_at(hamt.name_hash("a"), 0, fanout)
    width = len(f"{fanout - 1:X}")
    field = (1 << index).to_bytes(fanout // 8, "big")
    cid, block = shard([Link(LEAF, f"{index:0{width}X}a", 1)], field, fanout)
    store.put(cid, block)
    assert list(reader.list_directory(store, cid)) == ["a"]
    assert reader.resolve(store, cid, "a") == LEAF
