"""Rows and their images to a server, in batches that may be interrupted anywhere.

Invariants: an image is sent before a row that names it, and only if the server lacks it. A batch of rows is
acknowledged as a whole, under an Idempotency-Key of its own (``journal``); what was acknowledged is not sent again. A
row that the server refuses, or whose file changed meanwhile, stops no other row. Rows are registered in their order;
while a batch is, the images of the next ones are sent (``uploading``). Memory holds those batches and their CARs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from registry.client import uploading
from registry.client.answers import RowAnswer
from registry.client.blocks import Block
from registry.client.connection import Connection
from registry.client.journal import Journal
from registry.client.row_answers import read_rows
from registry.client.uploading import Item, Uploaded, Uploader
from registry.content.labels import LabelRow, make_row
from registry.content.labels.tables.cid_table import cid_table
from registry.content.unixfs import importer
from registry.core.errors import EmotionetError, InvalidInput, not_read, with_hint
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent

BATCH_ROWS = 2000
BATCH_BYTES = 128 << 20  # of images: what is compared again after a kill
_KEPT = ("registered", "unchanged", "corrected")


@dataclass
class Sent:
    """What became of the rows. ``answers``: by their place in what was sent, those that were not simply registered."""

    rows: int = 0
    registered: int = 0
    unchanged: int = 0
    corrected: int = 0
    referenced: int = 0
    images: int = 0  # that were sent
    bytes: int = 0
    answers: dict[int, RowAnswer] = field(default_factory=dict)

    @property
    def rejected(self) -> dict[int, RowAnswer]:
        """Rows that were refused."""
        return {place: one for place, one in self.answers.items() if one.status == "rejected"}


class _Outcome(msgspec.Struct):
    """Of one batch, as the journal keeps it; places count from its first row."""

    counts: dict[str, int]
    answers: dict[int, RowAnswer]
    images: int = 0
    bytes: int = 0


def labeled(cid: str | CID, label: str, *, contributor: str | None = None, **cells: str) -> LabelRow:
    """A row from cells as a table has them: ``subject``, ``licence``, ``consent``, ``box``, ``signature``; names with
    a dot as in ``**{"attr.age": "30"}``. ``InvalidInput`` for what no row may say."""
    return make_row(0, {"cid": str(cid), "label": label, "contributor": contributor or "", **cells})


def file_item(path: Path, label: str, profile: str = importer.DEFAULT_PROFILE, **more: Any) -> Item:
    """An item whose image is a file of this machine, which is read now, and again if it has to be sent."""
    cid, size = _measured(path, profile)
    return Item(labeled(cid, label, **more), lambda: file_blocks(lambda: path.open("rb"), profile, cid), size)


def _measured(path: Path, profile: str) -> tuple[CID, int]:
    try:
        with path.open("rb") as stream:
            added = importer.add_file(_Nowhere(), stream, profile, digest=False)
    except OSError as error:
        raise not_read(path, error) from error
    return added.cid, added.size


class _Nowhere:
    def put_own(self, cid: CID, data: bytes) -> None:
        """Only the CID is wanted."""


class _List:
    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def put_own(self, cid: CID, data: bytes) -> None:
        self.blocks.append((cid, data))


def file_blocks(opened: Callable[[], IO[bytes]], profile: str, cid: CID) -> Iterator[Block]:
    """A file's blocks. ``InvalidInput`` (``changed``) where it is no longer what it was."""
    kept = _List()
    try:
        with opened() as stream:
            added = importer.add_file(kept, stream, profile, digest=False)
    except OSError as error:
        raise not_read("a file that was to be sent", error) from error
    if added.cid != cid:
        raise InvalidInput("the file changed while it was being sent", code="changed", hint="send it again.")
    return iter(kept.blocks)


@dataclass(frozen=True)
class _Begun:
    """A batch whose images are being sent; ``uploaded`` None: the journal knows it."""

    batch: list[Item]
    body: bytes
    key: str
    uploaded: Future[Uploaded] | None


def _cid(item: Item) -> CID:
    return CID.parse(str(item.row.cid))


