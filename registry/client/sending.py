"""Rows and their images to a server, in batches that may be interrupted anywhere.

Invariants: an image is sent before a row that names it, and only if the server lacks it. A batch of rows is
acknowledged as a whole, under an Idempotency-Key of its own (``journal``); what was acknowledged is not sent again. A
row that the server refuses, or whose file changed meanwhile, stops no other row. Memory holds one batch of rows and one
CAR of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from registry.client.answers import RowAnswer
from registry.client.blocks import Block, Blocks
from registry.client.connection import Connection
from registry.client.journal import Journal
from registry.client.row_answers import read_rows
from registry.content.labels import LabelRow, make_row
from registry.content.labels.tables.cid_table import cid_table
from registry.content.unixfs import importer
from registry.core.errors import EmotionetError, InvalidInput, not_read, with_hint
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent

BATCH_ROWS = 2000
BATCH_BYTES = 128 << 20  # of images: what is compared again after a kill
CAR_BYTES = 16 << 20
_KEPT = ("registered", "unchanged", "corrected")


@dataclass(frozen=True)
class Item:
    """A row that names its image by CID, and how to get at the image's blocks (None: the server must have it).

    ``row``: a ``LabelRow``, or any struct with its fields. ``size``: the image's bytes, as far as they are known.
    """

    row: Any
    blocks: Callable[[], Iterator[Block]] | None = None
    size: int = 0


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


class Sender:
    """Sends items to one server; ``send`` again with the same journal goes on where it was."""

    def __init__(self, connection: Connection, journal: Journal, progress: Progress = silent, total: int = 0) -> None:
        self._connection, self._journal, self._progress, self._total = connection, journal, progress, total
        self._blocks = Blocks(connection)
        self.sent = Sent()

    def send(self, items: Iterable[Item]) -> Sent:
        """All of them. What the server or the network raises ends it; ``sent`` says how far it came."""
        for batch in batches(items):
            body = cid_table((item.row for item in batch), "", names=False)
            key = self._journal.key(body)
            known = self._journal.outcome(key)
            if known is None:
                outcome = self._batch(batch, body, key)
                self._journal.finish(key, msgspec.to_builtins(outcome, str_keys=True))
            else:
                outcome = msgspec.convert(known, _Outcome, strict=False)
            self._take(outcome, len(batch))
        return self.sent

    def _take(self, outcome: _Outcome, rows: int) -> None:
        sent = self.sent
        sent.answers |= {sent.rows + place: one for place, one in outcome.answers.items()}
        for name, count in outcome.counts.items():
            setattr(sent, name, getattr(sent, name) + count)
        sent.rows += rows
        sent.images += outcome.images
        sent.bytes += outcome.bytes
        self._progress("rows sent", sent.rows, self._total)

    def _batch(self, batch: Sequence[Item], body: bytes, key: str) -> _Outcome:
        ready = {CID.parse(str(item.row.cid)): item for item in batch if item.blocks is not None}
        outcome = _Outcome({}, {})
        failed = self._upload(ready, self._blocks.missing(ready), outcome)
        counts, answers = self._register(body, len(batch), key)
        lost = [place for place, one in answers.items() if one.code == "not_held" and batch[place].blocks is not None]
        lost = [place for place in lost if CID.parse(str(batch[place].row.cid)) not in failed]
        if lost:  # held when it was asked, and no longer
            cids = {CID.parse(str(batch[place].row.cid)) for place in lost}
            failed |= self._upload(ready, cids, outcome)
            again = cid_table((batch[place].row for place in lost), "", names=False)
            more, said = self._register(again, len(lost), self._journal.key(again))
            counts = {name: counts.get(name, 0) + more.get(name, 0) for name in {*counts, *more}}
            answers = {place: one for place, one in answers.items() if place not in lost}
            answers |= {lost[place]: one for place, one in said.items()}
        for place, one in answers.items():
            why = failed.get(CID.parse(str(batch[place].row.cid)))
            if one.code == "not_held" and why is not None:
                answers[place] = msgspec.structs.replace(one, code=why.code, reason=with_hint(why))
        outcome.counts, outcome.answers = counts, answers
        return outcome

    def _upload(self, ready: dict[CID, Item], missing: Iterable[CID], outcome: _Outcome) -> dict[CID, EmotionetError]:
        """Send what is missing, in CARs; the images whose bytes could not be read, and why."""
        failed: dict[CID, EmotionetError] = {}
        roots, blocks, size = list[CID](), list[Block](), 0
        wanted = set(missing)
        for cid in (one for one in ready if one in wanted):
            make = ready[cid].blocks
            assert make is not None
            try:
                found = list(make())
            except EmotionetError as error:
                failed[cid] = error
                continue
            roots.append(cid)
            blocks += found
            size += sum(len(data) for _, data in found)
            if size >= CAR_BYTES:
                self._send(roots, blocks, outcome)
                roots, blocks, size = [], [], 0
        if roots:
            self._send(roots, blocks, outcome)
        return failed

    def _send(self, roots: list[CID], blocks: list[Block], outcome: _Outcome) -> None:
        outcome.bytes += self._blocks.send(roots, blocks)
        outcome.images += len(roots)
        self._progress("MB sent", (self.sent.bytes + outcome.bytes) // 1_000_000, 0)

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
