"""One upload: files that came one by one, until they are imported or forgotten."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Upload:
    """One upload; ``done``: what importing it gave, once it was imported."""

    id: str
    token: str
    begun: str
    folder: Path
    done: dict[str, Any] | None = None

    @property
    def files(self) -> Path:
        """Where its files lie under their names."""
        return self.folder / "files"

    @property
    def bytes(self) -> Path:
        """Where its files lie by their sha256."""
        return self.folder / "bytes"

    def source(self) -> Path:
        """What is imported: a CAR that is alone; else the folder, without folders that hold nothing but one more."""
        path, inside = self.files, list(self.files.iterdir())
        while len(inside) == 1 and inside[0].is_dir():
            path, inside = inside[0], list(inside[0].iterdir())
        alone = len(inside) == 1 and inside[0].suffix.lower() == ".car"
        return inside[0] if alone else path

    def measure(self) -> tuple[int, int]:
        """How many files it has under their names, and how many different bytes they take together."""
        count = sum(len(names) for _, _, names in os.walk(self.files))
        return count, sum(entry.stat().st_size for entry in os.scandir(self.bytes))

    def stamp(self) -> str:
        """Changes whenever a file comes."""
        names = sorted(str(Path(place) / name) for place, _, found in os.walk(self.files) for name in found)
        told = [f"{name} {Path(name).stat().st_ino}" for name in names]
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()[:16]
