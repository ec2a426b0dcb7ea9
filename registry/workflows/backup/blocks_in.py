"""A backup's blocks into a store: of this home, which is being made, or one elsewhere.

Invariants: each block is verified once more when it is stored; putting them again changes nothing. Of a store elsewhere
nothing is removed, and no note of a log's end goes back.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.content.stores.embedded import EmbeddedStore
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ports.store import FLUSH_BYTES, BlockStore
from registry.core.progress import Progress
from registry.workflows.backup import archive
from registry.workflows.backup.archive import Archive, damaged


class _Joined(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def stage_blocks(found: Archive, folder: Path, progress: Progress) -> None:
    """The store of a home, with the pins as they were; nothing where the backup holds no blocks."""
    if archive.BLOCKS not in found.names("blocks"):
        return
    store = EmbeddedStore(folder)
    try:
        _put(found, store, progress)
        for cid in _pins(found):
            store.pin_as_it_was(cid)
    finally:
        store.close()


def put_blocks(found: Archive, store: BlockStore, progress: Progress) -> None:
    """Into a store elsewhere, which may hold them already."""
    if archive.BLOCKS not in found.names("blocks"):
        return
    _put(found, store, progress)
    for cid in _pins(found):
        with contextlib.suppress(NotFound):  # a closure that lacks what was taken back
            store.pin(cid)


def _put(found: Archive, store: BlockStore, progress: Progress) -> None:
    count = waiting = 0
    try:
        stream = io.BufferedReader(_Joined(found.pieces(archive.BLOCKS)), 1 << 20)
        _, blocks = car.read_raw(stream)
        for cid, data in blocks:
            store.put(cid, data)
            count, waiting = count + 1, waiting + len(data)
            if waiting > FLUSH_BYTES:
                store.flush()
                waiting = 0
                progress("blocks", count, 0)
    except (InvalidInput, Untrusted) as error:
        raise damaged(f"a block in it is not what it is called: {error}") from error
    store.flush()
    for issuer, seq, entry in _pairs(found):
        store.set_log_head(issuer, seq, entry)


def _pins(found: Archive) -> list[CID]:
    try:
        return [CID.parse(text) for text in found.object(archive.PINS)["pins"]]
    except (LookupError, TypeError, InvalidInput) as error:
        raise damaged("its pins can't be read") from error


def _pairs(found: Archive) -> list[tuple[str, int, CID]]:
    try:
        heads = found.object(archive.PINS)["heads"]
        return [(str(issuer), int(seq), CID.parse(entry)) for issuer, seq, entry in heads]
    except (LookupError, TypeError, ValueError, InvalidInput) as error:
        raise damaged("its logs' ends can't be read") from error
