"""Files and directories to blocks and back: UnixFS with the two profiles of IPIP-499.

Invariants: the same bytes under the same profile give Kubo's CID; a file is streamed, its sha256 and
size are those of the bytes that were read; nothing is read whole. Reading checks every size that is
stated against what is there. Walks are iterative and bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from registry.core import unixfs
from registry.core.cid import CID, DAG_PB, RAW, cid_of
from registry.core.dagpb import Link, decode_node
from registry.core.errors import InvalidInput, NotFound
from registry.core.store import BlockReader

MAX_DEPTH = 1024
MAX_ENTRIES = 10_000_000


class Sink(Protocol):
    """Where new blocks go."""

    def put(self, cid: CID, data: bytes) -> None: ...


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


@dataclass(frozen=True)
class Added:
    """A file or directory: ``size`` in bytes of content, ``tsize`` with all blocks, ``sha256`` of the content."""

    cid: CID
    size: int
    tsize: int
    sha256: bytes


@dataclass(frozen=True)
class DirectoryEntry:
    """One name in a directory."""

    cid: CID
    tsize: int


def profile_of(name: str) -> Profile:
    """A profile by its name; ``InvalidInput`` if there is none."""
    try:
        return PROFILES[name]
    except KeyError:
        raise InvalidInput(f"unknown profile {name!r}: use {' or '.join(PROFILES)}", code="unknown_profile") from None


def _cid(profile: Profile, data: bytes, codec: int) -> CID:
    cid = cid_of(data, codec)
    return CID.v0(cid.digest) if profile.version == 0 and codec == DAG_PB else cid


@dataclass(frozen=True, slots=True)
class _Part:
    cid: CID
    size: int
    tsize: int


def _leaf(sink: Sink, profile: Profile, chunk: bytes) -> _Part:
    block = chunk if profile.raw_leaves else unixfs.leaf_node(chunk)
    cid = _cid(profile, block, RAW if profile.raw_leaves else DAG_PB)
    sink.put(cid, block)
    return _Part(cid, len(chunk), len(block))


def _parent(sink: Sink, profile: Profile, parts: list[_Part]) -> _Part:
    block = unixfs.file_node(
        tuple(Link(part.cid, "", part.tsize) for part in parts), tuple(part.size for part in parts)
    )
    cid = _cid(profile, block, DAG_PB)
    sink.put(cid, block)
    return _Part(cid, sum(part.size for part in parts), len(block) + sum(part.tsize for part in parts))


class _Balanced:
    """Builds the balanced tree as leaves come; holds at most ``width`` parts a level."""

    def __init__(self, sink: Sink, profile: Profile) -> None:
        self._sink, self._profile = sink, profile
        self._levels: list[list[_Part]] = [[]]

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


def add_file(sink: Sink, stream: IO[bytes], profile: str = DEFAULT_PROFILE) -> Added:
    """Turn a stream into blocks; they are put as they are made, the root last."""
    rule = profile_of(profile)
    digest, tree, first = hashlib.sha256(), _Balanced(sink, rule), True
    while True:
        chunk = stream.read(rule.chunk)
        while chunk and len(chunk) < rule.chunk and (more := stream.read(rule.chunk - len(chunk))):
            chunk += more  # pipes give less than asked for
        if not chunk and not first:
            break
        digest.update(chunk)
        tree.add(_leaf(sink, rule, chunk))
        first = False
        if len(chunk) < rule.chunk:
            break
    root = tree.root()
    return Added(root.cid, root.size, root.tsize, digest.digest())


def add_bytes(sink: Sink, data: bytes, profile: str = DEFAULT_PROFILE) -> Added:
    """Turn bytes into blocks."""
    import io

    return add_file(sink, io.BytesIO(data), profile)


def check_name(name: str) -> None:
    """``InvalidInput`` for a name that no directory may hold."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise InvalidInput(f"{name!r} can't be a name in a directory", code="bad_name")


