"""A snapshot as a folder that other tools take: Croissant (mlcroissant) or YOLO (ultralytics).

Invariants: the folder appears whole or not at all; images are bit for bit those that the snapshot names, verified on
the way, called by their sha256; nobody's file name, and nothing of this machine, is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from registry.catalog import snapshots
from registry.content import reader
from registry.core import records, tables
from registry.core.cid import CID
from registry.core.errors import Conflict, InvalidInput, NotFound, not_written
from registry.provenance.exports import croissant
from registry.workflows.parts import Parts, Progress, silent
from registry.workflows.read_content import read_as

FORMATS = ("croissant", "yolo")
SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
MEDIA_TYPES = {suffix: f"image/{kind.lower()}" for kind, suffix in SUFFIXES.items()}
MAX_PIXELS = 100_000_000
Row = Mapping[str, Any]
Split = Mapping[bytes, tuple[str, Sequence[Sequence[int]] | None]]  # by sha256: "train" or "val", and boxes


class Picture(NamedTuple):
    """An image of a snapshot that could be decoded: its row, its bytes, and what they are, upright."""

    row: Row
    sha256: str
    data: bytes
    suffix: str
    width: int
    height: int


def export_snapshot(
    parts: Parts, cid: CID, form: str, out: Path, draw: CID | None = None, fold: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Write the folder ``out``, which must not exist. With ``draw``, YOLO's split is that of one of its folds.

    Returns {snapshot, format, path, images, left_out: [sha256 that is no picture, or not in the draw's fold]}.
    ``NotFound`` names an image that is not held here, ``InvalidInput`` (``bad_draw``) a draw of another snapshot.
    """
    snapshot = read_as(parts, records.Snapshot, cid)
    if out.exists():
        raise Conflict(f"{out} exists already: name a folder that does not", code="exists")
    items = list(tables.rows_as_dicts(snapshot.items, parts.store.get))
    split = None if draw is None else _split(parts, cid, draw, fold)
    left_out: list[str] = []
    pictures = _pictures(parts, items, split, left_out, progress)
    temporary = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        if form == "yolo":
            _yolo(snapshot, pictures, split, temporary)
        else:
            _croissant(parts, cid, snapshot, pictures, temporary)
        temporary.replace(out)
    except OSError as error:
        raise not_written(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    images = len(items) - len(left_out)
    return {"snapshot": str(cid), "format": form, "path": str(out), "images": images, "left_out": left_out}


def _pictures(
    parts: Parts, items: Sequence[Row], among: Container[bytes] | None, left_out: list[str], progress: Progress
) -> Iterator[Picture]:
    """Every picture of the items (of those ``among``), in order; the others' sha256 are added to ``left_out``."""
    for done, row in enumerate(items, 1):
        found = None
        if among is None or row["sha256"] in among:
            data = _bytes(parts, row)
            found = look(data)
        if found is None:
            left_out.append(row["sha256"].hex())
        else:
            yield Picture(row, row["sha256"].hex(), data, *found)
        progress("export", done, len(items))


def _bytes(parts: Parts, row: Row) -> bytes:
    try:
        return reader.read_whole(parts.store, row["image"])
    except NotFound as error:
        if error.code == "damaged":
            raise
        raise NotFound(
            f"image {row['sha256'].hex()} ({row['image']}) is not held here: `emotionet fetch {row['image']}` first"
        ) from error


def look(data: bytes) -> tuple[str, int, int] | None:
    """Suffix by what the bytes are, and width and height of the upright image; None for no picture."""
    with contextlib.suppress(Exception), warnings.catch_warnings():  # Pillow raises all kinds of errors on broken files
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return None
            kind = SUFFIXES[str(opened.format)]
            opened.load()
            return kind, *ImageOps.exif_transpose(opened).size
    return None


def _croissant(parts: Parts, cid: CID, snapshot: records.Snapshot, pictures: Iterable[Picture], folder: Path) -> None:
    """croissant.json, items.csv and images/."""
    (folder / croissant.IMAGES).mkdir()
    rows = []
    for one in pictures:
        name, row = f"{one.sha256}.{one.suffix}", one.row
        (folder / croissant.IMAGES / name).write_bytes(one.data)
        rows.append(
            {
                "filename": name,
                "sha256": one.sha256,
                "cid": str(row["image"]),
                "label": row["label"],
                "class": None if row["label"] is None else snapshot.classes.index(row["label"]),
                "subject": row["subject"] or "",
                "licence": row["licence"] or "",
                "attributes": json.dumps(dict(row["attributes"]), ensure_ascii=False, sort_keys=True),
                "boxes": json.dumps([list(box) for box in row["boxes"]]),
            }
        )
    table = croissant.items_csv(rows)
    (folder / croissant.ITEMS).write_bytes(table)
    with parts.catalog.read() as db:
        published = str(snapshots.get(db, cid)["issued_at"])
    licences = sorted({row["licence"] for row in rows if row["licence"]})
    sha256 = hashlib.sha256(table).hexdigest()
    suffixes = {row["filename"].rpartition(".")[2] for row in rows}
    document = croissant.croissant(
        str(cid),
        snapshot.classes,
        len(rows),
        kinds=sorted(MEDIA_TYPES[suffix] for suffix in suffixes),
        licences=licences,
        published=published,
        items_sha256=sha256,
    )
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / croissant.DOCUMENT).write_text(text, encoding="utf-8")


