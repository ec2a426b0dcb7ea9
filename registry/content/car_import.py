"""Import of a CAR file: all of it or nothing, or (``partial``) the blocks that verify.

Invariants: blocks reach the store only if every block verified and the closure of every root is complete. With
``partial`` every block that verifies is stored, and nothing is pinned. The bytes and blocks that a stranger's file may
cost are bounded.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from registry.content.left_out import images_left_out
from registry.content.stores.batch import Batch
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.verified import check_block
from registry.core.errors import EmotionetError, InvalidInput, NotFound, Untrusted
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import check_present, not_here
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import BlockStore
from registry.core.text.cleaning import counted

MAX_BYTES = 64 << 30
MAX_BLOCKS = 50_000_000
AHEAD = 8  # blocks that wait for their hash
ASIDE = 64 << 10  # smaller blocks are hashed where they are read: a thread would cost more


@dataclass(frozen=True)
class Limits:
    """What one CAR file may cost."""

    bytes: int = MAX_BYTES
    blocks: int = MAX_BLOCKS


@dataclass(frozen=True)
class Partial:
    """What was kept of a CAR file: ``damaged`` did not verify, ``missing`` is linked and not here; ``cut`` says why
    reading ended before the file's end."""

    roots: tuple[CID, ...]
    blocks: int
    damaged: tuple[CID, ...]
    missing: tuple[CID, ...]
    cut: str | None


class _Staged:
    """Reads what a batch holds, then what the store does."""

    def __init__(self, batch: Batch, store: BlockStore, hidden: Container[bytes] = ()) -> None:
        self._batch, self._store, self._hidden = batch, store, hidden

    def has(self, cid: CID) -> bool:
        """Whether either holds it."""
        if cid.multihash in self._hidden and not self._batch.took(cid):
            return False
        return self._batch.has(cid) or self._store.has(cid)

    def get(self, cid: CID) -> bytes:
        """The verified bytes."""
        if cid.multihash in self._hidden and not self._batch.took(cid):
            raise not_here(cid)
        return (self._batch if self._batch.has(cid) else self._store).get(cid)


@contextmanager
def _staging(store: BlockStore) -> Iterator[Batch]:
    """A batch that is kept if nothing fails; of the store itself where it knows batches."""
    if isinstance(store, EmbeddedStore):
        batch = store.batch()
        try:
            yield batch
            batch.commit()
        finally:
            batch.abort()
        return
    with tempfile.TemporaryDirectory(prefix="emotionet-car-") as folder:
        scratch = EmbeddedStore(Path(folder))
        batch = scratch.batch()
        yield batch
        batch.commit()
        store.put_many((cid, scratch.get(cid)) for cid in scratch.cids())
        scratch.close()


def _bounded(sections: Iterator[tuple[CID, bytes]], limit: Limits) -> Iterator[tuple[CID, bytes]]:
    total = 0
    for count, (cid, data) in enumerate(sections, 1):
        total += len(data)
        if total > limit.bytes or count > limit.blocks:
            raise InvalidInput(
                f"the CAR file holds more than {limit.bytes} bytes or {limit.blocks} blocks", code="too_large"
            )
        yield cid, data


def _verified(sections: Iterator[tuple[CID, bytes]]) -> Iterator[tuple[CID, bytes, Untrusted | None]]:
    """The same blocks, hashed by two threads beside the one that reads and writes, and what is wrong with each.

    What ends the sections early is raised after the blocks before it.
    """
    waiting, failed = deque[tuple[CID, bytes, Future[None]]](), None
    with ThreadPoolExecutor(2) as hashing:
        while True:
            try:
                cid, data = next(sections)
            except StopIteration:
                break
            except EmotionetError as error:
                failed = error
                break
            waiting.append(
                (cid, data, hashing.submit(check_block, cid, data) if len(data) >= ASIDE else _now(cid, data))
            )
            yield from _ended(waiting, AHEAD)
        yield from _ended(waiting, 0)
    if failed is not None:
        raise failed


def _now(cid: CID, data: bytes) -> Future[None]:
    done = Future[None]()
    try:
        check_block(cid, data)
        done.set_result(None)
    except EmotionetError as error:
        done.set_exception(error)
    return done


def _ended(waiting: deque[tuple[CID, bytes, Future[None]]], keep: int) -> Iterator[tuple[CID, bytes, Untrusted | None]]:
    while len(waiting) > keep:
        cid, data, done = waiting.popleft()
        error = done.exception()
        if error is not None and not isinstance(error, Untrusted):
            raise error
        yield cid, data, error


def import_car(
    store: BlockStore, stream: IO[bytes], limits: Limits | None = None, hidden: Container[bytes] = ()
) -> list[CID]:
    """Import all blocks; returns the roots. ``Untrusted`` or ``InvalidInput`` leaves the store as it was.

    What the file leaves out must be in the store; the multihashes ``hidden`` count as if they were not.
    """
    named, sections = car.read_raw(stream)
    roots = list(named)
    with _staging(store) as batch:
        for cid, data, wrong in _verified(_bounded(sections, limits or Limits())):
            if wrong is not None:
                raise wrong
            batch.put_own(cid, data)
        try:
            check_present(_Staged(batch, store, hidden), roots)
        except NotFound as error:
            raise _incomplete(error, images_left_out(_Staged(batch, store, hidden), roots)) from error
    return roots


def _incomplete(error: NotFound, images: int) -> Untrusted:
    if images:
        return Untrusted(
            f"the CAR file was made without images: {counted(images, 'image')} that it names "
            f"{'is' if images == 1 else 'are'} not in it, and nothing else is missing",
            code="car_incomplete",
            hint="use --partial to import all but the images.",
        )
    return Untrusted(
        f"the CAR file is incomplete: {error}",
        code="car_incomplete",
        hint="use --partial to keep the blocks that are there.",
    )


def import_partial(store: BlockStore, stream: IO[bytes], limits: Limits | None = None) -> Partial:
    """Keep every block that verifies, whatever is missing; pins nothing. ``InvalidInput`` if it is no CAR file."""
    roots, sections = car.read_raw(stream)
    count, damaged, cut = 0, [], None
    with _staging(store) as batch:
        try:
            for cid, data, wrong in _verified(_bounded(sections, limits or Limits())):
                if wrong is None:
                    batch.put_own(cid, data)
                    count += 1
                else:
                    damaged.append(cid)
        except (Untrusted, InvalidInput) as error:
            if error.code == "too_large":
                raise
            cut = str(error)
        missing = tuple(_missing(_Staged(batch, store), roots))
    return Partial(roots, count, tuple(damaged), missing, cut)


def _missing(staged: _Staged, roots: tuple[CID, ...]) -> Iterator[CID]:
    """What the roots reach and nobody holds; what can't be read has no links."""
    stack, seen = list(reversed(roots)), set(roots)
    while stack:
        cid = stack.pop()
        if not staged.has(cid):
            yield cid
        elif cid.codec in LINKING:
            try:
                below = links(staged.get(cid), cid.codec)
            except EmotionetError:
                continue
            new = [one for one in reversed(below) if one not in seen]
            seen.update(new)
            stack += new
