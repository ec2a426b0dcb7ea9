"""Blocks of a store elsewhere that were asked for together, or just now, so that each costs no journey of its own.

Invariants: what is kept is forgotten after ``SECONDS``, and the oldest first where there is no more room: a block that
was deleted elsewhere is not given out for longer. Bytes are unverified, as those that a store finds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from registry.core.ipld.cid import CID

SECONDS = 10.0
BYTES = 32 << 20
AT_ONCE = 16 << 20  # bytes that are fetched ahead with one call, as far as their number is known


class ReadAhead:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._size, self._guard = 0, threading.Lock()

    def find(self, cid: CID) -> bytes | None:
        """A block that was kept a moment ago."""
        with self._guard:
            found = self._kept.get(cid.multihash)
        return found[1] if found and time.monotonic() - found[0] < SECONDS else None

    def keep(self, cid: CID, data: bytes) -> None:
        """Keep one for a moment."""
        with self._guard:
            self._drop(cid.multihash)
            self._kept[cid.multihash] = (time.monotonic(), data)
            self._size += len(data)
            while self._size > BYTES:
                self._drop(next(iter(self._kept)))

    def forget(self, cid: CID) -> None:
        """One that proved wrong."""
        with self._guard:
            self._drop(cid.multihash)

    def _drop(self, multihash: bytes) -> None:
        if multihash in self._kept:
            self._size -= len(self._kept.pop(multihash)[1])
