"""Predictions as pictures: each image with its boxes, labels and confidences drawn in.

Invariants: no file is overwritten. Only images that the method has just read are opened, upright and at most SIDE
pixels large. No label covers another as long as there is room for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from registry.core.errors import EmotionetError, InvalidInput, not_written
from registry.files import whole_file
from registry.imaging.decode import MAX_PIXELS, Undecodable, decode
from registry.workflows.releases.predict import read_image

SIDE = 1600
PAD = 2  # pixels around a label's text
COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#e08214", "#762a83", "#01665e", "#8c510a", "#4d4d4d")


class Place(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Place) -> bool:
        """Whether both cover something."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def draw_all(documents: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write a PNG into ``folder`` for each document of ``predict`` that has no error; the paths.

    All or none: ``InvalidInput`` if one is there, or an image can't be read any more, ``Unavailable`` where the
    system refuses to write.
    """
    documents = [one for one in documents if one["error"] is None]
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
        image = decode(read_image(Path(document["image"])), MAX_PIXELS)
    except (EmotionetError, Undecodable) as error:  # it was read a moment ago
        raise InvalidInput(
            f"{document['image']} can no longer be read", hint="try again with an image that does not change meanwhile."
        ) from error
    shown = ImageOps.contain(image, (SIDE, SIDE)) if max(image.size) > SIDE else image
    factor = shown.width / image.width
    draw, size = ImageDraw.Draw(shown), max(12, shown.width // 40)
    font = ImageFont.load_default(size)
    boxes = [tuple(value * factor for value in found["box"]) for found in document["detections"]]
    texts = [f"{found['label']} {float(found['confidence']):.2f}" for found in document["detections"]]
    colours = [colour[found["label"]] for found in document["detections"]]
    sizes = [draw.textbbox((0, 0), text, font=font)[2:] for text in texts]
    places = place_labels(boxes, [(wide + 2 * PAD, high + 2 * PAD) for wide, high in sizes], shown.size)
    for (x, y, wide, high), ink in zip(reversed(boxes), reversed(colours), strict=True):  # the surest lies on top
        draw.rectangle((x, y, x + wide, y + high), outline=ink, width=max(2, size // 6))
    for text, place, ink in reversed(list(zip(texts, places, colours, strict=True))):
        draw.rectangle(place, fill=ink)
        draw.text((place[0] + PAD, place[1] + PAD), text, fill="white", font=font)
    return shown


def place_labels(
    boxes: Sequence[tuple[float, ...]], sizes: Sequence[tuple[float, float]], picture: tuple[int, int]
) -> list[Place]:
    """Where each box's label goes (left, top, right, bottom), the first box's first: above it, in it, below it, or the
    nearest row of the picture that is free; where all are taken, above it."""
    placed: list[Place] = []
    for (x, y, _, high), (wide, tall) in zip(boxes, sizes, strict=True):
        left = max(0.0, min(x, picture[0] - wide))
        top = max(0.0, y - tall)
        last = max(0.0, picture[1] - tall)
        rows = sorted((tall * row for row in range(int(last // tall) + 1)), key=lambda row: abs(row - y))
        tried = [Place(left, at, left + wide, at + tall) for at in (top, y, y + high, *rows) if 0 <= at <= last]
        free = (one for one in tried if not any(one.meets(other) for other in placed))
        placed.append(next(free, Place(left, top, left + wide, top + tall)))
    return placed
