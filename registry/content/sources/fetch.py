"""Fetch a DAG from another source, with many requests in flight.

Invariants: each block is verified by its source and again by the store. Fetched blocks are flushed even if the rest
fails, so the same fetch continues from there. Nothing is pinned or registered here. The bytes, blocks, links and depth
of a stranger's DAG are bounded.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Container, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, DAG_CBOR, IDENTITY
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import FLUSH_BYTES, WITHDRAWN, BlockReader, BlockStore
from registry.core.progress import Progress, silent

WORKERS = 48


@dataclass(frozen=True)
class Limits:
    """What one fetch may cost."""

    bytes: int = 1 << 40
    blocks: int = 50_000_000
    links: int = 100_000_000
    depth: int = 1024


@dataclass(frozen=True)
class Fetched:
    """``blocks`` of the DAG, of which ``new`` were fetched, with their ``bytes``."""

    blocks: int
    new: int
    bytes: int


class Through:
    """A reader that takes from the store, or from the source into the store."""

    def __init__(self, source: BlockReader, store: BlockStore) -> None:
        self._source, self._store = source, store

    def has(self, cid: CID) -> bool:
        """Whether either has it."""
        return self._store.has(cid) or self._source.has(cid)

    def get(self, cid: CID) -> bytes:
        """The verified bytes."""
        if self._store.has(cid):
            with contextlib.suppress(NotFound):  # damaged here: it counts as missing
                return self._store.get(cid)
        data = self._source.get(cid)
        self._store.put(cid, data)
        return data


class _Walk:
    """One fetch: what is asked for, what it cost."""

    def __init__(
        self,
        source: BlockReader,
        store: BlockStore,
        limits: Limits,
        progress: Progress,
        leave_out: Container[bytes] = (),
        absent: list[CID] | None = None,
        codecs: Container[int] | None = None,
        withdrawn: list[CID] | None = None,
    ) -> None:
        self._withdrawn = withdrawn
        self._leave_out, self._absent, self._codecs = leave_out, absent, codecs
        self._source, self._store, self._limits, self._progress = source, store, limits, progress
        self._todo: deque[tuple[CID, int]] = deque()
        self._seen: set[CID] = set()
        self._asked: dict[Future[bytes], tuple[CID, int]] = {}
        self._links = self.new = self.bytes = self._unflushed = 0

    @property
    def blocks(self) -> int:
        """How many different blocks are known."""
        return len(self._seen)

    def add(self, cids: Iterable[CID], depth: int) -> None:
        """Take in what a block links to."""
        for cid in cids:
            self._links += 1
            if self._links > self._limits.links:
                raise InvalidInput(f"this DAG has more than {self._limits.links} links: too large", code="too_large")
            if cid in self._seen or cid.multihash in self._leave_out:
                continue
            if self._codecs is not None and cid.codec not in self._codecs:
                continue
            if depth > self._limits.depth:
                raise InvalidInput(f"this DAG is deeper than {self._limits.depth} levels", code="too_deep")
            self._seen.add(cid)
            if len(self._seen) > self._limits.blocks:
                raise InvalidInput(f"this DAG has more than {self._limits.blocks} blocks: too large", code="too_large")
            self._todo.append((cid, depth))

    def _followed(self, cid: CID, data: bytes, depth: int) -> None:
        if cid.codec in LINKING:
            self.add(links(data, cid.codec), depth + 1)

    def _next(self, pool: ThreadPoolExecutor) -> None:
        """Begin as many requests as may be under way; what is here already is not asked for."""
        while self._todo and len(self._asked) < WORKERS:
            cid, depth = self._todo.popleft()
            if cid.hash_code == IDENTITY:
                self._followed(cid, cid.digest, depth)
            elif (data := self._held(cid)) is not None:
                self._followed(cid, data, depth)
            else:
                self._asked[pool.submit(self._source.get, cid)] = (cid, depth)

    def _held(self, cid: CID) -> bytes | None:
        """What is here already, read only if it can hold links; None where it has to be asked for."""
        if not self._store.has(cid):
            return None
        try:
            return self._store.get(cid) if cid.codec in LINKING else b""
        except NotFound:  # damaged here
            return None

    def _take(self, done: Future[bytes]) -> None:
        cid, depth = self._asked.pop(done)
        try:
            data = done.result()
        except NotFound as error:
            if self._withdrawn is not None and error.code == WITHDRAWN and depth and cid.codec != DAG_CBOR:
                self._withdrawn.append(cid)
                return
            if self._absent is None:
                raise
            self._absent.append(cid)
            return
        self.bytes += len(data)
        if self.bytes > self._limits.bytes:
            raise InvalidInput(f"this DAG has more than {self._limits.bytes} bytes: too large", code="too_large")
        self._store.put(cid, data)
        self.new += 1
        self._unflushed += len(data)
        if self._unflushed > FLUSH_BYTES:
            self._store.flush()
            self._unflushed = 0
        self._followed(cid, data, depth)

    def run(self, pool: ThreadPoolExecutor) -> None:
        """To the end, or to the first failure; what came is flushed."""
        try:
            self._next(pool)
            while self._asked:
                for done in wait(self._asked, return_when=FIRST_COMPLETED)[0]:
                    self._take(done)
                self._next(pool)
                self._progress("blocks fetched", self.new, self.blocks)
                self._progress("MB fetched", self.bytes // 1_000_000, 0)
        finally:
            for asked in self._asked:
                asked.cancel()
            self._store.flush()


def fetch(
    source: BlockReader,
    store: BlockStore,
    root: CID,
    limits: Limits | None = None,
    progress: Progress = silent,
    codecs: Container[int] | None = None,
    withdrawn: list[CID] | None = None,
) -> Fetched:
    """Bring all that ``root`` reaches into ``store``, or what it reaches through blocks of these ``codecs`` alone. What
    ``source`` raises ends it; run again, it goes on. With ``withdrawn`` what the source says to have been withdrawn is
    left out and listed there: bytes of images and files below ``root``, never a record or a table. Whether a signed
    withdrawal excuses it is for an audit to say."""
    return _fetched(_Walk(source, store, limits or Limits(), progress, codecs=codecs, withdrawn=withdrawn), [root])


def fetch_what_there_is(
    source: BlockReader,
    store: BlockStore,
    roots: Iterable[CID],
    leave_out: Container[bytes] = (),
    progress: Progress = silent,
) -> list[CID]:
    """The same of several roots, but for ``leave_out`` (multihashes, with all below them) and for what ``source`` says
    that it has not: that is what is returned."""
    absent: list[CID] = []
    _fetched(_Walk(source, store, Limits(), progress, leave_out, absent), roots)
    return absent


def _fetched(walk: _Walk, roots: Iterable[CID]) -> Fetched:
    walk.add(roots, 0)
    pool = ThreadPoolExecutor(WORKERS, "fetch")
    try:
        walk.run(pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Fetched(walk.blocks, walk.new, walk.bytes)
