"""What a snapshot's images say of their use, and what was made of it, counted from its two tables.

Invariants: every item counts once; ``honoured`` are the images that were left out because they say no, ``overridden``
those that say no and are items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.core import records
from registry.core.ipld.dag import Get
from registry.core.snapshots.use import NO, NO_CONSENT, NOT_READ, RESERVED, SILENT, YES, standing
from registry.core.table import tables

COUNTED = {NO: "overridden", YES: "allowed", NOT_READ: "not_read", SILENT: "silent"}  # by what an item's signals say


@dataclass(frozen=True)
class ImageRights:
    """``use``: what was demanded, None where nobody asked; the rest are images."""

    use: records.Use | None
    honoured: int
    overridden: int
    allowed: int
    not_read: int
    silent: int

    @property
    def override(self) -> str | None:
        """Why images that say no are in."""
        return self.use.override if self.use is not None else None

    def counts(self) -> list[tuple[str, int]]:
        """By name, in order; what is 0 and no answer of its own is left out."""
        always = ("honoured", "overridden", "silent")
        found = [(name, getattr(self, name)) for name in ("honoured", *COUNTED.values())]
        return [(name, count) for name, count in found if count or name in always]


def image_rights(snapshot: records.Snapshot, get: Get) -> ImageRights:
    """Errors as ``tables.rows_as_dicts``."""
    items = tables.rows_as_dicts(snapshot.items, get)
    found = Counter(COUNTED[standing(row["rights"])] for row in items)
    left_out = sum(map(_said_no, tables.rows_as_dicts(snapshot.excluded, get)))
    return ImageRights(use=snapshot.use, honoured=left_out, **{name: found[name] for name in COUNTED.values()})


def _said_no(excluded: Mapping[str, Any]) -> bool:
    """Whether an image was left out because something says no; a consent that was demanded and not stated is no no."""
    reason, detail = excluded["reason"], excluded["detail"]
    return bool(reason == RESERVED or (reason == NO_CONSENT and detail))
