"""The images of rows: found by their CIDs, their bytes read where nobody here has read them before.

Invariants: nothing is registered on somebody's word: a row's image is one whose bytes were read from the store and
hashed, now or when it was first registered. No lock is held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from registry.api.bulk.answers import Answers
from registry.api.bulk.rows import Given
from registry.api.gateway.public import PublicStore
from registry.api.v1.sent_images import check_begins, check_head, not_held, readable
from registry.api.v1.wire import MAX_IMAGE_BYTES
from registry.catalog.index.staged import Staged
from registry.catalog.queries.labeled_images.images import stored_by_cid
from registry.catalog.queries.signed_records.withdrawals import images_of, withdrawn_among
from registry.catalog.queries.signed_records.withdrawn_rows import images_without_rows, touching
from registry.content.labels import LabelRow, Rejection
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, RAW, SHA2_256
from registry.core.picture_header import header_trouble
from registry.core.ports.store import BlockReader, read_ahead
from registry.imaging.inspect_image import Picture, inspect_image, rights_of
from registry.workflows.images.registering.labeled_rows import TAKEN_BACK, WITHDRAWN, NewRow, fit_boxes, new_row
from registry.workflows.images.registering.row_groups import stage
from registry.workflows.images.registering.speaker import Speaker
from registry.workflows.parts import Parts
from registry.workflows.references.refer import CODECS

_TOGETHER = 1000  # rows whose CIDs are looked up by a few statements
_Known = Mapping[str, tuple[bytes, int, dict[str, str]]]


@dataclass(frozen=True)
class Sender:
    """Who sends rows, and what of the store he may register; ``waiting`` takes rows whose images can be fetched (None:
    none can)."""

    parts: Parts
    issuer: str
    speaker: Speaker
    store: PublicStore
    waiting: Staged | None = None


def measured(sender: Sender, given: Iterable[Given], answers: Answers) -> Iterator[NewRow]:
    """The rows with their images; what can't be registered goes to ``answers``."""
    rows = iter(given)
    while batch := list(islice(rows, _TOGETHER)):
        for one in batch:
            if isinstance(one, Rejection):
                answers.malformed(one)
        waiting: list[NewRow] = []
        made = list(_measured(sender, [one for one in batch if isinstance(one, LabelRow)], answers, waiting))
        with sender.parts.catalog.read() as db:
            gone = withdrawn_among(db, {row.sha256.hex(): str(row.cid) for row in (*made, *waiting)})
            said = {(row.sha256.hex(), row.contributor) for row in (*made, *waiting)}
            back = touching(db, sender.issuer, said)
        if sender.waiting is not None:
            stage(sender.waiting, (_noted(row, gone, back) for row in waiting))
        yield from (_noted(row, gone, back) for row in made) if gone or back else made


def _noted(row: NewRow, gone: Collection[str], back: Collection[tuple[str, str]]) -> NewRow:
    sha256 = row.sha256.hex()
    note = WITHDRAWN if sha256 in gone else TAKEN_BACK if (sha256, row.contributor) in back else None
    if note is None:
        return row
    return _with_note(row, note)


def _with_note(row: NewRow, note: str) -> NewRow:
    return replace(row, note=f"{row.note}; {note}" if row.note else note)


def _measured(sender: Sender, rows: Sequence[LabelRow], answers: Answers, waiting: list[NewRow]) -> Iterator[NewRow]:
    with sender.parts.catalog.read() as db:
        known = stored_by_cid(db, {row.cid for row in rows if row.cid is not None}, sender.issuer)
    read_ahead(sender.parts.store, [CID.parse(row.cid) for row in rows if row.cid is not None and row.cid not in known])
    taken_back: set[str] | None = None  # asked for once a batch, where something is not here
    for row in rows:
        try:
            made, picture = _new_row(sender, row, known)
        except (InvalidInput, NotFound) as error:
            late = _waits(sender, row) if error.code == "not_held" else None
            if late is None:
                if error.code == "not_held" and taken_back is None:
                    taken_back = _taken_back(sender, rows)
                gone = row.cid is not None and row.cid in (taken_back or ())
                answers.refused(row.row, row.cid, _withdrawn(str(row.cid)) if gone else error)
            else:
                waiting.append(late)
            continue
        if picture is None:
            yield made
            continue
        fitted = fit_boxes([(made, picture)])
        for bad in fitted.rejected:
            answers.unfit(bad, made)
        notes = [note for _, note in fitted.cut]
        yield from (_with_note(one, notes[0]) if notes else one for one in fitted.rows)


