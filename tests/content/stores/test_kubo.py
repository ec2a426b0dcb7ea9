"""Kubo as a store: the contract on a real node, what it damages, collects, refuses, and how it is reached."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.content.stores.kubo import KuboStore
from registry.content.stores.memory import MemoryStore
from registry.content.stores.multiaddress import multiaddress
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.errors import NotFound, Unavailable, UsageError
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.encoding import encode
from tests.conftest import free_port
from tests.content.stores.store_contract import Damage, StoreContract, block
from tests.support.processes.kubo import Kubo


class Emptied(KuboStore):
    """A node's store without the blocks that it always has (the empty directory of its own file system)."""

    own: frozenset[bytes] = frozenset()

    def cids(self) -> Iterator[CID]:
        return (cid for cid in super().cids() if cid.multihash not in self.own)


@pytest.fixture
def store(kubo: Kubo) -> Iterator[KuboStore]:
    """The node's store, empty."""
    made = Emptied(kubo.api)
    for root in list(made.pins()):
        made.unpin(root)
    kubo.call("repo/gc")
    made.own = frozenset(cid.multihash for cid in made.cids())
    yield made
    made.close()


def file_of(kubo: Kubo, cid: CID) -> Path:
    """Where the node keeps a block."""
    name = base64.b32encode(cid.multihash).decode().rstrip("=")
    (path,) = (kubo.repository / "blocks").rglob(f"{name}.data")
    return path


class TestKubo(StoreContract):
    @pytest.fixture
    def damage(self, store: KuboStore, kubo: Kubo) -> Damage:
        def change(cid: CID, data: bytes) -> None:
            store.flush()
            path = file_of(kubo, cid)
            path.chmod(0o600)
            path.write_bytes(data)

        return change


def test_what_waits_is_not_in_the_node_before_flush(store: KuboStore, kubo: Kubo) -> None:
    cid, data = block("waits")
    store.put(cid, data)
    other = KuboStore(kubo.api)
    assert not other.has(cid)
    store.flush()
    assert other.get(cid) == data
    other.close()


def test_much_is_sent_in_pieces(store: KuboStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.content.stores.kubo.BUFFER", 100_000)
    blocks = [block(str(number) * 5000) for number in range(100)]
    assert store.put_many(blocks) == 100
    assert all(store.get(cid) == data for cid, data in blocks)


def test_the_nodes_garbage_collection_leaves_a_pinned_record_whole(store: KuboStore, kubo: Kubo) -> None:
    image = add_bytes(store, b"p" * 3_000_000)
    folder = add_directory(store, {"image": (image.cid, image.tsize)})
    record = encode({"type": "example", "source": folder.cid, "list": [image.cid]})
    entry = encode({"record": cid_of(record, DAG_CBOR)})
    store.put_many([(cid_of(record, DAG_CBOR), record), (cid_of(entry, DAG_CBOR), entry), block("stray")])
    store.pin(cid_of(entry, DAG_CBOR))
    kubo.call("repo/gc")
    assert not store.has(block("stray")[0])
    ours = dict(walk_closure(store.get, [cid_of(entry, DAG_CBOR)]))
    exported = io.BytesIO(kubo.call(f"dag/export?arg={cid_of(entry, DAG_CBOR)}"))
    assert dict(car.read(exported)[1]) == ours
    assert len(ours) == 6  # two of the image's chunks are equal


def test_a_closure_that_lacks_a_block_is_not_pinned_and_the_block_is_named(store: KuboStore) -> None:
    missing, _ = block("missing")
    record = encode({"link": missing})
    store.put(cid_of(record, DAG_CBOR), record)
    with pytest.raises(NotFound, match=str(missing)):
        store.pin(cid_of(record, DAG_CBOR))
    assert list(store.pins()) == []


def test_a_damaged_block_that_is_pinned_says_what_to_do(store: KuboStore, kubo: Kubo) -> None:
    cid, data = block("pinned and damaged")
    store.put_many([(cid, data)])
    store.pin(cid)
    path = file_of(kubo, cid)
    path.chmod(0o600)
    path.write_bytes(b"other bytes")
    with pytest.raises(NotFound, match="damaged"):
        store.get(cid)
    with pytest.raises(Unavailable, match="damaged in the IPFS node, and pinned there"):
        store.put(cid, data)
    path.write_bytes(data)


def test_a_node_that_is_not_there_is_unavailable() -> None:
    store = KuboStore(f"/ip4/127.0.0.1/tcp/{free_port()}")
    for ask in (lambda: store.has(block("a")[0]), lambda: store.get(block("a")[0]), lambda: list(store.pins())):
        with pytest.raises(Unavailable, match="can't be reached or does not answer"):
            ask()
    store.put(*block("a"))
    with pytest.raises(Unavailable):
        store.flush()
    assert store.get(block("a")[0]) == b"a"  # it still waits
    store.close()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "/ip4/127.0.0.1/tcp/5001"),
        ("/dns/kubo/tcp/5001/http", "/dns/kubo/tcp/5001/http"),
        ("http://127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001/http"),
        ("https://node.example/", "/dns/node.example/tcp/443/https"),
    ],
)
def test_an_address_of_kubo_is_understood_in_every_form(given: str, meant: str) -> None:
    assert multiaddress(given) == meant


@pytest.mark.parametrize(
    "bad", ["", "5001", "ftp://a", "http://a/b", "http://user:pw@a:1", "/unix/tmp/x", "http://a b", "/ip4/1/tcp/5001\n"]
)
def test_other_addresses_are_wrong_usage(bad: str) -> None:
    with pytest.raises(UsageError, match="EMOTIONET_IPFS_API"):
        multiaddress(bad)


def test_the_memory_store_and_the_node_agree(store: KuboStore) -> None:
    memory = MemoryStore()
    for place in (memory, store):
        file = add_bytes(place, bytes(range(256)) * 20_000)
        add_directory(place, {"é ñ": (file.cid, file.tsize)})
        place.flush()
    assert {cid.multihash for cid in memory.cids()} == {cid.multihash for cid in store.cids()}
