"""Writes a CAR file: the closures of the requested roots, and further blocks beside them.

Invariants: every block once, the closures first, depth first in the order of the links; the same content gives the
same bytes; every block was verified when it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure, walk_present
from registry.core.ports.store import BlockReader, read_ahead

Get = Callable[[CID], bytes]


@dataclass(frozen=True)
class Content:
    """The closures of ``roots``, ``beside`` as blocks alone, without the trees of ``left_out``."""

    roots: Sequence[CID]
    beside: Sequence[CID] = ()
    left_out: Collection[CID] = ()


def write(content: Content, get: Get, stream: IO[bytes]) -> int:
    """Write it; returns the number of blocks. ``NotFound`` names one that is not held."""
    return car.write(content.roots, _blocks(content, get, content.left_out.__contains__), stream)


def _blocks(
    content: Content, get: Get, left_out: Callable[[CID], bool], ahead: Callable[[Sequence[CID]], None] | None = None
) -> Iterator[tuple[CID, bytes]]:
    seen = set()
    for block in walk_closure(get, content.roots, left_out, ahead):
        seen.add(block[0])
        yield block
    for other in content.beside:
        if other not in seen:
            seen.add(other)
            yield other, get(other)


def pieces(content: Content, store: BlockReader, hides: Callable[[CID], bool]) -> Iterator[bytes]:
    """The same in pieces, without the trees that ``hides`` names. ``NotFound`` names a block that is not here, before
    the first byte."""

    def left_out(cid: CID) -> bool:
        return cid in content.left_out or hides(cid)

    for _ in walk_present(store, content.roots, left_out):
        pass
    return car.pieces(content.roots, _blocks(content, store.get, left_out, partial(read_ahead, store)))
