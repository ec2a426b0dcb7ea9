"""Pictures for the tests of the pipeline: made here, so that every kind of bad one is at hand."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.method import YOLOv8
from registry.core.ports.method import Box, Item, Prepared, Progress
from registry.demo.planted_noise import bomb


def quiet(what: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Blobs and lines with a little grain: a picture that nothing speaks against, another one for each seed."""
    r = random.Random(seed)
    image = Image.new("RGB", size, tuple(60 + r.randrange(120) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, w, h = r.randrange(size[0]), r.randrange(size[1]), 8 + r.randrange(50), 8 + r.randrange(50)
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(r.randrange(256) for _ in range(3)))
    for _ in range(10):
        ends = [(r.randrange(size[0]), r.randrange(size[1])) for _ in range(2)]
        draw.line([*ends[0], *ends[1]], fill=tuple(r.randrange(256) for _ in range(3)), width=2)
    return grain(image, seed, 2)


def grain(image: Image.Image, seed: int, sigma: float) -> Image.Image:
    """Gaussian noise of that many grey levels."""
    values = np.asarray(image, np.float64)
    noisy = values + np.random.default_rng(seed).normal(0, sigma, values.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture's bytes."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def dimmed(image: Image.Image, factor: float, add: int) -> Image.Image:
    """Levels times ``factor`` plus ``add``."""
    return image.point(lambda level: int(level * factor) + add)


def bad_pictures() -> dict[str, tuple[bytes, str]]:
    """By name: the bytes, and the reason for which cleaning must drop them."""
    good = scene(1)
    return {
        "empty": (b"", "undecodable"),
        "text": (b"this is no picture", "undecodable"),
        "truncated": (encode(good, "JPEG")[:1500], "undecodable"),
        "truncated png": (encode(good)[:-2000], "undecodable"),
        "lying": (encode(good, "PNG").replace(b"IDAT", b"IDOT", 1), "undecodable"),
        "bomb": (bomb(), "too_large"),
        "large": (bomb(9000), "too_large"),
        "tiny": (encode(good.resize((28, 28))), "too_small"),
        "narrow": (encode(good.resize((400, 20))), "too_small"),
        "dark": (encode(dimmed(good, 0.05, 0)), "exposure"),
        "bright": (encode(dimmed(good, 0.05, 240)), "exposure"),
        "flat": (encode(Image.new("RGB", (90, 90), (120, 110, 100))), "exposure"),
        "blurred": (encode(good.filter(ImageFilter.GaussianBlur(20))), "blur"),
        "blurred large": (encode(scene(2, (640, 480)).filter(ImageFilter.GaussianBlur(80))), "blur"),
        "noisy": (encode(grain(good, 5, 50)), "noise"),
        "noisy grey": (encode(grain(good.convert("L"), 6, 40)), "noise"),
    }


def sha256(data: bytes) -> bytes:
    """What names an image."""
    return hashlib.sha256(data).digest()


def preprocess(
    items: Sequence[Item], read: Callable[[bytes], bytes], values: Mapping[str, Any], progress: Progress = quiet
) -> tuple[Prepared, ...]:
    """Both steps of it, as a run does them."""
    method = YOLOv8()
    return method.preprocess(items, list(method.measure(items, read, values, progress)), values)


class World:
    """Images as ``preprocess`` gets them: items, and bytes by sha256."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self.items: list[Item] = []

    def add(self, data: bytes, label: int | None = 0, subject: str | None = None, boxes: tuple[Box, ...] = ()) -> bytes:
        """Put one image in; its sha256."""
        name = sha256(data)
        self.data[name] = data
        self.items.append(Item(sha256=name, label=label, subject=subject, boxes=boxes))
        return name

    def prepare(self, recipe: str = "quick", **rules: Any) -> dict[bytes, Prepared]:
        """What the method makes of them, by sha256."""
        values = values_of(recipe, **rules)
        return {row.sha256: row for row in preprocess(self.items, self.read, values)}

    def read(self, name: bytes) -> bytes:
        """Bytes by sha256."""
        return self.data[name]


def values_of(recipe: str = "quick", training: Mapping[str, Any] | None = None, **rules: int) -> dict[str, Any]:
    """A recipe's values, some of preprocessing's or training's changed."""
    values = YOLOv8().recipe(recipe, {})[1]
    values["preprocess"].update(rules)
    values["training"].update(training or {})
    return values
