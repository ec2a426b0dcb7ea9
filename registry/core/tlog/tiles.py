"""Static tiles of a log's tree (C2SP tlog-tiles): their names, their bytes, and a whole tree read back from them.

Invariants: a tile of level L holds hashes of full tiles of the level below; a partial one is never hashed into the
level above. Names are read only in their one form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from registry.core.errors import InvalidInput, Untrusted
from registry.core.tlog import merkle

WIDTH = 256
ENTRIES = -1  # the level of bundles of entries
MOST_LEVELS = 6  # more than a log of 2^48 entries needs
_NAME = re.compile(r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class Tile:
    """The ``index``-th tile of a level (``ENTRIES``: the entries themselves), ``width`` hashes wide."""

    level: int
    index: int
    width: int = WIDTH

    def __str__(self) -> str:
        """The path below ``tile/``."""
        text = f"{self.index:03}"
        text = text.rjust(-(-len(text) // 3) * 3, "0")
        groups = [text[at : at + 3] for at in range(0, len(text), 3)]
        path = "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"{level}/{path}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @property
    def span(self) -> int:
        """How many entries each of its hashes covers."""
        return int(WIDTH ** max(self.level, 0))

    @property
    def start(self) -> int:
        """The first entry that it covers."""
        return self.index * WIDTH * self.span

    @property
    def end(self) -> int:
        """The entry after the last one that it covers."""
        return self.start + self.width * self.span


def read_tile(path: str) -> Tile:
    """What a path below ``tile/`` names. ``InvalidInput`` (``bad_tile``)."""
    found = _NAME.fullmatch(path)
    if found is not None and (found[3] is None or int(found[3]) < WIDTH):
        level = ENTRIES if found[1] == "entries" else int(found[1])
        tile = Tile(level, int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH))
        if level <= MOST_LEVELS and str(tile) == path:
            return tile
    raise InvalidInput(f"{path[:80]!r} names no tile", code="bad_tile")


def tile_bytes(tile: Tile, leaves: Sequence[bytes]) -> bytes:
    """A tile's hashes, of the leaf hashes that it covers (``tile.start`` to ``tile.end``)."""
    return b"".join(merkle.root(leaves[at : at + tile.span]) for at in range(0, len(leaves), tile.span))


def bundle(leaves: Sequence[bytes]) -> bytes:
    """The entries of a bundle: each with its length in two bytes, big-endian."""
    return b"".join(len(one).to_bytes(2, "big") + one for one in leaves)


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of ``width``. ``Untrusted`` (``bad_tile``) for one that does not have so many."""
    found, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(found) != width:
        raise Untrusted(f"the bundle does not have {width} entries", code="bad_tile")
    return found


def leaf_tiles(size: int, level: int = 0) -> list[Tile]:
    """The tiles of a level (0: leaf hashes; ``ENTRIES``) of a log of ``size`` entries, the last one partial."""
    full, rest = divmod(size, WIDTH)
    return [Tile(level, at) for at in range(full)] + ([Tile(level, full, rest)] if rest else [])


def hashes_of(tile: Tile, data: bytes) -> list[bytes]:
    """A tile's hashes. ``Untrusted`` (``bad_tile``) for one of another width."""
    if len(data) != tile.width * merkle.HASH_SIZE:
        raise Untrusted(f"the tile {tile} has {len(data)} bytes", code="bad_tile")
    return [data[at : at + merkle.HASH_SIZE] for at in range(0, len(data), merkle.HASH_SIZE)]
