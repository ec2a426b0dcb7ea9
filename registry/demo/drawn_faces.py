"""The demo's own data: drawn faces, since real photographs can't ship with the project.

Forty persons (skin, hair, head, place, size, background and tilt vary), four emotions each, told by mouth,
brows and eyes; and beside them planted noise of every kind that cleaning and registering know. Every row
says ``attr.source = drawing``. The same seed and the same Pillow give the same bytes.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry.demo.planted_noise import BAD_ROWS, bad_pictures, camera_noise, copies, jpeg, png

if TYPE_CHECKING:
    from PIL.Image import Image

EMOTIONS = ("triste", "sorprendido", "feliz", "enojado")
PERSONS = 40
SCALE = 3  # drawn larger and averaged down, so that lines are smooth
TONES = {
    "light": ((246, 217, 190), (235, 196, 165)),
    "medium": ((214, 165, 120), (190, 138, 96)),
    "dark": ((140, 92, 62), (100, 64, 44)),
}
HAIR = ((40, 30, 24), (92, 58, 32), (176, 132, 70), (120, 120, 124), (150, 60, 36))
HEADER = "file,label,contributor,subject,licence,box,attr.source,attr.tone"


@dataclass(frozen=True)
class Person:
    """What stays the same from picture to picture."""

    name: str
    tone: str
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    ground: tuple[int, int, int]
    head: tuple[float, float]  # half width and half height, shares of the picture
    eyes: float  # distance from the middle, share of the head
    brows: int
    tilt: float


def drawn_person(number: int, r: random.Random) -> Person:
    tone = list(TONES)[number % 3]
    return Person(
        name=f"Drawn person {number:02d}",
        tone=tone,
        skin=TONES[tone][int(r.random() * 2)],
        hair=HAIR[int(r.random() * len(HAIR))],
        ground=(60 + int(r.random() * 160), 60 + int(r.random() * 160), 60 + int(r.random() * 160)),
        head=(0.26 + r.random() * 0.06, 0.33 + r.random() * 0.06),
        eyes=0.38 + r.random() * 0.1,
        brows=3 + int(r.random() * 3),
        tilt=(r.random() - 0.5) * 16,
    )


def _features(
    draw: object, person: Person, emotion: str, centre: tuple[float, float], unit: tuple[float, float]
) -> None:
    """Eyes, brows and mouth; ``unit`` is the head's half width and half height in pixels."""
    from PIL.ImageDraw import ImageDraw

    assert isinstance(draw, ImageDraw)
    (x, y), (w, h) = centre, unit
    ink, white = (30, 20, 18), (250, 250, 248)
    line = max(2, round(w * 0.07))
    wide = {"sorprendido": 0.2, "enojado": 0.09, "feliz": 0.12, "triste": 0.12}[emotion]
    raised = {"sorprendido": 0.5, "enojado": 0.24, "feliz": 0.34, "triste": 0.34}[emotion]
    slant = {"sorprendido": 0.0, "enojado": -0.13, "feliz": 0.0, "triste": 0.13}[emotion]
    for side in (-1, 1):
        ex, ey = x + side * w * person.eyes, y - h * 0.12
        draw.ellipse(
            (ex - w * 0.17, ey - h * wide, ex + w * 0.17, ey + h * wide), fill=white, outline=ink, width=line // 2
        )
        draw.ellipse((ex - w * 0.07, ey - h * 0.07, ex + w * 0.07, ey + h * 0.07), fill=ink)
        inner, outer = ex - side * w * 0.22, ex + side * w * 0.22
        top = y - h * raised
        draw.line((inner, top - h * slant, outer, top + h * slant), fill=person.hair, width=line + person.brows)
    mouth = (x - w * 0.4, y + h * 0.28, x + w * 0.4, y + h * 0.68)
    if emotion == "feliz":
        draw.chord(
            (mouth[0], mouth[1] - h * 0.2, mouth[2], mouth[3]), 10, 170, fill=(150, 40, 44), outline=ink, width=line
        )
    elif emotion == "triste":
        draw.arc((mouth[0], mouth[1] + h * 0.14, mouth[2], mouth[3] + h * 0.2), 200, 340, fill=ink, width=line + 2)
    elif emotion == "sorprendido":
        draw.ellipse((x - w * 0.2, y + h * 0.3, x + w * 0.2, y + h * 0.72), fill=(110, 30, 36), outline=ink, width=line)
    else:
        draw.line((x - w * 0.36, y + h * 0.52, x + w * 0.36, y + h * 0.52), fill=ink, width=line + 4)


