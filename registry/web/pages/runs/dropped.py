"""Images that a cleaning dropped: why, what was measured, and beside a copy what was kept instead of it.

Invariants: reasons and measures are those of the preprocessing's record, each row checked; file names, which are
nobody's business, are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.run_view import preprocessing_view
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.table import tables
from registry.web.pages.windows import Window, window
from registry.workflows.parts import Parts
from registry.workflows.snapshots.near_duplicates import COPIES, COPY


class _Prepared(msgspec.Struct, forbid_unknown_fields=True):
    sha256: bytes
    width: int
    height: int
    pixels: bytes | None
    boxes: list[tuple[int, int, int, int]]
    box_source: str
    group: bytes
    reason: str | None
    measured: str | None


@dataclass(frozen=True)
class Dropped:
    """``kept``: the sha256 in hex of the image that this one is a copy of; None where it is none."""

    sha256: str
    reason: str
    measured: str | None
    size: tuple[int, int] | None
    label: str | None
    kept: str | None


def dropped(
    parts: Parts, preprocessing: CID, behind: bytes | None, reasons: tuple[str, ...] = ()
) -> tuple[list[Dropped], str | None]:
    """A page of what a preprocessing dropped, by rising sha256, for one of these reasons or for any; and what the next
    page begins behind, or None.

    ``Untrusted`` (``preprocessing_malformed``) for a table that is no preprocessing's.
    """
    get = parts.store.get
    view = preprocessing_view(get, records.parse_as(records.Preprocessing, get(preprocessing)))
    found: Window = window(
        checked_rows(view.preprocessing, get, behind),
        lambda row: row["reason"] is not None and (not reasons or row["reason"] in reasons),
    )
    return [of_row(view.snapshot, row, get) for row in found.rows], found.next


def checked_rows(record: records.Preprocessing, get: Get, behind: bytes | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a PREPARED table behind a sha256, each checked."""
    table = tables.read(record.output, get)
    if table.shape != records.PREPARED:
        raise _malformed(f"the table {record.output} has other columns than its kind")
    key = None if behind is None else (behind,)
    return (_checked(row) for row in tables.after(record.output, key, get))


def _checked(row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(records.PREPARED.columns, row, strict=True))
    try:
        msgspec.convert(values, _Prepared, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise _malformed(str(error)) from error
    if len(values["sha256"]) != 32:
        raise _malformed("a sha256 has 32 bytes")
    return values


def _malformed(reason: str) -> Untrusted:
    return Untrusted(f"this preprocessing is not what it states: {reason}", code="preprocessing_malformed")


def of_row(snapshot: records.Snapshot, row: Mapping[str, Any], get: Get) -> Dropped:
    """A row of a cleaning as a page shows it."""
    item = tables.find(snapshot.items, (row["sha256"],), get)
    copy = COPY.fullmatch(row["measured"] or "") if row["reason"] in COPIES else None
    return Dropped(
        sha256=row["sha256"].hex(),
        reason=row["reason"],
        measured=None if copy else row["measured"],
        size=(row["width"], row["height"]) if row["width"] and row["height"] else None,
        label=None if item is None else snapshot_tables.item(snapshot, item)["label"],
        kept=copy[1] if copy else None,
    )
