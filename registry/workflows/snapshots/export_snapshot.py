"""A snapshot as a folder that other tools take (``exports/formats.py``), or as rows.

Invariants: the folder appears whole or not at all; images are bit for bit those that the snapshot names, verified on
the way, called by their sha256 (what a tool would read otherwise than training does, or not at all, becomes a PNG, and
is listed); nobody's file name, and nothing of this machine, is in it; whatever training reads is in it, with the same
boxes, but for images that anybody withdrew: their bytes are given to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from registry.catalog.queries import exported
from registry.catalog.queries.signed_records import snapshots
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.exports.dataset import Dataset, Split, pictures, with_boxes_that_count
from registry.exports.formats import write_folder
from registry.exports.json_text import json_text
from registry.files import whole_tree
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import plain_row, read_as

LEFT_OUT = "left-out.json"  # in the folder, where something is: sha256 to why


def export_snapshot(
    parts: Parts, cid: CID, form: str, out: Path, draw: CID | None = None, fold: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Write the folder ``out``, which must not exist. With ``draw`` it is split as one of its folds.

    Returns {snapshot, format, path, images, left_out: [sha256], reasons: {sha256: why it was left out}, converted:
    {sha256: from which format}}.
    ``NotFound`` names an image that is not held here, ``InvalidInput`` (``bad_draw``) a draw of another snapshot.
    """
    snapshot = read_as(parts, records.Snapshot, cid)
    if out.exists():
        raise Conflict(f"{out} exists already", code="exists", hint="name a folder that does not.")
    items = list(tables.rows_as_dicts(snapshot.items, parts.store.get))
    split = None if draw is None else _split(parts, cid, draw, fold)
    left_out: dict[str, str] = {}
    with parts.catalog.read() as db:
        withdrawn = withdrawn_images(db)
    found = pictures(parts.store, items, split, withdrawn, left_out, progress)
    dataset = Dataset(cid, snapshot.classes, found, split, lambda: _published(parts, cid))
    with whole_tree(out) as folder:
        folder.mkdir()
        write_folder(form, dataset, folder)
        if left_out:
            (folder / LEFT_OUT).write_text(json_text(left_out, 1) + "\n", encoding="utf-8")
    with suppress(Unavailable), parts.catalog.write(serial=False) as db:  # a home may be there to be read alone
        exported.note(db, str(cid), form, parts.now())
    images = len(items) - len(left_out)
    done = {"snapshot": str(cid), "format": form, "path": str(out), "images": images}
    return {**done, "left_out": list(left_out), "reasons": left_out, "converted": dataset.converted}


def snapshot_rows(parts: Parts, cid: CID) -> Iterator[dict[str, Any]]:
    """A snapshot's items as plain values, by sha256, with the boxes that training takes."""
    snapshot = read_as(parts, records.Snapshot, cid)
    for row in tables.rows_as_dicts(snapshot.items, parts.store.get):
        yield plain_row(with_boxes_that_count(parts.store, row))


def _published(parts: Parts, snapshot: CID) -> str:
    with parts.catalog.read() as db:
        return str(snapshots.get(db, snapshot)["issued_at"])


def _split(parts: Parts, snapshot: CID, draw: CID, fold: int) -> Split:
    """By image that is judged in a draw's fold or trains for it: which of both, and its preprocessing's boxes."""
    read_as(parts, records.Draw, draw)  # says what it is where it is no draw
    view = draw_view(parts.store.get, draw)
    if view.preprocessing.snapshot != snapshot:
        raise InvalidInput(
            f"draw {draw} is of the snapshot {view.preprocessing.snapshot}",
            code="bad_draw",
            hint="export that snapshot, or name a draw of this one.",
        )
    drawn = list(tables.rows_as_dicts(view.draw.folds, parts.store.get))
    repeat = next((row["repeat"] for row in drawn if row["fold"] == fold), None)
    if repeat is None:
        raise NotFound(f"draw {draw} has no fold {fold}")
    prepared = tables.rows_as_dicts(view.preprocessing.output, parts.store.get)
    boxes = {row["sha256"]: row["boxes"] for row in prepared if row["reason"] is None}
    return {
        row["sha256"]: ("val" if row["fold"] == fold else "train", boxes.get(row["sha256"]))
        for row in drawn
        if row["repeat"] == repeat
    }
