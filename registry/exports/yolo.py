"""A snapshot as YOLO's folder, for ultralytics: images/SPLIT, labels/SPLIT and data.yaml.

Invariants: a box is the supplied one, or the full frame; in a draw's fold what its preprocessing chose; a picture
without an object has an empty file of labels (ultralytics' background); what ultralytics would read otherwise than
training does becomes a PNG.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from registry.core.labeling.boxes import boxes_within, full_frame
from registry.exports.dataset import SUFFIXES, Dataset, Picture


def write(dataset: Dataset, folder: Path) -> None:
    """Write it into ``folder``, which is there and empty."""
    names = ("train",) if dataset.split is None else ("train", "val")
    for kind in ("images", "labels"):
        for name in names:
            (folder / kind / name).mkdir(parents=True)
    for one in dataset.pictures:
        side, chosen = ("train", None) if dataset.split is None else dataset.split[one.row["sha256"]]
        if not one.alike:
            dataset.converted[one.sha256] = one.kind
        suffix, data = (SUFFIXES[one.kind], one.data) if one.alike else ("png", one.as_png())
        label = _lines(dataset.class_of(one.row["label"]), one, chosen)
        (folder / "images" / side / f"{one.sha256}.{suffix}").write_bytes(data)
        (folder / "labels" / side / f"{one.sha256}.txt").write_text(label, encoding="ascii")
    # JSON is YAML, and no name can break out of it
    document = {"path": ".", "train": "images/train", "val": f"images/{names[-1]}", "names": list(dataset.classes)}
    (folder / "data.yaml").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def _lines(label: int | None, one: Picture, chosen: Sequence[Sequence[int]] | None) -> str:
    """YOLO's class, centre and size as shares of the image, a line a box."""
    if label is None:
        return ""
    width, height = one.width * 100, one.height * 100
    lines = []
    boxes = one.boxes if chosen is None else boxes_within(chosen, one.width, one.height)
    for x, y, wide, high in boxes or [full_frame(one.width, one.height)]:
        numbers = ((2 * x + wide) / (2 * width), (2 * y + high) / (2 * height), wide / width, high / height)
        lines.append(f"{label} " + " ".join(f"{number:.6f}" for number in numbers) + "\n")
    return "".join(lines)
