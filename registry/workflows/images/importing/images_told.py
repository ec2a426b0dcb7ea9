"""What an import tells of images: how many they are, and what is to be known of new ones before training.

Invariants: an image is counted once, and told of once, by the first row that names it. Nothing is kept of an image of
which there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from registry.content.labels.labeled_folder import FolderRow
from registry.core.snapshots.use import says_no
from registry.imaging.inspect_image import Picture
from registry.workflows.images.registering.register_step import Statement


class Images:
    """Counts different images, those that say no to training or data mining, and which of ``told`` are new."""

    def __init__(self, told: Container[bytes], several: bool = False) -> None:
        self.number = self.reserved = 0
        self.fresh: set[bytes] = set()
        self._told = told
        self._seen: dict[bytes, bool] | None = {} if several else None  # of several roots, which may share images
        self._last, self._reserves = b"", False

    def count(self, statement: Statement) -> None:
        """One that was decided; of one root they come by rising image."""
        sha256 = statement.rows[0].sha256
        if statement.made is not None and sha256 in self._told:
            self.fresh.add(sha256)
        if sha256 != self._last:
            known = self._seen.get(sha256) if self._seen is not None else None
            self.number += known is None
            self._last, self._reserves = sha256, bool(known)
        if not self._reserves and any(row.reserves for row in statement.rows):
            self.reserved += 1
            self._reserves = True
        if self._seen is not None:
            self._seen[sha256] = self._reserves


def has_remarks(picture: Picture) -> bool:
    """Whether there is something to say of it."""
    return bool(picture.trouble) or picture.has_location or says_no(picture.rights)


def remarks(rows: Iterable[FolderRow]) -> dict[str, Any]:
    """What is to be said of these pictures, by the names that their rows give them."""
    told = list(rows)
    return {
        "undecodable": [{"name": one.row.name, "reason": one.picture.trouble} for one in told if one.picture.trouble],
        "with_location": [one.row.name for one in told if one.picture.has_location],
        "reserved": [one.row.name for one in told if says_no(one.picture.rights)],
    }
