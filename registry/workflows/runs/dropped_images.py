"""Which images a run's cleaning dropped, and why: as rows, and as a sheet of thumbnails.

Invariants: reasons and measures are those of the records. File names come from the catalog and enter no record. A sheet
contains only thumbnails of the originals, and never overwrites a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from registry.catalog import private_data as private
from registry.catalog.queries.training_runs import runs
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.run_view import preprocessing_view
from registry.core.table import tables
from registry.files import whole_file
from registry.imaging.thumbnail import thumbnail
from registry.workflows.parts import Parts

TILE, LINE, GAP, COLUMNS = 144, 15, 10, 8  # pixels, pixels, pixels, tiles a row
A_REASON = 64  # tiles of one reason at most; how many more there are is said
_COPY = re.compile(r"of ([0-9a-f]{64})")
Read = Callable[[str], bytes | None]


def dropped_images(parts: Parts, run: str) -> list[dict[str, Any]]:
    """Lines of `emotionet runs dropped --json`: by reason, then by sha256. ``Conflict`` before cleaning is done."""
    with parts.catalog.read() as db:
        preprocessing = runs.row(db, run)["preprocessing"]
        if preprocessing is None:
            raise Conflict(
                f"run {run} has not cleaned its images yet", code="too_early", hint=f"see `emotionet runs show {run}`."
            )
        record = records.parse_as(records.Preprocessing, parts.store.get(CID.parse(preprocessing)))
        view, get = preprocessing_view(parts.store.get, record), parts.store.get
        rows = [row for row in tables.rows_as_dicts(record.output, get) if row["reason"] is not None]
        where = {row["sha256"]: row["image"] for row in tables.rows_as_dicts(view.snapshot.items, get)}
        found = [
            {
                "sha256": row["sha256"].hex(),
                "cid": str(where[row["sha256"]]),
                "reason": row["reason"],
                "measured": row["measured"],
                "width": row["width"] or None,
                "height": row["height"] or None,
                "names": private.file_names(db, row["sha256"]),
            }
            for row in rows
        ]
    return sorted(found, key=lambda one: (one["reason"], one["sha256"]))


def write_sheet(parts: Parts, run: str, rows: Sequence[dict[str, Any]], path: Path) -> None:
    """A PNG of all ``rows`` of ``dropped_images``; a copy stands beside what was kept instead of it."""
    if path.exists():
        raise InvalidInput(f"{path} is there already", hint="give another name.")
    with parts.catalog.read() as db:
        snapshot = records.parse_as(records.Snapshot, parts.store.get(CID.parse(runs.row(db, run)["snapshot"])))
    where = {row["sha256"].hex(): row["image"] for row in tables.rows_as_dicts(snapshot.items, parts.store.get)}

    def read(sha256: str) -> bytes | None:
        try:
            return reader.read_whole(parts.store, where[sha256])
        except (EmotionetError, KeyError):  # withdrawn since, or not held any more
            return None

    with whole_file(path) as stream:
        draw_sheet(rows, read).save(stream, "PNG")


def draw_sheet(rows: Sequence[dict[str, Any]], read: Read) -> Image.Image:
    """Tiles by reason, each with its measured value. ``NotFound`` where nothing was dropped."""
    if not rows:
        raise NotFound("this run's cleaning dropped no image, so there is no sheet to draw", hint="leave --sheet out.")
    reasons = sorted({row["reason"] for row in rows})
    chosen = {reason: [row for row in rows if row["reason"] == reason] for reason in reasons}
    lines = [-(-min(len(some), A_REASON) // COLUMNS) for some in chosen.values()]
    head, high = 2 * LINE + GAP, TILE + 2 * LINE + GAP
    sheet = Image.new("RGB", (COLUMNS * (TILE + GAP) + GAP, len(reasons) * head + sum(lines) * high + GAP), "white")
    pen, top = ImageDraw.Draw(sheet), GAP
    for reason, some in chosen.items():
        more = f", the first {A_REASON}" if len(some) > A_REASON else ""
        pen.text((GAP, top), f"{reason}: {len(some)}{more}", fill="black", font=ImageFont.load_default(18))
        top += head
        for number, row in enumerate(some[:A_REASON]):
            at = (GAP + number % COLUMNS * (TILE + GAP), top + number // COLUMNS * high)
            _tile(sheet, pen, row, at, read)
        top += -(-len(some[:A_REASON]) // COLUMNS) * high
    return sheet


def _tile(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: dict[str, Any], at: tuple[int, int], read: Read) -> None:
    """One image and what was measured; of a copy both, the dropped one on the left."""
    copy = _COPY.fullmatch(row["measured"] or "")
    shown, side = ([row["sha256"], copy[1]], TILE // 2 - 2) if copy else ([row["sha256"]], TILE)
    for number, sha256 in enumerate(shown):
        left, data = at[0] + number * (side + 4), read(sha256)
        small = thumbnail(data, side) if data is not None else None
        pen.rectangle((left, at[1], left + side - 1, at[1] + TILE - 1), fill="#e8e8e8")
        if small is None:
            pen.text((left + 4, at[1] + TILE // 2), "can't be shown", fill="#555555", font=ImageFont.load_default(12))
        else:
            sheet.paste(small, (left + (side - small.width) // 2, at[1] + (TILE - small.height) // 2))
    said = f"of {copy[1][:12]} (right)" if copy else row["measured"] or ""
    for line, text in enumerate((row["sha256"][:12], said)):
        place = (at[0], at[1] + TILE + 2 + line * LINE)
        pen.text(place, text[:24], fill="#222222", font=ImageFont.load_default(11))
