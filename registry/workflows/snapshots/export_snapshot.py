"""A snapshot as a folder that other tools take: Croissant (mlcroissant) or YOLO (ultralytics).

Invariants: the folder appears whole or not at all; images are bit for bit those that the snapshot names, verified on
the way, called by their sha256 (what ultralytics would read otherwise than training does, or mlcroissant not at all,
becomes a PNG, and is listed); nobody's file name, and nothing of this machine, is in it; whatever training reads is in
it, with the same boxes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.catalog.queries import snapshots
from registry.core import records
from registry.core.boxes import boxes_within, full_frame
from registry.core.errors import Conflict, InvalidInput, NotFound
from registry.core.extras import need
from registry.core.ipld.cid import CID
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.exports import croissant
from registry.files import whole_tree
from registry.workflows.parts import Parts, Progress, silent
from registry.workflows.snapshots.pictures import SUFFIXES, Picture, pictures, with_boxes_that_count
from registry.workflows.store.read_content import plain_row, read_as

FORMATS = ("croissant", "yolo")
Split = Mapping[bytes, tuple[str, Sequence[Sequence[int]] | None]]  # by sha256: "train" or "val", and boxes


def export_snapshot(
    parts: Parts, cid: CID, form: str, out: Path, draw: CID | None = None, fold: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Write the folder ``out``, which must not exist. With ``draw``, YOLO's split is that of one of its folds.

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
    converted: dict[str, str] = {}
    found = pictures(parts, items, split, left_out, progress)
    with whole_tree(out) as folder:
        folder.mkdir()
        if form == "yolo":
            _yolo(snapshot, found, split, folder, converted)
        else:
            _croissant(parts, cid, snapshot, found, folder, converted)
    images = len(items) - len(left_out)
    done = {"snapshot": str(cid), "format": form, "path": str(out), "images": images}
    return {**done, "left_out": list(left_out), "reasons": left_out, "converted": converted}


def snapshot_rows(parts: Parts, cid: CID) -> Iterator[dict[str, Any]]:
    """A snapshot's items as plain values, by sha256, with the boxes that training takes."""
    snapshot = read_as(parts, records.Snapshot, cid)
    for row in tables.rows_as_dicts(snapshot.items, parts.store.get):
        yield plain_row(with_boxes_that_count(parts, row))


def _croissant(
    parts: Parts,
    cid: CID,
    snapshot: records.Snapshot,
    found: Iterable[Picture],
    folder: Path,
    converted: dict[str, str],
) -> None:
    """croissant.json, items.parquet and images/. One image that mlcroissant can't open would end all its reading."""
    need("tables", "Croissant")
    (folder / croissant.IMAGES).mkdir()
    rows, kinds = [], set()
    for one in found:
        name, row = f"{one.sha256}.{SUFFIXES[one.kind]}", one.row
        if not one.opens:
            converted[one.sha256] = one.kind
        (folder / croissant.IMAGES / name).write_bytes(one.data if one.opens else one.as_png())
        kinds.add(one.kind)
        rows.append(
            {
                "filename": name,
                "sha256": one.sha256,
                "cid": str(row["image"]),
                "label": row["label"],
                "class": None if row["label"] is None else snapshot.classes.index(row["label"]),
                "subject": row["subject"],
                "licence": row["licence"],
                "attributes": json.dumps(dict(row["attributes"]), ensure_ascii=False, sort_keys=True),
                "boxes": json.dumps([list(box) for box in one.boxes]),
            }
        )
    table = croissant.items_parquet(rows)
    (folder / croissant.ITEMS).write_bytes(table)
    with parts.catalog.read() as db:
        published = str(snapshots.get(db, cid)["issued_at"])
    licences = sorted({row["licence"] for row in rows if row["licence"]})
    document = croissant.croissant(
        str(cid),
        snapshot.classes,
        len(rows),
        kinds=sorted({f"image/{'jpeg' if kind == 'MPO' else kind.lower()}" for kind in kinds}),
        licences=licences,
        published=published,
        items_sha256=hashlib.sha256(table).hexdigest(),
    )
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / croissant.DOCUMENT).write_text(text, encoding="utf-8")


def _yolo(
    snapshot: records.Snapshot,
    found: Iterable[Picture],
    split: Split | None,
    folder: Path,
    converted: dict[str, str],
) -> None:
    """images/SPLIT, labels/SPLIT and data.yaml. A box is the supplied one, or the full frame; in a draw's fold what
    its preprocessing chose. A picture without an object has an empty file of labels: ultralytics' background."""
    names = ("train",) if split is None else ("train", "val")
    for kind in ("images", "labels"):
        for name in names:
            (folder / kind / name).mkdir(parents=True)
    for one in found:
        side, chosen = ("train", None) if split is None else split[one.row["sha256"]]
        if not one.alike:
            converted[one.sha256] = one.kind
        suffix, data = (SUFFIXES[one.kind], one.data) if one.alike else ("png", one.as_png())
        (folder / "images" / side / f"{one.sha256}.{suffix}").write_bytes(data)
        (folder / "labels" / side / f"{one.sha256}.txt").write_text(_lines(snapshot, one, chosen), encoding="ascii")
    # JSON is YAML, and no name can break out of it
    document = {"path": ".", "train": "images/train", "val": f"images/{names[-1]}", "names": list(snapshot.classes)}
    (folder / "data.yaml").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


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


def _lines(snapshot: records.Snapshot, one: Picture, chosen: Sequence[Sequence[int]] | None) -> str:
    """YOLO's class, centre and size as shares of the image, a line a box."""
    if one.row["label"] is None:
        return ""
    label, width, height = snapshot.classes.index(one.row["label"]), one.width * 100, one.height * 100
    lines = []
    boxes = one.boxes if chosen is None else boxes_within(chosen, one.width, one.height)
    for x, y, wide, high in boxes or [full_frame(one.width, one.height)]:
        numbers = ((2 * x + wide) / (2 * width), (2 * y + high) / (2 * height), wide / width, high / height)
        lines.append(f"{label} " + " ".join(f"{number:.6f}" for number in numbers) + "\n")
    return "".join(lines)
