"""The demo's drawn faces, once a session, and what the method makes of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.content.labels import parse_labels
from registry.core.ports.method import Item
from registry.demo.drawn_faces import draw_faces

CLASSES = ("triste", "sorprendido", "feliz", "enojado")


@dataclass(frozen=True)
class Faces:
    """Items by sha256, their bytes, and the names they had."""

    items: tuple[Item, ...]
    data: dict[bytes, bytes]
    names: dict[bytes, str]


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    folder = tmp_path_factory.mktemp("faces")
    draw_faces(folder)
    return read_faces(folder)


def read_faces(folder: Path) -> Faces:
    """Every row of a labels.csv whose file is there and whose label is a class."""
    rows, _ = parse_labels((folder / "labels.csv").read_bytes())
    labels: dict[str, set[str]] = {}  # two of one picture contradict each other: an import refuses both
    for row in rows:
        labels.setdefault(row.name, set()).add(row.label)
    items: dict[bytes, Item] = {}
    data: dict[bytes, bytes] = {}
    names: dict[bytes, str] = {}
    for row in rows:
        path = folder / "images" / (row.file or "")
        if not path.is_file() or row.label not in CLASSES or len(labels[row.name]) > 1:
            continue
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).digest()
        data[sha256] = content
        names.setdefault(sha256, path.name)
        items.setdefault(
            sha256, Item(sha256=sha256, label=CLASSES.index(row.label), subject=row.subject, boxes=row.boxes)
        )
    return Faces(tuple(items.values()), data, names)
