"""Writes a CAR file: the closures of the requested roots, and further blocks beside them.

Invariants: every block once, the closures first, depth first in the order of the links; the same content gives the
same bytes; every block was verified when it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure

Get = Callable[[CID], bytes]


@dataclass(frozen=True)
class Content:
    """The closures of ``roots``, ``beside`` as blocks alone, without the trees of ``left_out``."""

    roots: Sequence[CID]
    beside: Sequence[CID] = ()
    left_out: Collection[CID] = ()


def write(content: Content, get: Get, stream: IO[bytes]) -> int:
    """Write it; returns the number of blocks. ``NotFound`` names one that is not held."""
    return car.write(content.roots, _blocks(content, get), stream)


def _blocks(content: Content, get: Get) -> Iterator[tuple[CID, bytes]]:
    seen = set()
    for block in walk_closure(get, content.roots, content.left_out.__contains__):
        seen.add(block[0])
        yield block
    for other in content.beside:
        if other not in seen:
            seen.add(other)
            yield other, get(other)
