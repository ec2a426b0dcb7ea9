"""Predictions to look at: each image with its boxes, labels and confidences drawn in.

Invariants: nothing is written over; only pictures that the method has just read are opened, upright and at most
SIDE pixels large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from registry.core.errors import InvalidInput, not_written
from registry.workflows.whole_file import whole_file

SIDE = 1600
COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#e08214", "#762a83", "#01665e", "#8c510a", "#4d4d4d")


def draw_all(documents: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write a PNG for each document of ``predict`` into ``folder``; the paths.

    All or none: ``InvalidInput`` if one is there, or an image can't be read any more, ``Unavailable`` where the
    system refuses to write.
    """
    labels = sorted({found["label"] for one in documents for found in one["detections"]})
    colour = {label: COLOURS[index % len(COLOURS)] for index, label in enumerate(labels)}
    names = _names([Path(one["image"]).stem for one in documents])
    paths = [folder / f"{name}.png" for name in names]
    there = [path for path in paths if path.exists()]
    if there:
        raise InvalidInput(f"{there[0]} is there already", hint="give another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error
    written: list[Path] = []
    try:
        for document, path in zip(documents, paths, strict=True):
            picture = _draw(document, colour)
            with whole_file(path) as stream:
                picture.save(stream, "PNG")
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return paths


def _names(stems: Sequence[str]) -> list[str]:
    """Different names, also for images of one name from different folders."""
    found: list[str] = []
    for stem in stems:
        name, count = stem, 1
        while name in found:
            count += 1
            name = f"{stem}-{count}"
        found.append(name)
    return found


def _draw(document: Mapping[str, Any], colour: Mapping[str, str]) -> Image.Image:
    try:
        with Image.open(document["image"]) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:  # it was read a moment ago
        raise InvalidInput(
            f"{document['image']} can't be read any more", hint="try again with an image that stays."
        ) from error
    shown = ImageOps.contain(image, (SIDE, SIDE)) if max(image.size) > SIDE else image
    factor = shown.width / image.width
    draw, size = ImageDraw.Draw(shown), max(12, shown.width // 40)
    font = ImageFont.load_default(size)
    for found in reversed(document["detections"]):  # the surest lies on top
        x, y, wide, high = (value * factor for value in found["box"])
        draw.rectangle((x, y, x + wide, y + high), outline=colour[found["label"]], width=max(2, size // 6))
        text = f"{found['label']} {float(found['confidence']):.2f}"
        left, top, right, bottom = draw.textbbox((x, max(0, y - size * 1.4)), text, font=font)
        draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=colour[found["label"]])
        draw.text((x, max(0, y - size * 1.4)), text, fill="white", font=font)
    return shown
