"""Rows of POST /images, read from JSON, NDJSON or CSV one by one.

Invariant: a malformed row is a rejected row, never a failed request; a body that is no list of rows at all fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

import msgspec

from registry.api.bulk.split import elements, lines
from registry.api.problems import HttpProblem
from registry.api.v1.wire import ImageRow
from registry.content.labels import LabelRow, Rejection, parse_box, rejected, row_from_values, stream_labels
from registry.content.labels.boxes import bounded
from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import MAPS, TEXTS
from registry.core.text.json_faults import NO_CHARACTER, half_pair, repeated_key

Given = LabelRow | Rejection
TYPES = ("application/json", "application/x-ndjson", "text/csv")
_TEXTS = ("cid", "label", "contributor", *TEXTS, "signature")
LONGEST_CID = 200  # of a name that is told again
_ROW = msgspec.json.Decoder(ImageRow)
_NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def check_type(content_type: str) -> str:
    """The body's type. ``HttpProblem`` 415 for one that is none of ``TYPES``."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise HttpProblem(415, f"send rows as one of {', '.join(TYPES)}")
    return kind


def read_rows(body: IO[bytes], kind: str) -> Iterator[Given]:
    """The rows of a body. ``InvalidInput`` for no list."""
    if kind == "text/csv":
        return stream_labels(body)
    split = elements(body) if kind == "application/json" else lines(body)
    return (_json_row(number, data) for number, data in split)


def _json_row(number: int, data: bytes) -> Given:
    """One row by the rules of labels.csv."""
    name = ""
    try:
        row = _ROW.decode(data)
        name = row.cid
        if (key := repeated_key(data)) is not None:
            return Rejection(number, _name({"cid": name}), "bad_row", f"the row states {key} twice: state it once")
        given = {one: value for one in _TEXTS if (value := getattr(row, one)) is not None}
        boxes = bounded(parse_box(" ".join(map(str, box))) for box in row.boxes) if row.boxes else ()
        return row_from_values(number, given, {one: getattr(row, one) for one in MAPS}, boxes)
    except _NO_JSON as error:
        parsed = _read_loosely(data)
        reason = f"the row does not match the schema: {_reason(data, error)}"
        return Rejection(number, _name(parsed), "bad_row", reason)
    except InvalidInput as error:
        return rejected(number, name, error)


def _read_loosely(data: bytes) -> Any:
    """What JSON that is no row says; None where it is none, too."""
    with suppress(ValueError, RecursionError):
        return json.loads(data)
    return None


def _name(parsed: Any) -> str:
    """The CID that a row states which is wrong in something else; "" where none can be read."""
    cid = parsed.get("cid") if isinstance(parsed, dict) else None
    return cid if isinstance(cid, str) and cid.isascii() and len(cid) <= LONGEST_CID else ""


def _reason(data: bytes, error: Exception) -> str:
    """What is wrong; half of a surrogate pair is told by msgspec as if the row were cut off."""
    if (at := half_pair(data)) is None:
        return str(error)
    return f"{at or 'it'} holds {NO_CHARACTER}"
