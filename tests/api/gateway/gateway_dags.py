"""DAGs as strangers make them, and a client that trusts a gateway with nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from registry.api.gateway.car import EntityBytes, Extract
from registry.api.gateway.path import find
from registry.assembly import Home
from registry.catalog import private_data as private
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.ipld import car, encoding, unixfs
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, IDENTITY, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node
from registry.core.ipld.unixfs import UnixFS
from registry.core.ports.store import BlockReader, BlockStore
from tests.api.conftest import Client

RAW_TYPE, CAR_TYPE = "application/vnd.ipld.raw", "application/vnd.ipld.car"
DATA = b"0123456789" * 30


def get(client: Client, address: str, **headers: str) -> Any:
    return client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})


def publish(home: Home, *roots: CID) -> None:
    """What an import of a CAR with these roots says of them."""
    home.store.flush()
    with home.catalog.write() as db:
        for root in roots:
            private.add_source(db, root, kind="car", private=False, at=home.now())


def put(store: BlockStore, data: bytes, codec: int = RAW) -> CID:
    """Keep one block; returns its CID."""
    cid = cid_of(data, codec)
    store.put(cid, data)
    return cid


def put_cbor(store: BlockStore, value: object) -> CID:
    """Keep a dag-cbor block; returns its CID."""
    return put(store, encoding.encode(value), DAG_CBOR)


def put_file(store: BlockStore, parts: Sequence[tuple[CID, int]]) -> tuple[CID, int]:
    """A file of these parts (CID, bytes); returns its own CID and bytes."""
    sizes = tuple(size for _, size in parts)
    node = unixfs.file_node(tuple(Link(cid, "", size) for cid, size in parts), sizes)
    return put(store, node, DAG_PB), sum(sizes)


def put_tree(store: BlockStore, data: bytes, chunk: int = 10, width: int = 3) -> CID:
    """A file whose tree is deep though its content is small."""
    level = [(put(store, data[at : at + chunk]), len(data[at : at + chunk])) for at in range(0, len(data), chunk)]
    while len(level) > 1:
        level = [put_file(store, level[at : at + width]) for at in range(0, len(level), width)]
    return level[0][0] if level else put(store, b"")


def put_symlink(store: BlockStore, target: str) -> CID:
    """A symbolic link."""
    value = UnixFS(unixfs.SYMLINK, target.encode())
    return put(store, encode_node(Node((), unixfs.encode_unixfs(value))), DAG_PB)


def directory(store: BlockStore, names: dict[str, CID]) -> CID:
    """A directory of these names."""
    return add_directory(store, {name: (cid, 100) for name, cid in names.items()}).cid


def sharded(store: BlockStore, count: int = 1200) -> tuple[CID, list[str]]:
    """A directory that is sharded over two levels and more, for its names are long; returns its root and names."""
    names = [f"{index:04d}-" + "x" * 230 for index in range(count)]
    leaf = add_bytes(store, b"the same for all").cid
    return directory(store, dict.fromkeys(names, leaf)), names


def depth_first(store: BlockReader, root: CID, follow: Callable[[CID, bytes], Sequence[CID]]) -> Iterator[CID]:
    """Every block below a root, as often as it occurs: the order that IPIP-412 asks for, written down plainly."""
    block = store.get(root)
    if root.hash_code != IDENTITY:
        yield root
    for cid in follow(root, block):
        yield from depth_first(store, cid, follow)


def links_of(cid: CID, block: bytes) -> list[CID]:
    """All links of a block."""
    return encoding.links(block, cid.codec)


def once(cids: Iterator[CID]) -> list[CID]:
    """Each CID where it comes first."""
    return list(dict.fromkeys(cids))


def read_car(body: bytes) -> tuple[tuple[CID, ...], list[CID], MemoryStore]:
    """Roots, the blocks' CIDs in order, and a store that holds nothing but these blocks, each verified."""
    roots, blocks = car.read(io.BytesIO(body))
    store, order = MemoryStore(), []
    for cid, data in blocks:
        order.append(cid)
        store.put(cid, data)
    return roots, order, store


def content(store: BlockReader, root: CID, start: int = 0, end: int | None = None) -> bytes:
    """A file's bytes."""
    return b"".join(reader.read_file(store, root, start, end))


def answer(
    store: MemoryStore,
    root: CID,
    path: str = "",
    scope: str = "all",
    extent: str | None = None,
    *,
    duplicates: bool = False,
) -> tuple[list[CID], MemoryStore]:
    """The blocks of a CAR in order, and a store of them alone; its root is what the path names."""
    way = find(store, root, path, lambda cid: None)
    part = EntityBytes.parse(extent) if extent else None
    body = b"".join(Extract(way, "entity" if part else scope, part, duplicates, frozenset()).write(store))
    roots, order, received = read_car(body)
    assert roots == (way.target,)
    return order, received
