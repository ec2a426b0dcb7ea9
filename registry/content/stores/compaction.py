"""Frees the disk space of packs with deleted blocks.

Invariants: live blocks are copied and flushed before the index names the copy; the old pack is removed after that. A
pack that another process writes, or that holds a live block which does not verify, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry.content.stores.index import Index, Row
from registry.content.stores.packs import HEADER, PackReader, PackWriter, lock_pack, new_pack
from registry.core.ipld.cid import matches, raw_cid
from registry.files import sync_folder

OVERHEAD = 48  # bytes beside a block's own: its CID and the length
LENGTH, PREFIX = 5, 4  # at most, of a block's length and of what stands before the multihash in a CID


def compact(folder: Path, index: Index, reader: PackReader, *, thorough: bool = False) -> Iterator[str]:
    """Rewrite packs in which a sixteenth or more is dead, or (``thorough``) anything at all; yields their names as they
    go."""
    for name, size in index.packs():
        rows = index.blocks_of(name)
        if not (has_dead(rows, size) if thorough else _mostly_dead(rows, size)):
            continue
        lock = lock_pack(folder, name)
        if lock is not None and _rewrite(folder, index, reader, name, rows):
            (folder / name).unlink(missing_ok=True)
            sync_folder(folder)
            yield name
    yield from _orphans(folder, index)


def _mostly_dead(rows: list[Row], size: int) -> bool:
    live = sum(length + OVERHEAD for _, _, length in rows)
    return size - live > max(len(HEADER) + OVERHEAD, size // 16)


def has_dead(rows: list[Row], size: int) -> bool:
    """Whether a pack of ``size`` flushed bytes holds a block that its ``rows`` (sorted by offset) lack."""
    at = len(HEADER)
    for multihash, offset, length in rows:
        if offset - at > LENGTH + PREFIX + len(multihash):  # more than this block's own length and CID
            return True
        at = offset + length
    return size > at and bool(rows or size > len(HEADER))


def _rewrite(folder: Path, index: Index, reader: PackReader, name: str, rows: list[Row]) -> bool:
    """Copy what lives; whether the old pack can go."""
    if not rows:
        index.forget_pack(name)
        return True
    writer = new_pack(folder)
    try:
        moved = [_copied(writer, reader, name, row) for row in rows]
        if None in moved:
            raise ValueError("a live block does not verify")
        writer.flush()
        index.move(name, writer.name, writer.size, [row for row in moved if row is not None])
    except BaseException as error:
        (folder / writer.name).unlink(missing_ok=True)
        if isinstance(error, ValueError):
            return False
        raise
    return True


def _copied(writer: PackWriter, reader: PackReader, name: str, row: Row) -> Row | None:
    multihash, offset, length = row
    cid, data = raw_cid(multihash), reader.read(name, offset, length)
    if not matches(cid, data):
        return None
    return multihash, writer.append(cid, data), length


def _orphans(folder: Path, index: Index) -> Iterator[str]:
    """Packs that no index knows: a crash between making and committing them left them."""
    for path in sorted(folder.glob("*.car")):
        if path.name in dict(index.packs()):
            continue
        lock = lock_pack(folder, path.name)
        if lock is not None and path.name not in dict(index.packs()):  # asked again under its lock
            path.unlink(missing_ok=True)
            yield path.name