def draw_face(person: Person, emotion: str, r: random.Random) -> tuple[Image, tuple[int, int, int, int]]:
    """A picture, and the box around the head as x, y, w, h in pixels."""
    from PIL import Image, ImageDraw

    size = 176 + int(r.random() * 64)
    big = size * SCALE
    image = Image.new("RGB", (big, big), person.ground)
    draw = ImageDraw.Draw(image)
    for _ in range(24):  # something behind the head
        bx, by, br = r.random() * big, r.random() * big, (0.02 + r.random() * 0.12) * big
        shade = tuple(max(0, min(255, level + int((r.random() - 0.5) * 60))) for level in person.ground)
        draw.ellipse((bx - br, by - br, bx + br, by + br), fill=shade)
    zoom = 0.85 + r.random() * 0.25
    w, h = person.head[0] * big * zoom, person.head[1] * big * zoom
    x, y = big * (0.5 + (r.random() - 0.5) * 0.16), big * (0.54 + (r.random() - 0.5) * 0.12)
    draw.ellipse((x - w * 1.12, y - h * 1.16, x + w * 1.12, y + h * 0.5), fill=person.hair)
    draw.ellipse((x - w, y - h, x + w, y + h), fill=person.skin, outline=(60, 40, 32), width=SCALE)
    _features(draw, person, emotion, (x, y), (w, h))
    angle = person.tilt + (r.random() - 0.5) * 8
    turned = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=person.ground)
    box = _turned_box((x, y), (w * 1.12, h * 1.16), angle, big)
    small = camera_noise(turned.resize((size, size), Image.Resampling.BOX), r)
    return small, (box[0] // SCALE, box[1] // SCALE, box[2] // SCALE, box[3] // SCALE)


def _turned_box(
    centre: tuple[float, float], half: tuple[float, float], angle: float, size: int
) -> tuple[int, int, int, int]:
    """The box around an ellipse after turning the picture about its middle."""
    a = math.radians(angle)
    dx, dy = centre[0] - size / 2, centre[1] - size / 2
    x = size / 2 + dx * math.cos(a) + dy * math.sin(a)
    y = size / 2 - dx * math.sin(a) + dy * math.cos(a)
    w = math.hypot(half[0] * math.cos(a), half[1] * math.sin(a))
    h = math.hypot(half[0] * math.sin(a), half[1] * math.cos(a))
    left, top = max(0, int(x - w)), max(0, int(y - h))
    return left, top, min(size, int(x + w)) - left, min(size, int(y + h)) - top


def draw_faces(folder: Path, seed: int = 2023) -> None:
    """Draw everything below ``folder`` (images/ and labels.csv)."""
    r = random.Random(seed)  # noqa: S311  pictures, not secrets
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    persons = [drawn_person(number, r) for number in range(PERSONS)]
    lines = [HEADER]

    def row(name: str, label: str, person: Person | None, box: tuple[int, int, int, int] | None) -> str:
        said = " ".join(map(str, box)) if box else ""
        who, tone = (person.name, person.tone) if person else ("", "")
        return f"{name},{label},drawer-{1 + len(lines) % 2},{who},CC0-1.0,{said},drawing,{tone}"

    number = 0
    first: Image | None = None
    for person in persons:
        for emotion in EMOTIONS:
            image, box = draw_face(person, emotion, r)
            first = first or image
            name = f"face_{number:04d}." + ("jpg" if number % 4 == 3 else "png")
            (images / name).write_bytes(jpeg(image) if name.endswith("jpg") else png(image))
            lines.append(row(name, emotion, person, box))
            number += 1
    extra = Person("Drawn person 40", "medium", *_looks(persons[1]))
    turned, box = draw_face(extra, "feliz", r)
    (images / "turned_by_exif.jpg").write_bytes(jpeg(turned.rotate(90, expand=True), orientation=6))
    lines.append(row("turned_by_exif.jpg", "feliz", extra, box))
    assert first is not None
    for name, data in copies(images, first, "face_0000.png").items():
        (images / name).write_bytes(data)
        lines.append(row(name, EMOTIONS[0], persons[0], None).replace("drawer-1", "drawer-2"))
    for name, (data, label) in bad_pictures(lambda n, emotion: draw_face(persons[n], emotion, r)[0], r).items():
        (images / name).write_bytes(data)
        lines.append(row(name, label, None, None))
    lines.append(row("face_0001.png", "asombrado", persons[0], None))
    (images / "unknown_label.png").write_bytes(png(draw_face(persons[9], "feliz", r)[0]))
    lines.append(row("unknown_label.png", "asombrado", persons[9], None))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n" + BAD_ROWS, encoding="utf-8")


def _looks(
    person: Person,
) -> tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int], tuple[float, float], float, int, float]:
    return person.skin, person.hair, person.ground, person.head, person.eyes, person.brows, person.tilt