class Sender:
    """Sends items to one server; ``send`` again with the same journal goes on where it was."""

    def __init__(self, connection: Connection, journal: Journal, progress: Progress = silent, total: int = 0) -> None:
        self._connection, self._journal, self._progress, self._total = connection, journal, progress, total
        self._failed: dict[CID, EmotionetError] = {}  # images whose bytes could not be read
        self.sent = Sent()

    def send(self, items: Iterable[Item]) -> Sent:
        """All of them. What the server or the network raises ends it; ``sent`` says how far it came."""
        waiting = deque[_Begun]()
        with Uploader(self._connection, self._tell_bytes) as uploader:
            for batch in batches(items):
                waiting.append(self._begin(uploader, batch))
                if len(waiting) > uploading.AHEAD:
                    self._finish(uploader, waiting.popleft())
            while waiting:
                self._finish(uploader, waiting.popleft())
        return self.sent

    def _begin(self, uploader: Uploader, batch: list[Item]) -> _Begun:
        """Have its images sent, unless the journal knows it to be done."""
        body = cid_table((item.row for item in batch), "", names=False)
        key = self._journal.key(body)
        uploaded = uploader.begin(batch) if self._journal.outcome(key) is None else None
        return _Begun(batch, body, key, uploaded)

    def _finish(self, uploader: Uploader, begun: _Begun) -> None:
        """Register its rows once its images are there; batches are registered in their order, one at a time."""
        known = self._journal.outcome(begun.key)
        if known is not None:
            outcome = msgspec.convert(known, _Outcome, strict=False)
        else:
            uploaded = begun.uploaded or uploader.begin(begun.batch)
            outcome = self._registered(uploader, begun, uploaded.result())
            self._journal.finish(begun.key, msgspec.to_builtins(outcome, str_keys=True))
        self._take(outcome, len(begun.batch))

    def _tell_bytes(self, sent: int) -> None:
        self._progress("MB sent", sent // 1_000_000, 0)

    def _take(self, outcome: _Outcome, rows: int) -> None:
        sent = self.sent
        sent.answers |= {sent.rows + place: one for place, one in outcome.answers.items()}
        for name, count in outcome.counts.items():
            setattr(sent, name, getattr(sent, name) + count)
        sent.rows += rows
        sent.images += outcome.images
        sent.bytes += outcome.bytes
        self._progress("rows sent", sent.rows, self._total)

    def _registered(self, uploader: Uploader, begun: _Begun, uploaded: Uploaded) -> _Outcome:
        batch = begun.batch
        self._failed |= uploaded.failed
        counts, answers = self._register(begun.body, len(batch), begun.key)
        lost = [place for place, one in answers.items() if one.code == "not_held" and batch[place].blocks is not None]
        lost = [place for place in lost if _cid(batch[place]) not in self._failed]
        if lost:  # held when it was asked, and no longer
            ready = {_cid(batch[place]): make for place in lost if (make := batch[place].blocks) is not None}
            uploaded.add(uploader.send(ready, ready.keys()))
            self._failed |= uploaded.failed
            again = cid_table((batch[place].row for place in lost), "", names=False)
            more, said = self._register(again, len(lost), self._journal.key(again))
            counts = {name: counts.get(name, 0) + more.get(name, 0) for name in {*counts, *more}}
            answers = {place: one for place, one in answers.items() if place not in lost}
            answers |= {lost[place]: one for place, one in said.items()}
        for place, one in answers.items():
            why = self._failed.get(_cid(batch[place]))
            if one.code == "not_held" and why is not None:
                answers[place] = msgspec.structs.replace(one, code=why.code, reason=with_hint(why))
        return _Outcome(counts, answers, uploaded.images, uploaded.bytes)

    def _register(self, body: bytes, rows: int, key: str) -> tuple[dict[str, int], dict[int, RowAnswer]]:
        counts, answers = self._connection.ask(
            "POST",
            "/api/v1/images",
            read_rows(rows),
            content=body,
            headers={"Content-Type": "text/csv", "Idempotency-Key": key},
        )
        told = {one.row - 2: one for one in answers if one.status not in _KEPT or one.note}  # line 1 names the columns
        return counts, told


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items in their order, by ``BATCH_ROWS`` and ``BATCH_BYTES``: the same items make the same batches."""
    batch, size = list[Item](), 0
    for item in items:
        batch.append(item)
        size += item.size
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
