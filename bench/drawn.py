"""Drawn faces for the measurements, as many and as large as asked: real photographs can't ship with the project.

Invariant: the same numbers give the same bytes. Faces, boxes and grain are the demo's (registry/workflows/drawn_faces).
"""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from registry.demo.drawn_faces import EMOTIONS, HEADER, draw_face, drawn_person


def draw(folder: Path, persons: int, side: int, seed: int = 2023) -> int:
    """``folder``/images and labels.csv: four JPEGs a person, about ``side`` pixels a side; how many there are."""
    images = folder / "images"
    images.mkdir(parents=True)
    r = random.Random(seed)
    lines = [HEADER]
    for number in range(persons):
        person = drawn_person(number, r)
        for emotion in EMOTIONS:
            image, box = draw_face(person, emotion, r)
            scale = side / image.size[0]
            name = f"face_{len(lines):06d}.jpg"
            image.resize((side, side), Image.Resampling.BICUBIC).save(images / name, "JPEG", quality=92)
            where = " ".join(str(round(value * scale)) for value in box)
            lines.append(f"{name},{emotion},bench,{person.name},CC0-1.0,{where},drawing,{person.tone}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines) - 1
