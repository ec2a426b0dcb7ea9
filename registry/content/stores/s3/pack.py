"""Packs: objects of many blocks, each a CAR file whose last block tells where the others lie.

Invariants: a pack never changes once it was written; another one takes its place where blocks of it are deleted. The
block that is its index is named by its own CID wherever the pack is spoken of, so a wrong index is found out. Any
reader of CAR files reads a pack, and the index can be made again from it.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any, NamedTuple

from registry.content.stores.packs import HEADER
from registry.content.stores.s3.bucket import Bucket
from registry.core.errors import Unavailable, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of, matches
from registry.core.ipld.varint import encode_varint

FOLDER = "packs/"
PACK_BYTES = 32 << 20  # a pack that is larger gets no more blocks
PACK_BLOCKS = 20_000  # and so does one with more of them: its index fits into one block
Row = tuple[bytes, int, int]  # multihash, offset, length


class PackName(NamedTuple):
    """A written pack: its object, how long that is, where its index begins, and the index's CID."""

    name: str
    size: int
    index_at: int
    cid: CID

    def values(self) -> list[Any]:
        """As a list that dag-cbor holds."""
        return [self.name, self.size, self.index_at, self.cid]


def named(values: Any) -> PackName:
    """The same, read. ``Untrusted`` (``s3_malformed``) for anything else."""
    if (
        isinstance(values, list)
        and [type(one) for one in values] == [str, int, int, CID]
        and values[0].startswith(FOLDER)
        and 0 < values[2] <= values[1]
    ):
        return PackName(*values)
    raise Untrusted("the bucket names a pack that is none", code="s3_malformed")


class Pack:
    """Blocks that wait to be written as one pack; one thread at a time adds to it, any may read."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.name = f"{FOLDER}{secrets.token_hex(16)}.car"
        self.rows: dict[bytes, tuple[int, int]] = {}  # multihash to offset and length
        self.written: PackName | None = None
        self._pieces: list[bytes] = [HEADER]
        self._held: dict[bytes, bytes] = {}
        self._size = len(HEADER)
        self._once = threading.Lock()

    @property
    def full(self) -> bool:
        """Whether it takes no more blocks."""
        return self._size >= PACK_BYTES or len(self.rows) >= PACK_BLOCKS

    def add(self, cid: CID, data: bytes) -> None:
        """Take a block that is not in it."""
        offset = self._append(cid, data)
        self._held[cid.multihash] = data
        self.rows[cid.multihash] = (offset, len(data))

    def _append(self, cid: CID, data: bytes) -> int:
        head = encode_varint(len(bytes(cid)) + len(data)) + bytes(cid)
        self._pieces += (head, data)
        self._size += len(head) + len(data)
        return self._size - len(data)

    def find(self, multihash: bytes) -> bytes | None:
        """A block that was not written yet."""
        return self._held.get(multihash)

    def write(self, bucket: Bucket) -> PackName:
        """Write it, once, however many ask; its blocks are let go of then."""
        with self._once:
            if self.written is None:
                pieces, size = self._pieces, self._size
                index = encoding.encode([[multihash, *place] for multihash, place in self.rows.items()])
                cid = cid_of(index, DAG_CBOR)
                begins = self._append(cid, index)
                try:
                    bucket.put(self.name, self._pieces)
                except BaseException:
                    self._pieces, self._size = pieces[:-2], size
                    raise
                self.written = PackName(self.name, self._size, begins, cid)
                self._pieces, self._held = [], {}
            return self.written


def read_index(bucket: Bucket, pack: PackName) -> list[Row] | None:
    """Where a pack's blocks lie; None where the pack is gone. ``Unavailable`` where what comes is not its index."""
    for _ in range(3):  # what was changed on the way comes whole the next time
        data = bucket.read(pack.name, pack.index_at, pack.size - pack.index_at)
        if data is None:
            return None
        if matches(pack.cid, data):
            return [(one[0], one[1], one[2]) for one in encoding.decode(data)]
    raise Unavailable(f"{bucket.name} gives a damaged index of {pack.name}", code="s3_damaged", hint="try again.")