def add_directory(sink: Sink, entries: Mapping[str, tuple[CID, int]], profile: str = DEFAULT_PROFILE) -> Added:
    """Make a plain directory of names to (CID, cumulative size)."""
    rule = profile_of(profile)
    for name in entries:
        check_name(name)
    block = unixfs.directory_node(tuple(Link(cid, name, tsize) for name, (cid, tsize) in entries.items()))
    estimate = (
        len(block) if rule.hamt_by_block else sum(len(n.encode()) + len(bytes(c)) for n, (c, _) in entries.items())
    )
    if estimate > HAMT_THRESHOLD:
        raise InvalidInput(
            f"a directory of {len(entries)} entries needs a HAMT, which is not built yet: split it", code="needs_hamt"
        )
    cid = _cid(rule, block, DAG_PB)
    sink.put(cid, block)
    tsize = len(block) + sum(size for _, size in entries.values())
    return Added(cid, 0, tsize, hashlib.sha256(block).digest())


def is_directory(store: BlockReader, cid: CID) -> bool:
    """Whether a CID names a UnixFS directory (plain or sharded)."""
    if cid.codec != DAG_PB:
        return False
    return unixfs.decode_unixfs(decode_node(store.get(cid))).kind in (unixfs.DIRECTORY, unixfs.HAMT)


def list_directory(store: BlockReader, cid: CID) -> dict[str, DirectoryEntry]:
    """A plain directory's names. ``InvalidInput`` if it is none, or names something twice."""
    if cid.codec != DAG_PB:
        raise InvalidInput(f"{cid} is a file, not a directory", code="not_a_directory")
    node = decode_node(store.get(cid))
    kind = unixfs.decode_unixfs(node).kind
    if kind == unixfs.HAMT:
        raise InvalidInput(f"{cid} is a sharded directory, which can't be listed yet", code="needs_hamt")
    if kind != unixfs.DIRECTORY:
        raise InvalidInput(f"{cid} is a file, not a directory", code="not_a_directory")
    found: dict[str, DirectoryEntry] = {}
    for link in node.links:
        check_name(link.name)
        if link.name in found:
            raise InvalidInput(f"{cid} names {link.name!r} twice", code="malformed_unixfs")
        found[link.name] = DirectoryEntry(link.cid, link.tsize)
    return found


def resolve(store: BlockReader, cid: CID, path: str) -> CID:
    """What a path below a directory names. ``NotFound`` names the part that is not there."""
    for name in (part for part in path.split("/") if part):
        entries = list_directory(store, cid)
        if name not in entries:
            raise NotFound(f"{cid} has no {name!r}: it is a directory of {len(entries)} entries")
        cid = entries[name].cid
    return cid


def read_file(store: BlockReader, root: CID) -> Iterator[bytes]:
    """A file's bytes in order, every stated size checked. ``InvalidInput`` if it is no file."""
    stack: list[tuple[CID, int | None, int]] = [(root, None, 0)]
    while stack:
        cid, expected, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{root} is nested too deep", code="too_deep")
        data = store.get(cid)
        if cid.codec == RAW:
            piece, size, below = data, len(data), []
        elif cid.codec == DAG_PB:
            node = decode_node(data)
            found = unixfs.decode_unixfs(node)
            if found.kind not in (unixfs.FILE, unixfs.RAW):
                raise InvalidInput(f"{cid} is no file", code="not_a_file")
            piece, size = found.data, len(found.data) + sum(found.blocksizes)
            below = [(link.cid, part, depth + 1) for link, part in zip(node.links, found.blocksizes, strict=True)]
        else:
            raise InvalidInput(f"{cid} is no file", code="not_a_file")
        if 0 in (part for _, part, _ in below):  # nobody writes such a part; many of them would never end
            raise InvalidInput(f"{cid} has an empty part", code="malformed_unixfs")
        if expected is not None and size != expected:
            raise InvalidInput(f"{cid} has {size} bytes where {expected} were stated", code="malformed_unixfs")
        if piece:
            yield piece
        stack += reversed(below)
