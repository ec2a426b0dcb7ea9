"""Files and directories to blocks: UnixFS with the two profiles of IPIP-499.

Invariants: the same bytes under the same profile give Kubo's CID; a file is streamed, its sha256 and
size are those of the bytes that were read; nothing is read whole. ``reader`` reads them back.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import IO, Protocol

from registry.content.unixfs.reader import check_name
from registry.core.errors import InvalidInput
from registry.core.ipld import hamt, unixfs
from registry.core.ipld.cid import CID, DAG_PB, RAW, cid_of
from registry.core.ipld.dagpb import Link


class Sink(Protocol):
    """Where new blocks go; their CIDs were made from their bytes here."""

    def put_own(self, cid: CID, data: bytes) -> None: ...


@dataclass(frozen=True)
class Profile:
    """How files become blocks (IPIP-499)."""

    name: str
    chunk: int
    width: int  # links a node at most
    raw_leaves: bool
    version: int
    hamt_by_block: bool  # else by the names' and CIDs' bytes


PROFILES = {
    "unixfs-v1-2025": Profile("unixfs-v1-2025", 1 << 20, 1024, True, 1, True),
    "unixfs-v0-2015": Profile("unixfs-v0-2015", 256 << 10, 174, False, 0, False),
}
DEFAULT_PROFILE = "unixfs-v1-2025"
HAMT_THRESHOLD = 262_144
AHEAD = 4  # chunks of a large file that are held at once


@dataclass(frozen=True)
class Added:
    """A file or directory.

    ``size`` in bytes of content, ``tsize`` with all blocks, ``sha256`` of the content (empty if not made).
    """

    cid: CID
    size: int
    tsize: int
    sha256: bytes


def profile_of(name: str) -> Profile:
    """A profile by its name; ``InvalidInput`` if there is none."""
    try:
        return PROFILES[name]
    except KeyError:
        raise InvalidInput(
            f"unknown profile {name!r}", code="unknown_profile", hint=f"use {' or '.join(PROFILES)}."
        ) from None


def _cid(profile: Profile, data: bytes, codec: int) -> CID:
    cid = cid_of(data, codec)
    return CID.v0(cid.digest) if profile.version == 0 and codec == DAG_PB else cid


@dataclass(frozen=True, slots=True)
class _Part:
    cid: CID
    size: int
    tsize: int


def _leaf(profile: Profile, chunk: bytes) -> tuple[_Part, bytes]:
    """A leaf and its block."""
    block = chunk if profile.raw_leaves else unixfs.leaf_node(chunk)
    cid = _cid(profile, block, RAW if profile.raw_leaves else DAG_PB)
    return _Part(cid, len(chunk), len(block)), block


def _parent(sink: Sink, profile: Profile, parts: list[_Part]) -> _Part:
    block = unixfs.file_node(
        tuple(Link(part.cid, "", part.tsize) for part in parts), tuple(part.size for part in parts)
    )
    cid = _cid(profile, block, DAG_PB)
    sink.put_own(cid, block)
    return _Part(cid, sum(part.size for part in parts), len(block) + sum(part.tsize for part in parts))


class _Balanced:
    """Builds the balanced tree as leaves come; holds at most ``width`` parts a level."""

    def __init__(self, sink: Sink, profile: Profile) -> None:
        self._sink, self._profile = sink, profile
        self._levels: list[list[_Part]] = [[]]

    def add_leaf(self, leaf: _Part, block: bytes) -> None:
        """Put the next leaf."""
        self._sink.put_own(leaf.cid, block)
        self.add(leaf)

    def add(self, part: _Part, level: int = 0) -> None:
        if level == len(self._levels):
            self._levels.append([])
        if len(self._levels[level]) == self._profile.width:
            full, self._levels[level] = self._levels[level], []
            self.add(_parent(self._sink, self._profile, full), level + 1)
        self._levels[level].append(part)

    def root(self) -> _Part:
        level = 0
        while True:
            parts = self._levels[level]
            top = level + 1 == len(self._levels)
            if top and len(parts) == 1:
                return parts[0]
            self.add(_parent(self._sink, self._profile, parts), level + 1)
            self._levels[level] = []
            level += 1


def _chunks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Pieces of exactly ``size`` bytes, the last one shorter; at least one, if an empty one."""
    while True:
        chunk = stream.read(size)
        while chunk and len(chunk) < size and (more := stream.read(size - len(chunk))):
            chunk += more  # pipes give less than asked for
        yield chunk
        if len(chunk) < size:
            return


