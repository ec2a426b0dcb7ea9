"""The blocks of a gateway's CAR: those along the path, then as much of the DAG below as was requested.

Invariants: blocks come depth first in the order of the links, so the same request has the same answer. Without
duplicates the work is bounded by the number of distinct blocks, however often a DAG links to them; with duplicates by
``MAX_BLOCKS``. Identity CIDs contain their own bytes and are never written. That every block is held is checked before
the first byte is sent; a later failure cuts the answer off, so no client takes it for complete.

Sources: IPIP-402 (dag-scope, entity-bytes) and IPIP-412 (order, dups).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from registry.api.gateway.path import Way
from registry.api.v1.wire import MAX_BLOCKS
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound, Unavailable, UsageError
from registry.core.ipld import car, hamt, unixfs
from registry.core.ipld.cid import CID, DAG_PB, IDENTITY
from registry.core.ipld.dagpb import decode_node
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import BlockReader

_RANGE = re.compile(r"(-?\d{1,18}):(\*|-?\d{1,18})\Z", re.ASCII)
Span = tuple[int, int]  # bytes of a node's content: first, and the one behind the last
Below = Callable[[CID, bytes, Span | None], Iterable[tuple[CID, Span | None]]]


@dataclass(frozen=True, slots=True)
class EntityBytes:
    """``entity-bytes=first:last`` of IPIP-402, both inclusive; negative ones count from the end, None is the end."""

    first: int
    last: int | None

    @classmethod
    def parse(cls, text: str) -> EntityBytes:
        """What the parameter says. ``UsageError`` ``entity_bytes`` if it says nothing that can be."""
        match = _RANGE.match(text)
        if match is None:
            raise UsageError(
                f"entity-bytes must be from:to, as in 0:1023, 512:* or -100:*, not {text[:60]!r}",
                code=_CODE,
                hint="write it like one of these.",
            )
        first, last = int(match[1]), None if match[2] == "*" else int(match[2])
        if last is not None and last < first and (first < 0) == (last < 0):
            raise UsageError(
                f"entity-bytes={text} ends before it begins", code=_CODE, hint="write the smaller number first."
            )
        return cls(first, last)

    def within(self, size: int) -> Span:
        """The part of a file of ``size`` bytes. ``UsageError`` if all of it lies outside, as IPIP-402 wishes."""
        end = size if self.last is None else self.last + 1 + (size if self.last < 0 else 0)
        if self.first >= size > 0 or (self.first < 0 and end <= 0 < size):
            raise UsageError(
                f"entity-bytes lies beyond the file, which has {size} bytes",
                code=_CODE,
                hint="ask for bytes within it.",
            )
        start = self.first if self.first >= 0 else max(0, size + self.first)
        return start, max(start, min(end, size))


_CODE = "entity_bytes"


def _nothing(cid: CID, block: bytes, span: Span | None) -> list[tuple[CID, Span | None]]:
    return []


def _everything(cid: CID, block: bytes, span: Span | None) -> Iterator[tuple[CID, Span | None]]:
    return ((link, None) for link in links(block, cid.codec))


def _shards(cid: CID, block: bytes, span: Span | None) -> Iterator[tuple[CID, Span | None]]:
    """Nodes of a sharded directory, not what it names."""
    node = decode_node(block) if cid.codec == DAG_PB else None
    if node is None or (found := unixfs.decode_unixfs(node)).kind != unixfs.HAMT:
        raise InvalidInput(f"{cid} is not part of a sharded directory", code="malformed_unixfs")
    return ((child.link.cid, None) for child in hamt.decode_shard(found, node) if child.name is None)


def _parts(cid: CID, block: bytes, span: Span | None) -> Iterator[tuple[CID, Span | None]]:
    """Parts of a file that hold bytes of ``span`` (None: all), each with the part of it that lies within."""
    if cid.codec != DAG_PB:
        return
    node = decode_node(block)
    found = unixfs.decode_unixfs(node)
    if found.kind not in (unixfs.FILE, unixfs.RAW):
        raise InvalidInput(f"{cid} is not part of a file", code="malformed_unixfs")
    at = len(found.data)
    for link, size in zip(node.links, found.blocksizes, strict=True):
        if span is None or (span[0] <= at and at + size <= span[1] and size):
            yield link.cid, None
        elif at < span[1] and span[0] < at + size:
            yield link.cid, (max(0, span[0] - at), min(size, span[1] - at))
        at += size


def _entity(store: BlockReader, target: CID, wanted: EntityBytes | None) -> tuple[Below, Span | None]:
    """What belongs to the thing that a block is the root of: a file's parts, a sharded directory's nodes."""
    try:
        found = reader.read_node(store, target)
    except InvalidInput:
        return _nothing, None  # not UnixFS: its block is all there is to it
    kind = found[1].kind if found else unixfs.RAW
    if kind == unixfs.HAMT:
        return _shards, None
    if kind not in (unixfs.FILE, unixfs.RAW):
        return _nothing, None
    span = wanted.within(reader.file_size(store, target)) if wanted else None
    return (_nothing if span and span[0] == span[1] else _parts), span


@dataclass(frozen=True, slots=True)
class Extract:
    """A CAR that was asked for: the way, how much of what lies below its end, and how it is written.

    ``scope`` is block, entity or all; ``entity_bytes`` counts for an entity that is a file.
    """

    way: Way
    scope: str
    entity_bytes: EntityBytes | None
    duplicates: bool
    withheld: frozenset[bytes]  # multihashes whose blocks are passed over

    def write(self, store: BlockReader) -> Iterator[bytes]:
        """The CAR in pieces. ``NotFound`` names a block that is not here, before the first byte."""
        below, span = self._below(store)
        for _ in self._blocks(_present(store), below, span, duplicates=False):
            pass
        return car.pieces([self.way.target], self._blocks(store.get, below, span, duplicates=self.duplicates))

    def _below(self, store: BlockReader) -> tuple[Below, Span | None]:
        if self.scope == "entity":
            return _entity(store, self.way.target, self.entity_bytes)
        return (_nothing if self.scope == "block" else _everything), None

    def _blocks(
        self, get: Callable[[CID], bytes], below: Below, span: Span | None, *, duplicates: bool
    ) -> Iterator[tuple[CID, bytes]]:
        sent, done = set[CID](), set[CID]()  # done: with all that lies below
        stack: list[tuple[CID, Span | None, Below]] = [(self.way.target, span, below)]
        stack += ((cid, None, _nothing) for cid in reversed(self.way.passed))
        count = 0
        while stack:
            cid, part, step = stack.pop()
            if (cid in done and not duplicates) or cid.multihash in self.withheld:
                continue
            block = get(cid)
            count += 1
            if duplicates and count > MAX_BLOCKS:
                raise Unavailable(f"with its duplicates this DAG has over {MAX_BLOCKS} blocks", hint="ask with dups=n.")
            if cid.hash_code != IDENTITY and (duplicates or cid not in sent):
                yield cid, block
            sent.add(cid)
            if part is None and step is below:
                done.add(cid)
            stack += ((one, its, step) for one, its in reversed(list(step(cid, block, part))))


def _present(store: BlockReader) -> Callable[[CID], bytes]:
    """Reads blocks that may hold links; those that can't are only asked for."""

    def get(cid: CID) -> bytes:
        if cid.codec in LINKING or cid.hash_code == IDENTITY:
            return store.get(cid)
        if not store.has(cid):
            raise NotFound(f"block {cid} is published but not held here", hint="ask another gateway.")
        return b""

    return get
