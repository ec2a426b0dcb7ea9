"""Rows of POST /images: read from JSON, NDJSON or CSV one by one, registered, answered one by one.

Invariants: a malformed row is a rejected row, never a failed request; a row's bytes are read from the
store and hashed before it is registered, so nothing is registered on somebody's word; the answers
come in the order of the rows, and belong to the transaction that registers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from registry.api.gateway.public import PublicStore
from registry.api.problems import HttpProblem
from registry.api.v1 import row_bodies
from registry.api.v1.sent_images import check_begins, not_held, readable
from registry.api.v1.wire import MAX_IMAGE_BYTES, ImageRow
from registry.content.labels import LabelRow, Rejection, parse_box, parse_labels, rejected, row_from_values
from registry.content.labels.boxes import bounded
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound, with_hint
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import MAPS, TEXTS
from registry.core.ports.store import BlockReader
from registry.imaging.inspect_image import Picture, inspect_image, rights_of
from registry.workflows.images.labeled_rows import NewRow, fit_boxes, new_row
from registry.workflows.images.register_images import register
from registry.workflows.images.register_step import Statement
from registry.workflows.images.speaker import Speaker
from registry.workflows.log.append import LogTransaction
from registry.workflows.parts import Parts

Given = LabelRow | Rejection
_TEXTS = ("cid", "label", "contributor", *TEXTS, "signature")
_ROW = msgspec.json.Decoder(ImageRow)
_NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
TYPES = ("application/json", "application/x-ndjson", "text/csv")


@dataclass
class Answer:
    """What became of one row; ``status`` is registered, unchanged, corrected or rejected."""

    row: int
    cid: str | None
    sha256: str | None = None
    status: str = "rejected"
    code: str | None = None
    reason: str | None = None
    note: str | None = None  # what was changed on the way in: a box cut to its picture


def parse(body: bytes, content_type: str) -> list[Given]:
    """The rows of a request. ``HttpProblem`` 415 for another type, 413 for too many; ``InvalidInput`` for no list."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        row_bodies.check_csv(body)
        rows, bad = parse_labels(body)
        return sorted([*rows, *bad], key=lambda one: one.row)
    if kind == "application/x-ndjson":
        return [_json_row(number, line) for number, line in row_bodies.lines(body)]
    if kind == "application/json":
        return [_json_row(number, element) for number, element in row_bodies.elements(body)]
    raise HttpProblem(415, f"send rows as one of {', '.join(TYPES)}")


def _json_row(number: int, data: bytes) -> Given:
    """One row by the rules of labels.csv."""
    name = ""
    try:
        row = _ROW.decode(data)
        name = row.cid
        given = {one: value for one in _TEXTS if (value := getattr(row, one)) is not None}
        boxes = bounded(parse_box(" ".join(map(str, box))) for box in row.boxes)
        return row_from_values(number, given, {one: getattr(row, one) for one in MAPS}, boxes)
    except _NO_JSON as error:
        return Rejection(number, name, "bad_row", f"the row does not match the schema: {error}")
    except InvalidInput as error:
        return rejected(number, name, error)


def _measured(store: BlockReader, cid: CID, *, keep: bool) -> reader.Measured:
    """What an image's row states of it. ``NotFound`` ``not_held`` if any block is not held."""
    try:
        if reader.file_size(store, cid) > MAX_IMAGE_BYTES:
            raise InvalidInput(f"{cid} is larger than 64 MiB", code="too_large", hint="give a smaller image.")
        return reader.measure(store, cid, keep=keep)
    except NotFound as error:
        raise not_held(cid) from error


def _new_row(parts: Parts, contributor: str, row: LabelRow, public_store: PublicStore) -> tuple[NewRow, Picture | None]:
    """The row with its image, and that image's size where the row has boxes in it."""
    if row.cid is None:
        raise InvalidInput("a row needs the cid of its image; only `emotionet import` takes files", code="cid_missing")
    cid = CID.parse(row.cid)
    store = readable(parts, cid, public_store)
    check_begins(store, cid, private=public_store.hides(cid))
    found = _measured(store, cid, keep=True)
    picture = inspect_image(found.data) if row.boxes else None
    read = rights_of(found.data) if picture is None else picture.rights
    return new_row(row, found.sha256, found.size, cid, contributor, read), picture


@dataclass
class Measured:
    """Rows whose images were read, and the answers so far: rejections are final."""

    rows: list[NewRow]
    answers: dict[int, Answer]


def measure_rows(
    parts: Parts, issuer: str, given: Iterable[Given], public_store: PublicStore, speaker: Speaker
) -> Measured:
    """Read every row's image through ``public_store``. This takes long and needs no lock.

    ``speaker``: in whose name rows may be; a row without a contributor is his own.
    """
    answers: dict[int, Answer] = {}
    new: list[tuple[NewRow, Picture | None]] = []
    for one in given:
        if isinstance(one, Rejection):
            answers[one.row] = Answer(one.row, one.name or None, code=one.code, reason=one.reason)
            continue
        answer = answers[one.row] = Answer(one.row, one.cid)
        try:
            contributor = speaker.of(issuer, one.contributor, signed=one.signature is not None)
            found = _new_row(parts, contributor, one, public_store)
        except (InvalidInput, NotFound) as error:
            answer.code, answer.reason = error.code, with_hint(error)
            continue
        answer.sha256 = found[0].sha256.hex()
        new.append(found)
    fitted = fit_boxes(new)
    for bad in fitted.rejected:
        answers[bad.row].code, answers[bad.row].reason = bad.code, bad.reason
    for row, note in fitted.cut:
        answers[row.row].note = note
    return Measured(list(fitted.rows), answers)


def register_rows(log: LogTransaction, measured: Measured) -> list[Answer]:
    """Register what can be, in the transaction that was begun; one answer a row, in their order."""
    answers = measured.answers

    def report(statement: Statement) -> None:
        error = statement.error
        for row, status in statement.outcomes():
            answer = answers[row.row]
            answer.status = status
            if error is not None:
                answer.code, answer.reason = error.code, with_hint(error)

    register(log.parts, log.signer, measured.rows, log=log, report=report)
    return [answers[number] for number in sorted(answers)]
