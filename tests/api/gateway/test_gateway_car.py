"""CARs of the gateway: which blocks, in which order, checked as a client does that trusts nobody."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from registry.api.gateway import car as gateway_car
from registry.api.gateway.car import Extract
from registry.api.gateway.path import Way, find
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound, Unavailable
from registry.core.ipld import car as core_car
from registry.core.ipld import hamt, unixfs
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, IDENTITY, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node
from tests.api.gateway.gateway_dags import (
    answer,
    content,
    depth_first,
    directory,
    links_of,
    once,
    put,
    put_cbor,
    put_file,
    put_symlink,
    put_tree,
    read_car,
    sharded,
)

DATA = random.Random(1).randbytes(1000)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def shards_of(store: MemoryStore, cid: CID) -> list[CID]:
    """The nodes that a node of a sharded directory links, found by their names of two signs."""
    found = reader.read_node(store, cid)
    assert found is not None
    return [link.cid for link in found[0].links if len(link.name) == 2]


@pytest.mark.parametrize("name", ["0000", "0777", "1199"])
def test_every_node_on_the_way_of_a_sharded_directory(store: MemoryStore, name: str) -> None:
    inner, names = sharded(store)
    root = directory(store, {"sub": inner})
    full = next(one for one in names if one.startswith(name))
    order, received = answer(store, root, f"sub/{full}", "block")
    leaf = reader.resolve(received, root, f"sub/{full}")  # from these blocks alone
    assert order[:2] == [root, inner]
    assert order[-1] == leaf
    assert len(order) > 3  # nodes lie between
    for without in order:
        rest = MemoryStore()
        rest.put_many((cid, received.get(cid)) for cid in order if cid != without)
        with pytest.raises(NotFound):  # none of them is too much
            content(rest, reader.resolve(rest, root, f"sub/{full}"))


def test_a_sharded_directory_as_entity_is_all_its_nodes(store: MemoryStore) -> None:
    root, names = sharded(store)
    order, received = answer(store, root, scope="entity")
    assert order == list(depth_first(store, root, lambda cid, block: shards_of(store, cid)))
    assert len(order) > 100
    assert sorted(name for name, _ in reader.entries(received, root)) == sorted(names)
    assert not any(cid.codec == RAW for cid in order)
    assert answer(store, root, extent="0:5")[0] == order  # it has no bytes: the range means nothing
    assert answer(store, root, scope="block")[0] == [root]
    everything, _ = answer(store, root)
    assert set(everything) == {*order, cid_of(b"the same for all", RAW)}


def test_scopes_of_a_plain_directory(store: MemoryStore) -> None:
    big, small = put_tree(store, DATA), put(store, b"small")
    inner = directory(store, {"big": big, "link": put_symlink(store, "../small"), "small": small})
    root = directory(store, {"inner": inner, "other": put(store, b"other")})
    assert answer(store, root, "inner", "block")[0] == [root, inner]
    assert answer(store, root, "inner", "entity")[0] == [root, inner]
    assert answer(store, root, "inner")[0] == [root, *once(depth_first(store, inner, links_of))]
    order, received = answer(store, root, "inner/big", "entity")
    assert order == [root, inner, *once(depth_first(store, big, links_of))]
    assert content(received, reader.resolve(received, root, "inner/big")) == DATA
    assert answer(store, root, "inner/big", "block")[0] == [root, inner, big]


def test_a_symbolic_link_is_given_and_never_followed(store: MemoryStore) -> None:
    link = put_symlink(store, "inner")
    root = directory(store, {"inner": directory(store, {"a": put(store, b"a")}), "link": link})
    for scope in ("block", "entity", "all"):
        assert answer(store, root, "link", scope)[0] == [root, link]
    assert answer(store, root, "link", extent="0:1")[0] == [root, link]
    with pytest.raises(NotFound, match="not a directory"):
        answer(store, root, "link/a")


def test_paths_through_values_of_dag_cbor(store: MemoryStore) -> None:
    file = put_tree(store, DATA)
    folder = directory(store, {"file": file})
    inner = put_cbor(store, {"deep": [0, {"folder": folder}], "text": "x"})
    document = put_cbor(store, {"a": {"b": [inner, "here"]}, "ä": 1})
    root = directory(store, {"document": document})
    on_the_way = [root, document, inner, folder]
    order, _ = answer(store, root, "document/a/b/0/deep/1/folder/file")
    assert order == [*on_the_way, *once(depth_first(store, file, links_of))]
    for within in ("document/a/b/1", "document/a", "document/ä"):  # ends in the block: it is what the path names
        assert answer(store, root, within, "block")[0] == [root, document]
    assert answer(store, root, "document", "entity")[0] == [root, document]  # no UnixFS: the block alone
    assert answer(store, root, "document")[0] == once(depth_first(store, root, links_of))
    for nowhere in ("b", "a/c", "a/b/2", "a/b/-1", "a/b/00", "a/b/٠", "a/b/99999999999", "a/b/1/2", "ä/1"):
        with pytest.raises(NotFound):
            answer(store, root, f"document/{nowhere}")


@pytest.mark.parametrize("codec", [0x51, 0x0129, 0x0200, 0x300000])  # cbor, dag-json, json, one that nobody knows
def test_other_codecs_are_bytes(store: MemoryStore, codec: int) -> None:
    block = put(store, b'{"a":{"/":"bafkqaaa"}}', codec)
    root = directory(store, {"block": block})
    for scope in ("block", "entity", "all"):
        assert answer(store, root, "block", scope)[0] == [root, block]
    with pytest.raises(NotFound, match="nothing lies below"):
        answer(store, root, "block/a")


def test_identity_cids_are_never_blocks(store: MemoryStore) -> None:
    inline = CID.v1(RAW, b"inline", IDENTITY)
    leaf = put(store, b"below an inline directory")
    node = unixfs.directory_node((Link(leaf, "leaf", 1),))
    folder = CID.v1(DAG_PB, node, IDENTITY)
    root = directory(store, {"folder": folder, "inline": inline})
    for duplicates in (False, True):
        assert answer(store, inline, duplicates=duplicates)[0] == []
        assert answer(store, root, duplicates=duplicates)[0] == [root, leaf]
        assert answer(store, root, "folder/leaf", duplicates=duplicates)[0] == [root, leaf]
        assert answer(store, root, "folder", "block", duplicates=duplicates)[0] == [root]


def test_what_is_no_unixfs_is_its_block(store: MemoryStore) -> None:
    leaf = put(store, b"leaf")
    plain = put(store, encode_node(Node((Link(leaf, "leaf", 4),), None)), DAG_PB)
    odd = put(store, encode_node(Node((Link(leaf, "leaf", 4),), b"\xff\xff")), DAG_PB)
    for node in (plain, odd):
        assert answer(store, node, scope="entity")[0] == [node]
        assert answer(store, node)[0] == [node, leaf]
    bad = put(store, b"\xff\xff", DAG_CBOR)
    assert answer(store, bad, scope="entity")[0] == [bad]
    with pytest.raises(InvalidInput, match="canonical"):
        answer(store, bad)


def test_duplicates_come_as_often_as_they_occur(store: MemoryStore) -> None:
    one, two = put_tree(store, b"one" * 10), put(store, b"two")
    root = directory(store, {"a": one, "b": two, "c": one, "d": directory(store, {"a": one, "b": two})})
    every = list(depth_first(store, root, links_of))
    assert answer(store, root, duplicates=True)[0] == every
    assert answer(store, root)[0] == once(iter(every))
    assert len(every) > 2 * len(set(every))
    assert answer(store, root, "d/a", duplicates=True)[0][:2] == [root, reader.resolve(store, root, "d")]


def test_a_dag_that_names_itself_without_end_costs_its_blocks(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, size = put(store, b"x"), 1
    for _ in range(60):  # 2**60 ways through 61 blocks
        node, size = put_file(store, [(node, size), (node, size)])
    assert len(answer(store, node)[0]) == 61
    assert len(answer(store, node, scope="entity")[0]) == 61
    assert len(answer(store, node, extent="1:-2")[0]) == 61
    assert len(answer(store, node, extent=f"{size // 3}:*")[0]) == 61
    monkeypatch.setattr(gateway_car, "MAX_BLOCKS", 5000)
    monkeypatch.setattr(core_car, "PIECE", 1000)
    pieces = Extract(Way((node,), ()), "all", None, True, frozenset()).write(store)
    assert next(pieces)
    with pytest.raises(Unavailable, match="duplicates"):
        for _ in pieces:
            pass


def test_a_block_that_is_missing_shows_before_the_first_byte(store: MemoryStore) -> None:
    parts = [(put(store, bytes([index]) * 10), 10) for index in range(5)]
    gone = (cid_of(b"gone" * 5, RAW), 20)
    file, _ = put_file(store, [*parts, gone, *parts[:2]])
    root = directory(store, {"file": file})
    for path, scope in (("", "all"), ("file", "all"), ("file", "entity")):
        with pytest.raises(NotFound, match=str(gone[0])):
            answer(store, root, path, scope)
    for extent in ("0:*", "49:50", "-21:*", "69:69"):
        with pytest.raises(NotFound):
            answer(store, root, "file", extent=extent)
    for extent in ("0:49", "0:-41", "70:*", "-20:-1"):  # not needed: not missed
        order, _ = answer(store, root, "file", extent=extent)
        assert order[:2] == [root, file]
        assert gone[0] not in order
    assert answer(store, root, scope="entity")[0] == [root]


def test_what_is_withheld_is_passed_over(store: MemoryStore) -> None:
    hidden = put_tree(store, b"hidden" * 10)
    root = directory(store, {"a": hidden, "b": put(store, b"b")})
    way = find(store, root, "", lambda cid: None)
    withheld = frozenset({hidden.multihash})
    order = read_car(b"".join(Extract(way, "all", None, False, withheld).write(store)))[1]
    assert order == [root, cid_of(b"b", RAW)]


def test_a_hostile_file_or_directory_is_refused(store: MemoryStore) -> None:
    folder = directory(store, {})
    file, _ = put_file(store, [(folder, 10)])
    with pytest.raises(InvalidInput, match="not part of a file"):
        answer(store, file, scope="entity")
    child = hamt.Child(3, None, Link(put(store, b"no node"), "", 1))
    shard = put(store, hamt.encode_shard([child]), DAG_PB)
    with pytest.raises(InvalidInput, match="not part of a sharded directory"):
        answer(store, shard, scope="entity")


def test_the_decider_is_asked_about_every_block_before_it_is_read(store: MemoryStore) -> None:
    inner, names = sharded(store)
    root = directory(store, {"sub": inner})
    read: list[CID] = []
    asked: list[CID] = []

    class Watched(MemoryStore):
        def get(self, cid: CID) -> bytes:
            if cid not in asked and cid not in {link for one in asked for link in shards_of(store, one)}:
                raise AssertionError(f"{cid} was read unasked")
            read.append(cid)
            return store.get(cid)

    way = find(Watched(), root, f"sub/{names[5]}", asked.append)
    assert [*way.passed, way.target] == asked
    assert set(read) == set(way.passed)


def test_pieces_are_gathered(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    root = put_tree(store, DATA)

    def pieces() -> Iterator[bytes]:
        return Extract(Way((root,), ()), "all", None, False, frozenset()).write(store)

    (whole,) = pieces()
    monkeypatch.setattr(core_car, "PIECE", 100)
    several = list(pieces())
    assert len(several) > 5
    assert b"".join(several) == whole
