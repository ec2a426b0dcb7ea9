"""Blocks on their way into packs: all of a batch is stored, or none.

Invariants: a block of an open batch can be read only through the batch. ``commit`` flushes the pack before the index
names the blocks. After ``abort``, or the death of the process, nobody sees anything of the batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from registry.content.stores.index import Index, Place, Row
from registry.content.stores.packs import PACK_BYTES, PackWriter, open_pack
from registry.content.stores.verified import VerifiedBlocks
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID

Read = Callable[[Place], bytes | None]


class Batch(VerifiedBlocks):
    """Made by ``EmbeddedStore.batch``; safe to use from any thread."""

    def __init__(self, folder: Path, index: Index, read: Read, begin: Callable[[], None]) -> None:
        self._folder, self._index, self._read, self._begin = folder, index, read, begin
        self._guard = threading.RLock()
        self._writers: list[PackWriter] = []  # the last one takes blocks, those before it are full
        self._new: dict[bytes, tuple[PackWriter, int, int]] = {}  # multihash to pack, offset and size
        self._again: set[bytes] = set()

    def holds(self, cid: CID) -> bool:
        """Whether the batch or the store holds a block."""
        return cid.multihash in self._new or self._index.find(cid.multihash) is not None

    def held(self, multihashes: Sequence[bytes]) -> set[bytes]:
        """Those of them that the batch or the store holds."""
        found = {one for one in multihashes if one in self._new} if self._new else set[bytes]()
        return found | self._index.held(multihashes)

    def took(self, cid: CID) -> bool:
        """Whether this very batch was given a block, be it new or not."""
        return cid.multihash in self._new or cid.multihash in self._again

    def find(self, cid: CID) -> bytes | None:
        """A block's bytes as they lie, unverified; None if there are none."""
        multihash = cid.multihash
        with self._guard:
            waiting = self._new.get(multihash)
            if waiting is not None:
                writer, offset, length = waiting
                writer.write()
                return self._read(Place(writer.name, offset, length))
        for _ in range(2):  # a pack that is gone was compacted meanwhile: look again
            place = self._index.find(multihash)
            if place is None:
                return None
            if (data := self._read(place)) is not None:
                return data
        return None

    def write_block(self, cid: CID, data: bytes) -> bool:
        """Take a block as it is; whether it was new."""
        multihash = cid.multihash
        if multihash in self._new:
            return False
        self._begin()
        if self._index.find(multihash) is not None and self.find(cid) == data:  # one that is damaged is put again
            with self._guard:
                self._again.add(multihash)
            return False
        with self._guard:
            if not self._writers or self._writers[-1].size >= PACK_BYTES:
                self._writers.append(open_pack(self._folder, self._index))
            writer = self._writers[-1]
            self._new[multihash] = (writer, writer.append(cid, data), len(data))
            self._again.discard(multihash)
        return True

    def commit(self) -> None:
        """Keep it all. ``Unavailable`` keeps it open: try again, or abort."""
        with self._guard:
            try:
                self._commit(int(time.time()))
            except Unavailable:
                self._again = {one for one in self._again if self._index.find(one) is not None}
                raise
            self._new, self._again, self._writers = {}, set(), []  # gives the packs' locks back

    def _commit(self, now: int) -> None:
        if self._writers:
            rows: dict[str, list[Row]] = {writer.name: [] for writer in self._writers}
            for multihash, (writer, offset, length) in self._new.items():
                rows[writer.name].append((multihash, offset, length))
            for writer in self._writers:
                writer.flush()
            packs = [(writer.name, writer.size, rows[writer.name]) for writer in self._writers]
            self._index.add(packs, self._again, now)
        elif self._again:
            self._index.touch(self._again, now)

    def abort(self) -> None:
        """Keep nothing of it."""
        with self._guard:
            self._new, self._again, self._writers = {}, set(), []  # the next writer cuts the pack
