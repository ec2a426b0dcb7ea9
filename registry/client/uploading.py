"""Images to a server before the rows that name them: several requests are under way at once.

Invariants: an image is sent only if the server lacks it, and of those that are under way each once. ``REQUESTS`` CARs
at most are held in memory and being sent, however many batches are begun. Whoever stops ends every pause; a request
that was begun is let end.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from registry.client.blocks import Block, Blocks
from registry.client.connection import Connection
from registry.core.errors import EmotionetError, Unavailable
from registry.core.ipld.cid import CID

REQUESTS = 3  # uploads at once, one fewer than a server takes (content.UPLOADS): they share the delay of a long way
AHEAD = 2  # batches whose images are sent while an earlier one is registered
CAR_BYTES = 16 << 20
Make = Callable[[], Iterator[Block]]


@dataclass(frozen=True)
class Item:
    """A row that names its image by CID, and how to get at the image's blocks (None: the server must have it).

    ``row``: a ``LabelRow``, or any struct with its fields. ``size``: the image's bytes, as far as they are known.
    """

    row: Any
    blocks: Make | None = None
    size: int = 0


@dataclass
class Uploaded:
    """What was sent of one batch; ``failed``: the images whose bytes could not be read, and why."""

    images: int = 0
    bytes: int = 0
    failed: dict[CID, EmotionetError] = field(default_factory=dict)

    def add(self, more: Uploaded) -> None:
        """What was sent in addition."""
        self.images += more.images
        self.bytes += more.bytes
        self.failed |= more.failed


class Uploader:
    """Sends the images of batches; used as a context by one thread. ``told`` is called with the bytes sent so far."""

    def __init__(self, connection: Connection, told: Callable[[int], None]) -> None:
        self.stopped = threading.Event()
        self._blocks, self._told = Blocks(connection, self.stopped), told
        self._lock, self._room = threading.Lock(), threading.Semaphore(REQUESTS)
        self._batches = ThreadPoolExecutor(max(1, AHEAD), "batch")
        self._cars = ThreadPoolExecutor(REQUESTS, "upload")
        self._under_way: set[CID] = set()
        self._sent = 0

    def __enter__(self) -> Uploader:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for pool in (self._batches, self._cars):
            pool.shutdown(cancel_futures=True)

    def begin(self, batch: Sequence[Item]) -> Future[Uploaded]:
        """Send what the server lacks of a batch; what an earlier batch sends already is left to that."""
        ready = {CID.parse(str(item.row.cid)): item.blocks for item in batch if item.blocks is not None}
        with self._lock:
            mine = {cid: make for cid, make in ready.items() if cid not in self._under_way}
            self._under_way.update(mine)
        return self._batches.submit(self._batch, mine)

    def _batch(self, ready: dict[CID, Make]) -> Uploaded:
        try:
            return self.send(ready, self._blocks.missing(ready))
        finally:
            with self._lock:
                self._under_way.difference_update(ready)

    def send(self, ready: Mapping[CID, Make], missing: Container[CID]) -> Uploaded:
        """Send those that are missing, in CARs, and wait until all are there."""
        done, under_way = Uploaded(), list[Future[int]]()
        wanted = deque(cid for cid in ready if cid in missing)
        while wanted:
            self._wait_for_room()
            roots, blocks = _packed(wanted, ready, done.failed)
            if not roots:
                self._room.release()
                continue
            done.images += len(roots)
            under_way.append(self._cars.submit(self._send, roots, blocks))
        done.bytes = sum(one.result() for one in under_way)
        return done

    def _wait_for_room(self) -> None:
        while not self._room.acquire(timeout=0.5):
            if self.stopped.is_set():
                raise Unavailable("the upload was stopped")

    def _send(self, roots: list[CID], blocks: list[Block]) -> int:
        try:
            size = self._blocks.send(roots, blocks)
        finally:
            self._room.release()
        with self._lock:
            self._sent += size
            self._told(self._sent)
        return size


def _packed(
    wanted: deque[CID], ready: Mapping[CID, Make], failed: dict[CID, EmotionetError]
) -> tuple[list[CID], list[Block]]:
    """The next CAR's roots and blocks, taken from ``wanted``; what can't be read goes to ``failed``."""
    roots, blocks, size = list[CID](), list[Block](), 0
    while wanted and size < CAR_BYTES:
        cid = wanted.popleft()
        try:
            found = list(ready[cid]())
        except EmotionetError as error:
            failed[cid] = error
            continue
        roots.append(cid)
        blocks += found
        size += sum(len(data) for _, data in found)
    return roots, blocks
