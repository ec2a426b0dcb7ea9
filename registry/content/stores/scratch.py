"""Blocks of one file while it is looked at, in a file without a name that goes with the process.

Invariants: each block was hashed when it was put. It is not hashed again when it is read: what this process wrote, it
keeps in memory (up to ``KEPT`` bytes of blocks that may hold links, which are read often) or in a file that nobody else
can open. Nothing survives, nothing is shared, no block is ever removed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from registry.content.stores.verified import check_block
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, IDENTITY
from registry.core.ipld.dag import MissingBlock
from registry.core.ipld.encoding import LINKING

KEPT = 64 << 20  # bytes


class ScratchStore:
    """Made for one reading; ``put`` and ``get`` as of ``registry.core.ports.store.BlockStore``."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as the store, closed with it
        self._kept: dict[CID, bytes] = {}
        self._places: dict[CID, tuple[int, int]] = {}
        self._room, self._end = KEPT, 0

    def close(self) -> None:
        """Forget it all."""
        self._file.close()
        self._kept, self._places = {}, {}

    def put(self, cid: CID, data: bytes) -> None:
        """Keep a block. ``Untrusted`` for bytes that do not hash to ``cid``."""
        check_block(cid, data)
        if cid.hash_code == IDENTITY or cid in self._kept or cid in self._places:
            return
        if cid.codec in LINKING and len(data) <= self._room:
            self._kept[cid] = data
            self._room -= len(data)
            return
        try:
            self._file.write(data)
        except OSError as error:
            raise Unavailable(f"the file's blocks can't be kept while it is read: {error.strerror}") from error
        self._places[cid] = (self._end, len(data))
        self._end += len(data)

    def get(self, cid: CID) -> bytes:
        """The bytes that were put. ``NotFound`` if none were."""
        if cid.hash_code == IDENTITY:
            return cid.digest
        if cid in self._kept:
            return self._kept[cid]
        if cid not in self._places:
            raise MissingBlock(cid, "in the file")
        offset, length = self._places[cid]
        try:
            self._file.flush()
            return os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            raise Unavailable(f"the file's blocks can't be read again: {error.strerror}") from error
