"""The mistakes of which a release's model was surest, and pictures of them with their boxes.

Invariants: the work is one pass over the predictions, ``MOST`` are held; a picture shows the upright image at ``SIDE``
pixels at most, without the original's metadata; what is withdrawn, not held or can't be decoded has none.
"""

from __future__ import annotations

import base64
import heapq
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from PIL import Image, ImageDraw

from registry.core.errors import EmotionetError
from registry.imaging.thumbnail import thumbnail

MOST = 10
SIDE = 260
LABELLED, PREDICTED = "#ffffff", "#d55e00"
Box = Sequence[int]


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """``image``: its sha256 in hex; ``confidence``: six places; ``uri``: a data URI, None without a picture."""

    image: str
    labelled: str
    predicted: str
    confidence: str
    fold: int
    boxes: tuple[Any, ...] = ()
    box: tuple[Any, ...] = ()
    uri: str | None = None


def surest_mistakes(
    rows: Iterable[Mapping[str, Any]], classes: Sequence[str], nothing: str, threshold: Sequence[int]
) -> list[Mistake]:
    """Of predictions' rows; ``threshold``: each fold's, in millionths. Of equally sure ones by sha256."""
    wrong = (row for row in rows if _call(row, threshold) not in (None, row["truth"]))
    worst = heapq.nsmallest(MOST, wrong, key=lambda row: (-row["detections"][0][1], row["sha256"], row["fold"]))
    return [
        Mistake(
            image=row["sha256"].hex(),
            labelled=nothing if row["truth"] is None else classes[row["truth"]],
            predicted=classes[row["detections"][0][0]],
            confidence=f"{row['detections'][0][1] / 1_000_000:.6f}",
            fold=row["fold"],
            boxes=tuple(row["boxes"]),
            box=tuple(row["detections"][0][2:6]),
        )
        for row in worst
    ]


def _call(row: Mapping[str, Any], threshold: Sequence[int]) -> int | None:
    """The class that the model gave an image; None where it saw nothing sure enough."""
    best = row["detections"][0] if row["detections"] else None
    return best[0] if best is not None and best[1] >= threshold[row["fold"]] else None


def framed(data: bytes, original: tuple[int, int], labelled: Iterable[Box], predicted: Box) -> Image.Image | None:
    """A small picture with the labelled boxes dashed and the predicted one solid; ``original``: width and height in
    pixels, to hundredths of which boxes refer."""
    small = thumbnail(data, SIDE)
    if small is None or not all(original):
        return None
    factor = small.width / (100 * original[0])
    draw = ImageDraw.Draw(small)
    for box in labelled:
        _dashed(draw, _place(box, factor))
    if len(predicted) == 4:
        draw.rectangle(_place(predicted, factor), outline=PREDICTED, width=3)
    return small


def data_uri(picture: Image.Image | None) -> str | None:
    """A JPEG as a data URI."""
    if picture is None:
        return None
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def picture_of(read: Any, original: tuple[int, int], one: Mistake) -> str | None:
    """``read``: gives the image's bytes, or an ``EmotionetError``."""
    try:
        return data_uri(framed(read(), original, one.boxes, one.box))
    except (EmotionetError, KeyError):
        return None


def _place(box: Box, factor: float) -> tuple[float, float, float, float]:
    x, y, wide, high = (float(value) * factor for value in box)
    return x, y, x + max(wide, 1), y + max(high, 1)


def _dashed(draw: ImageDraw.ImageDraw, place: tuple[float, float, float, float], step: int = 6) -> None:
    """White dashes on black, to be seen on any picture."""
    left, top, right, bottom = place
    draw.rectangle(place, outline="black", width=2)
    for start in range(int(left), int(right), 2 * step):
        end = min(start + step, right)
        draw.line((start, top, end, top), fill=LABELLED, width=2)
        draw.line((start, bottom, end, bottom), fill=LABELLED, width=2)
    for start in range(int(top), int(bottom), 2 * step):
        end = min(start + step, bottom)
        draw.line((left, start, left, end), fill=LABELLED, width=2)
        draw.line((right, start, right, end), fill=LABELLED, width=2)
