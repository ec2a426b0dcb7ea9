"""Files and directories read back from blocks: what Kubo writes, in every layout, and no more than was asked for.

Invariants: every stated size is checked against what is there; a name leads to one place; symbolic links
are entries that are never followed; walks are iterative and bounded in depth; a range of a file is read
without reading the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld import hamt, unixfs
from registry.core.ipld.cid import CID, DAG_PB, RAW
from registry.core.ipld.dagpb import Node, decode_node
from registry.core.ipld.unixfs import UnixFS
from registry.core.ports.store import BlockReader, read_ahead

MAX_DEPTH = 1024
MAX_WHOLE = 512 << 20  # bytes of a file that is held in memory: no image and no weights have more
DIRECTORIES = (unixfs.DIRECTORY, unixfs.HAMT)


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One name in a directory; ``tsize`` is what its writer said."""

    cid: CID
    tsize: int


def check_name(name: str) -> None:
    """``InvalidInput`` for a name that no directory may hold."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise InvalidInput(f"{name!r} can't be a name in a directory", code="bad_name")


def read_node(store: BlockReader, cid: CID) -> tuple[Node, UnixFS] | None:
    """A dag-pb block as node and UnixFS; None for a raw block. ``InvalidInput`` (``not_unixfs``) for other codecs."""
    if cid.codec == RAW:
        return None
    if cid.codec != DAG_PB:
        raise InvalidInput(f"{cid} is neither file nor directory: its codec is {cid.codec:#x}", code="not_unixfs")
    node = decode_node(store.get(cid))
    return node, unixfs.decode_unixfs(node)


def is_directory(store: BlockReader, cid: CID) -> bool:
    """Whether a CID names a UnixFS directory (plain or sharded)."""
    if cid.codec != DAG_PB:
        return False
    found = read_node(store, cid)
    return found is not None and found[1].kind in DIRECTORIES


def is_symlink(store: BlockReader, cid: CID) -> bool:
    """Whether a CID names a UnixFS symbolic link; nothing here ever follows one."""
    if cid.codec != DAG_PB:
        return False
    found = read_node(store, cid)
    return found is not None and found[1].kind == unixfs.SYMLINK


def _directory(store: BlockReader, cid: CID) -> tuple[Node, UnixFS]:
    found = read_node(store, cid) if cid.codec == DAG_PB else None
    if found is None or found[1].kind not in DIRECTORIES:
        raise InvalidInput(
            f"{cid} is a file, not a directory", code="not_a_directory", hint="leave out the path after it."
        )
    return found


def entries(store: BlockReader, cid: CID) -> Iterator[tuple[str, DirectoryEntry]]:
    """A directory's names in the order of its links, each once; a sharded one is read node by node."""
    node, found = _directory(store, cid)
    seen: set[str] = set()
    if found.kind == unixfs.DIRECTORY:
        for link in node.links:
            yield _entry(cid, seen, link.name, link.cid, link.tsize)
        return
    stack = [(hamt.decode_shard(found, node), 0, found.fanout)]
    while stack:
        children, depth, fanout = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
        elif child.name is not None:
            if hamt.index_at(hamt.name_hash(child.name), depth, fanout or 0) != child.index:
                raise InvalidInput(
                    f"{cid} holds {child.name!r} at a place where a lookup would not find it", code="malformed_unixfs"
                )
            yield _entry(cid, seen, child.name, child.link.cid, child.link.tsize)
        else:
            stack.append((*_shard(store, child.link.cid, fanout, depth + 1), fanout))


def _shard(store: BlockReader, cid: CID, fanout: int | None, depth: int) -> tuple[Iterator[hamt.Child], int]:
    found = read_node(store, cid)
    if found is None or found[1].kind != unixfs.HAMT or found[1].fanout != fanout:
        raise InvalidInput(f"{cid} is not part of a sharded directory with this fanout", code="malformed_unixfs")
    hamt.index_at(0, depth, fanout or 0)  # its depth, before a hostile one is walked
    return hamt.decode_shard(found[1], found[0]), depth


def _entry(cid: CID, seen: set[str], name: str, target: CID, tsize: int) -> tuple[str, DirectoryEntry]:
    check_name(name)
    if name in seen:
        raise InvalidInput(f"{cid} names {name!r} twice", code="malformed_unixfs")
    seen.add(name)
    return name, DirectoryEntry(target, tsize)


def list_directory(store: BlockReader, cid: CID) -> dict[str, DirectoryEntry]:
    """A directory's names. ``InvalidInput`` if it is none, or names something twice."""
    return dict(entries(store, cid))


