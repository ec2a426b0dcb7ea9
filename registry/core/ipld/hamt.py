"""HAMT directories: names spread over nodes by the bits of their hash.

Invariants: the same names give the same nodes in whatever order they came; a node that is read has as many
links as its bitfield has bits, each under its own index, so that a name is found in one place or nowhere.

Source: the UnixFS specification (specs.ipfs.tech/unixfs), "HAMTDirectory".
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import mmh3

from registry.core.errors import InvalidInput
from registry.core.ipld import unixfs
from registry.core.ipld.dagpb import Link, Node, encode_node
from registry.core.ipld.unixfs import UnixFS

FANOUT = 256
HASH_MURMUR3 = 0x22  # murmur3-x64-64: the first 64 of its 128 bits, big-endian
MAX_FANOUT = 1024
HASH_BITS = 64


def name_hash(name: str) -> int:
    """64 bits, of which the highest are used first."""
    return mmh3.hash64(name.encode(), x64arch=True, signed=False)[0]


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"malformed HAMT: {reason}", code="malformed_unixfs")


def index_at(hashed: int, depth: int, fanout: int) -> int:
    """Which child of a node at ``depth`` a hash belongs to. ``InvalidInput`` where its bits are used up."""
    bits = fanout.bit_length() - 1
    left = HASH_BITS - (depth + 1) * bits
    if left < 0:
        raise _bad("it is nested deeper than a name's hash has bits")
    return hashed >> left & (fanout - 1)


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a node: an entry with its ``name``, or a node below where ``name`` is None."""

    index: int
    name: str | None
    link: Link


def _prefix(index: int, fanout: int) -> str:
    return f"{index:0{len(f'{fanout - 1:X}')}X}"


def encode_shard(children: list[Child]) -> bytes:
    """The block of a node; ``children`` by rising index."""
    field = 0
    for child in children:
        field |= 1 << child.index
    data = field.to_bytes((field.bit_length() + 7) // 8, "big")
    links = tuple(
        Link(child.link.cid, _prefix(child.index, FANOUT) + (child.name or ""), child.link.tsize) for child in children
    )
    value = UnixFS(unixfs.HAMT, data, hash_type=HASH_MURMUR3, fanout=FANOUT)
    return encode_node(Node(links, unixfs.encode_unixfs(value)))


def decode_shard(found: UnixFS, node: Node) -> Iterator[Child]:
    """The children of a node, checked. ``InvalidInput`` (``malformed_unixfs``) otherwise."""
    fanout = found.fanout or 0
    if found.hash_type != HASH_MURMUR3:
        raise _bad(f"its hash {found.hash_type} is not murmur3")
    if not 8 <= fanout <= MAX_FANOUT or fanout & (fanout - 1):
        raise _bad(f"a fanout of {fanout}")
    field = int.from_bytes(found.data, "big")
    if len(found.data) > MAX_FANOUT // 8 or field.bit_length() > fanout or field.bit_count() != len(node.links):
        raise _bad("its bitfield does not fit its links")
    width, links = len(_prefix(0, fanout)), iter(node.links)
    for index in range(field.bit_length()):
        if field >> index & 1:
            link = next(links)
            if link.name[:width] != _prefix(index, fanout):
                raise _bad(f"the link {link.name!r} is not at its place")
            yield Child(index, link.name[width:] or None, link)


Bucket = list[tuple[int, str]]


def spread(names: Iterable[str]) -> Iterator[tuple[int, Bucket]]:
    """Names with their hashes by index in the root; a directory may have millions, so one bucket is made at a time."""
    given = list(names)
    hashes = array("Q", map(name_hash, given))
    order = sorted(range(len(given)), key=hashes.__getitem__)
    for index, places in groupby(order, key=lambda place: index_at(hashes[place], 0, FANOUT)):
        yield index, [(hashes[place], given[place]) for place in places]


def divide(bucket: Bucket, depth: int) -> Iterator[tuple[int, Bucket]]:
    """A bucket's names by their index at ``depth``, which rises."""
    found: dict[int, Bucket] = {}
    for pair in bucket:
        found.setdefault(index_at(pair[0], depth, FANOUT), []).append(pair)
    yield from sorted(found.items())