def add_file(sink: Sink, stream: IO[bytes], profile: str = DEFAULT_PROFILE, *, digest: bool = True) -> Added:
    """Turn a stream into blocks; they are put as they are made, the root last.

    Without ``digest`` the sha256 of a file of more than one chunk is not made: half the work, where nobody asks.
    """
    rule = profile_of(profile)
    tree, chunks = _Balanced(sink, rule), _chunks(stream, rule.chunk)
    first = next(chunks)
    if len(first) < rule.chunk:
        leaf, block = _leaf(rule, first)
        tree.add_leaf(leaf, block)
        sha256 = leaf.cid.digest if rule.raw_leaves else hashlib.sha256(first).digest()
    else:
        sha256 = _add_many(rule, tree, chain([first], filter(None, chunks)), digest)
    root = tree.root()
    return Added(root.cid, root.size, root.tsize, sha256)


def _add_many(rule: Profile, tree: _Balanced, chunks: Iterator[bytes], wanted: bool) -> bytes:
    """Put the chunks of a large file; its sha256 if wanted. Hashing is done by threads beside the one that writes."""
    digest, waiting = hashlib.sha256(), deque[tuple[Future[tuple[_Part, bytes]], Future[None] | None]]()

    def take() -> None:
        made, digested = waiting.popleft()
        tree.add_leaf(*made.result())
        if digested is not None:
            digested.result()

    with ThreadPoolExecutor(1) as whole, ThreadPoolExecutor(2) as parts:
        for chunk in chunks:
            waiting.append((parts.submit(_leaf, rule, chunk), whole.submit(digest.update, chunk) if wanted else None))
            if len(waiting) == AHEAD:
                take()
        while waiting:
            take()
    return digest.digest() if wanted else b""


def add_bytes(sink: Sink, data: bytes, profile: str = DEFAULT_PROFILE) -> Added:
    """Turn bytes into blocks."""
    import io

    return add_file(sink, io.BytesIO(data), profile)


def add_directory(sink: Sink, entries: Mapping[str, tuple[CID, int]], profile: str = DEFAULT_PROFILE) -> Added:
    """Make a directory of names to (CID, cumulative size); a HAMT where the profile's estimate is above 256 KiB.

    ``entries`` may be read from elsewhere: of a large directory few are held at once.
    """
    rule = profile_of(profile)
    block, estimate = None, 0
    for name, (cid, _) in entries.items():
        check_name(name)
        estimate += len(name.encode()) + len(bytes(cid))
    if estimate <= HAMT_THRESHOLD:  # a block is never smaller than its names and CIDs
        block = unixfs.directory_node(tuple(Link(cid, name, tsize) for name, (cid, tsize) in entries.items()))
    if block is None or (rule.hamt_by_block and len(block) > HAMT_THRESHOLD):
        part = _shard(sink, rule, entries, hamt.spread(entries), 0)
    else:
        cid = _cid(rule, block, DAG_PB)
        sink.put_own(cid, block)
        part = _Part(cid, 0, len(block) + sum(size for _, size in entries.values()))
    return Added(part.cid, 0, part.tsize, part.cid.digest)


def _shard(
    sink: Sink,
    rule: Profile,
    entries: Mapping[str, tuple[CID, int]],
    buckets: Iterable[tuple[int, hamt.Bucket]],
    depth: int,
) -> _Part:
    """A node of a HAMT; recursion ends where the hash's bits do, at 8 levels."""
    children = []
    for index, bucket in buckets:
        if len(bucket) == 1:
            name = bucket[0][1]
            children.append(hamt.Child(index, name, Link(entries[name][0], name, entries[name][1])))
        else:
            below = _shard(sink, rule, entries, hamt.divide(bucket, depth + 1), depth + 1)
            children.append(hamt.Child(index, None, Link(below.cid, "", below.tsize)))
    block = hamt.encode_shard(children)
    cid = _cid(rule, block, DAG_PB)
    sink.put_own(cid, block)
    return _Part(cid, 0, len(block) + sum(child.link.tsize for child in children))