def _taken_back(sender: Sender, rows: Sequence[LabelRow]) -> set[str]:
    """The CIDs of these rows whose images somebody took back: their bytes are gone for good."""
    cids = [row.cid for row in rows if row.cid is not None]
    with sender.parts.catalog.read() as db:
        known = images_of(db, cids)
        named = {known.get(cid) or CID.parse(cid).digest.hex(): cid for cid in cids}
        gone = withdrawn_among(db, named) | (images_without_rows(db) & set(named))
    return {named[sha256] for sha256 in gone}


def _withdrawn(cid: str) -> InvalidInput:
    hint = "leave it out: its bytes must not be sent again."
    return InvalidInput(f"the image {cid} was withdrawn, and its bytes are gone", code="withdrawn", hint=hint)


def _waits(sender: Sender, row: LabelRow) -> NewRow | None:
    """A row that may wait: its image is not here, or must look so. Its CID's digest stands for the image until it
    came. None where none can."""
    cid = CID.parse(row.cid or "")
    if sender.waiting is None or cid.codec not in CODECS:
        return None
    contributor = sender.speaker.of(sender.issuer, row.contributor, signed=row.signature is not None)
    return new_row(row, cid.digest, 0, cid, contributor)


def _new_row(sender: Sender, row: LabelRow, known: _Known) -> tuple[NewRow, Picture | None]:
    """The row with its image, and that image's size where the row has boxes in it."""
    if row.cid is None:
        raise InvalidInput("a row needs the cid of its image; only `emotionet import` takes files", code="cid_missing")
    contributor = sender.speaker.of(sender.issuer, row.contributor, signed=row.signature is not None)
    cid = CID.parse(row.cid)
    hidden = sender.store.hides(cid)
    if row.cid in known and not hidden and not row.boxes:
        sha256, size, read = known[row.cid]
        return new_row(row, sha256, size, cid, contributor, read), None
    store = readable(sender.parts, cid, sender.store)
    found = _read_raw(store, cid, hidden) if _is_raw(cid) else _read(store, cid, hidden)
    picture = inspect_image(found.data) if row.boxes else None
    read = rights_of(found.data) if picture is None else dict(picture.rights)
    trouble = header_trouble(found.data) if picture is None else picture.trouble
    made = new_row(row, found.sha256, found.size, cid, contributor, read)
    return replace(made, note=f"training can't decode the image: {trouble}" if trouble else None), picture


def _is_raw(cid: CID) -> bool:
    return cid.codec == RAW and cid.hash_code == SHA2_256


def _read_raw(store: BlockReader, cid: CID, hidden: bool) -> reader.Measured:
    """One block: the store hashes it as it reads it, and that is the image's sha256."""
    try:
        data = store.get(cid)
    except NotFound as error:
        raise not_held(cid) from error
    check_head(cid, data, hidden)
    return reader.Measured(cid.digest, len(data), data)


def _read(store: BlockReader, cid: CID, hidden: bool) -> reader.Measured:
    """``NotFound`` ``not_held`` if any block is not held."""
    check_begins(store, cid, private=hidden)
    try:
        if reader.file_size(store, cid) > MAX_IMAGE_BYTES:
            raise InvalidInput(f"{cid} is larger than 64 MiB", code="too_large", hint="give a smaller image.")
        return reader.measure(store, cid, keep=True)
    except NotFound as error:
        raise not_held(cid) from error