def lookup(store: BlockReader, cid: CID, name: str) -> tuple[CID, list[CID]]:
    """What a directory calls ``name``, and the CIDs of the nodes of a sharded one that were read on the way.

    ``NotFound`` if there is no such name, ``InvalidInput`` (``not_a_directory``) if ``cid`` is none.
    """
    node, found = _directory(store, cid)
    way: list[CID] = []
    if found.kind == unixfs.DIRECTORY:
        targets = [link.cid for link in node.links if link.name == name]
        if len(targets) > 1:
            raise InvalidInput(f"{cid} names {name!r} twice", code="malformed_unixfs")
        if not targets:
            raise NotFound(f"{cid} has no {name!r}: it is a directory of {len(node.links)} entries")
        return targets[0], way
    hashed, depth, fanout = hamt.name_hash(name), 0, found.fanout
    children = hamt.decode_shard(found, node)
    while True:
        index = hamt.index_at(hashed, depth, fanout or 0)
        child = next((one for one in children if one.index == index), None)
        if child is None or child.name not in (None, name):
            raise NotFound(f"{cid} has no {name!r}: it is a sharded directory")
        if child.name is not None:
            return child.link.cid, way
        way.append(child.link.cid)
        children, depth = _shard(store, child.link.cid, fanout, depth + 1)


def resolve(store: BlockReader, cid: CID, path: str) -> CID:
    """What a path below a directory names. ``NotFound`` names the part that is not there."""
    for name in (part for part in path.split("/") if part):
        cid, _ = lookup(store, cid, name)
    return cid


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of a file, and the bytes that it holds itself (of the range that was asked for)."""

    cid: CID
    block: bytes
    data: bytes


def read_blocks(store: BlockReader, root: CID, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """A file's blocks depth first, those alone that hold bytes from ``start`` up to ``end`` or lead there.

    ``InvalidInput`` if it is not a file, or its stated sizes are wrong.
    """
    stack: list[tuple[CID, int | None, int, int]] = [(root, None, 0, 0)]
    while stack:
        cid, expected, depth, at = stack.pop()
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{root} is nested too deep", code="too_deep")
        block = store.get(cid)
        piece, sizes, below = _file_node(cid, block)
        if 0 in sizes:  # nobody writes such a part; many of them would never end
            raise InvalidInput(f"{cid} has an empty chunk", code="malformed_unixfs")
        if expected is not None and len(piece) + sum(sizes) != expected:
            raise InvalidInput(
                f"{cid} has {len(piece) + sum(sizes)} bytes instead of the stated {expected}", code="malformed_unixfs"
            )
        yield Piece(cid, block, piece[max(0, start - at) : None if end is None else max(0, end - at)])
        at += len(piece)
        wanted = []
        for part, size in zip(below, sizes, strict=True):
            if at + size > start and (end is None or at < end):
                wanted.append((part, size, depth + 1, at))
            at += size
        read_ahead(store, [part for part, *_ in wanted])
        stack += reversed(wanted)


def _file_node(cid: CID, block: bytes) -> tuple[bytes, tuple[int, ...], list[CID]]:
    """A file's node: its own bytes, the sizes of its parts, their CIDs."""
    if cid.codec == RAW:
        return block, (), []
    if cid.codec != DAG_PB:
        raise InvalidInput(f"{cid} is not a file", code="not_a_file")
    node = decode_node(block)
    found = unixfs.decode_unixfs(node)
    if found.kind not in (unixfs.FILE, unixfs.RAW):
        raise InvalidInput(f"{cid} is not a file", code="not_a_file")
    return found.data, found.blocksizes, [link.cid for link in node.links]


def read_file(store: BlockReader, root: CID, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """A file's bytes in order, from ``start`` up to ``end`` (None: to its end)."""
    for piece in read_blocks(store, root, start, end):
        if piece.data:
            yield piece.data


def file_size(store: BlockReader, cid: CID) -> int:
    """A file's size in bytes, from its root alone. ``InvalidInput`` (``not_a_file``) if it is none."""
    piece, sizes, _ = _file_node(cid, store.get(cid))
    return len(piece) + sum(sizes)


def check_file_size(store: BlockReader, cid: CID, limit: int) -> int:
    """A file's size, from its root alone; a few blocks can claim any size. ``InvalidInput`` (``file_too_large``)."""
    size = file_size(store, cid)
    if size > limit:
        raise InvalidInput(f"{cid} has {size} bytes, more than {limit}", code="file_too_large")
    return size


def read_whole(store: BlockReader, cid: CID, limit: int = MAX_WHOLE) -> bytes:
    """All of a file at once. ``InvalidInput`` (``file_too_large``) above ``limit`` bytes, before any is read."""
    check_file_size(store, cid, limit)
    return b"".join(read_file(store, cid))


@dataclass(frozen=True, slots=True)
class Measured:
    """What reading a whole file told: its sha256, its size in bytes, and its bytes where they were asked for."""

    sha256: bytes
    size: int
    data: bytes


def measure(store: BlockReader, cid: CID, *, keep: bool = False) -> Measured:
    """Read a file of at most MAX_WHOLE bytes; ``keep`` its bytes."""
    check_file_size(store, cid, MAX_WHOLE)
    digest, size, kept = hashlib.sha256(), 0, []
    for piece in read_file(store, cid):
        digest.update(piece)
        size += len(piece)
        if keep:
            kept.append(piece)
    return Measured(digest.digest(), size, b"".join(kept))