def _yolo(snapshot: records.Snapshot, pictures: Iterable[Picture], split: Split | None, folder: Path) -> None:
    """images/SPLIT, labels/SPLIT and data.yaml. A box is the supplied one, or the full frame; in a draw's fold what
    its preprocessing chose."""
    names = ("train",) if split is None else ("train", "val")
    for kind in ("images", "labels"):
        for name in names:
            (folder / kind / name).mkdir(parents=True)
    for one in pictures:
        side, boxes = ("train", one.row["boxes"]) if split is None else split[one.row["sha256"]]
        (folder / "images" / side / f"{one.sha256}.{one.suffix}").write_bytes(one.data)
        width, height = one.width * 100, one.height * 100
        lines = []  # of a picture without an object: ultralytics takes it as background
        if one.row["label"] is not None:
            label = snapshot.classes.index(one.row["label"])
            lines = [_line(label, box, width, height) for box in boxes or one.row["boxes"] or [[0, 0, width, height]]]
        (folder / "labels" / side / f"{one.sha256}.txt").write_text("".join(lines), encoding="ascii")
    # JSON is YAML, and no name can break out of it
    document = {"path": ".", "train": "images/train", "val": f"images/{names[-1]}", "names": list(snapshot.classes)}
    (folder / "data.yaml").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def _split(parts: Parts, snapshot: CID, draw: CID, fold: int) -> Split:
    """By image that is judged in a draw's fold or trains for it: which of both, and its preprocessing's boxes."""
    record = read_as(parts, records.Draw, draw)
    plan = records.parse_as(records.Plan, parts.store.get(record.plan))
    preprocessing = records.parse_as(records.Preprocessing, parts.store.get(plan.preprocessing))
    if preprocessing.snapshot != snapshot:
        raise InvalidInput(f"draw {draw} is of the snapshot {preprocessing.snapshot}: export that", code="bad_draw")
    drawn = list(tables.rows_as_dicts(record.folds, parts.store.get))
    repeat = next((row["repeat"] for row in drawn if row["fold"] == fold), None)
    if repeat is None:
        raise NotFound(f"draw {draw} has no fold {fold}")
    prepared = tables.rows_as_dicts(preprocessing.output, parts.store.get)
    boxes = {row["sha256"]: row["boxes"] for row in prepared if row["reason"] is None}
    return {
        row["sha256"]: ("val" if row["fold"] == fold else "train", boxes.get(row["sha256"]))
        for row in drawn
        if row["repeat"] == repeat
    }


def _line(label: int, box: Sequence[int], width: int, height: int) -> str:
    """YOLO's class, centre and size as shares of the image, clipped to it; nothing of a box outside."""
    x, y = max(0, box[0]), max(0, box[1])
    wide, high = min(width, box[0] + box[2]) - x, min(height, box[1] + box[3]) - y
    if wide <= 0 or high <= 0:
        return ""
    numbers = ((2 * x + wide) / (2 * width), (2 * y + high) / (2 * height), wide / width, high / height)
    return f"{label} " + " ".join(f"{number:.6f}" for number in numbers) + "\n"
