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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from registry.catalog import snapshots
from registry.content import reader
from registry.core import records, tables
from registry.core.cid import CID
from registry.core.errors import Conflict, EmotionetError, NotFound, Unavailable
from registry.provenance.exports import croissant
from registry.workflows.parts import Parts, Progress, silent

FORMATS = ("croissant", "yolo")
SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
MEDIA_TYPES = {suffix: f"image/{kind.lower()}" for kind, suffix in SUFFIXES.items()}
MAX_PIXELS = 100_000_000
Row = Mapping[str, Any]


def export_snapshot(
    parts: Parts, cid: CID, form: str, out: Path, draw: CID | None = None, fold: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Write the folder ``out``, which must not exist. With ``draw``, YOLO's split is that of one of its folds.

    Returns {snapshot, format, path, images, left_out: [sha256 that is no picture]}. ``NotFound`` names an image that
    is not held here.
    """
    snapshot = records.parse_as(records.Snapshot, parts.store.get(cid))
    if out.exists():
        raise Conflict(f"{out} exists already: name a folder that does not", code="exists")
    items = list(tables.rows_as_dicts(snapshot.items, parts.store.get))
    temporary = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        if form == "yolo":
            left_out = _yolo(parts, snapshot, items, temporary, draw, fold, progress)
        else:
            left_out = _croissant(parts, cid, snapshot, items, temporary, progress)
        temporary.replace(out)
    except OSError as error:
        raise Unavailable(f"{out} can't be written: {error.strerror}", code="disk_full") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    images = len(items) - len(left_out)
    return {"snapshot": str(cid), "format": form, "path": str(out), "images": images, "left_out": left_out}


def _bytes(parts: Parts, row: Row) -> bytes:
    try:
        return reader.read_whole(parts.store, row["image"])
    except EmotionetError as error:
        raise NotFound(
            f"image {row['sha256'].hex()} ({row['image']}) is not held here: `emotionet fetch {row['image']}` first"
        ) from error


def look(data: bytes) -> tuple[str, tuple[int, int]] | None:
    """Suffix by what the bytes are, and width and height of the upright image; None for no picture."""
    with contextlib.suppress(Exception), warnings.catch_warnings():  # Pillow raises all kinds of errors on broken files
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return None
            kind = SUFFIXES[str(opened.format)]
            opened.load()
            return kind, ImageOps.exif_transpose(opened).size
    return None


def _croissant(
    parts: Parts, cid: CID, snapshot: records.Snapshot, items: Sequence[Row], folder: Path, progress: Progress
) -> list[str]:
    (folder / croissant.IMAGES).mkdir()
    rows, left_out = [], []
    for done, item in enumerate(items, 1):
        data, sha256 = _bytes(parts, item), item["sha256"].hex()
        found = look(data)
        if found is None:
            left_out.append(sha256)
            continue
        name = f"{sha256}.{found[0]}"
        (folder / croissant.IMAGES / name).write_bytes(data)
        rows.append(
            {
                "filename": name,
                "sha256": sha256,
                "cid": str(item["image"]),
                "label": item["label"],
                "class": snapshot.classes.index(item["label"]),
                "subject": item["subject"] or "",
                "licence": item["licence"] or "",
                "attributes": json.dumps(dict(item["attributes"]), ensure_ascii=False, sort_keys=True),
                "boxes": json.dumps([list(box) for box in item["boxes"]]),
            }
        )
        progress("export", done, len(items))
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
    return left_out


def _yolo(
    parts: Parts,
    snapshot: records.Snapshot,
    items: Sequence[Row],
    folder: Path,
    draw: CID | None,
    fold: int,
    progress: Progress,
) -> list[str]:
    """images/SPLIT, labels/SPLIT and data.yaml. A box is the supplied one, or the full frame; in a draw's fold what
    its preprocessing chose, of the images that it kept."""
    split, boxes = _split(parts, draw, fold)
    names = ("train", "val") if draw else ("train",)
    for kind in ("images", "labels"):
        for name in names:
            (folder / kind / name).mkdir(parents=True)
    left_out = []
    for done, item in enumerate(items, 1):
        data, sha256 = _bytes(parts, item), item["sha256"].hex()
        found = look(data)
        if found is None or (draw and item["sha256"] not in split):
            left_out.append(sha256)
            continue
        suffix, (width, height) = found
        place = split.get(item["sha256"], "train")
        (folder / "images" / place / f"{sha256}.{suffix}").write_bytes(data)
        chosen = boxes.get(item["sha256"]) or item["boxes"] or [[0, 0, width * 100, height * 100]]
        label = snapshot.classes.index(item["label"])
        lines = [_line(label, box, width * 100, height * 100) for box in chosen]
        (folder / "labels" / place / f"{sha256}.txt").write_text("".join(lines), encoding="ascii")
        progress("export", done, len(items))
    # JSON is YAML, and no name can break out of it
    document = {"path": ".", "train": "images/train", "val": f"images/{names[-1]}", "names": list(snapshot.classes)}
    (folder / "data.yaml").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return left_out


def _split(parts: Parts, draw: CID | None, fold: int) -> tuple[dict[bytes, str], dict[bytes, Any]]:
    """By image: which side of a draw's fold, and the boxes that its preprocessing chose."""
    if draw is None:
        return {}, {}
    record = records.parse_as(records.Draw, parts.store.get(draw))
    plan = records.parse_as(records.Plan, parts.store.get(record.plan))
    preprocessing = records.parse_as(records.Preprocessing, parts.store.get(plan.preprocessing))
    drawn = list(tables.rows_as_dicts(record.folds, parts.store.get))
    repeat = next((row["repeat"] for row in drawn if row["fold"] == fold), None)
    if repeat is None:
        raise NotFound(f"draw {draw} has no fold {fold}")
    mine = {row["sha256"]: "val" if row["fold"] == fold else "train" for row in drawn if row["repeat"] == repeat}
    prepared = tables.rows_as_dicts(preprocessing.output, parts.store.get)
    return mine, {row["sha256"]: row["boxes"] for row in prepared if row["reason"] is None}


def _line(label: int, box: Sequence[int], width: int, height: int) -> str:
    """YOLO's class, centre and size as shares of the image, clipped to it; nothing of a box outside."""
    x, y = max(0, box[0]), max(0, box[1])
    wide, high = min(width, box[0] + box[2]) - x, min(height, box[1] + box[3]) - y
    if wide <= 0 or high <= 0:
        return ""
    numbers = ((2 * x + wide) / (2 * width), (2 * y + high) / (2 * height), wide / width, high / height)
    return f"{label} " + " ".join(f"{number:.6f}" for number in numbers) + "\n"
