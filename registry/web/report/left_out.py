"""What the snapshot and the cleaning left out, and for which reasons; examples of the images that were dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.content.unixfs import reader
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.imaging.thumbnail import thumbnail
from registry.web.report.mistakes import data_uri
from registry.web.report.sections import kept_and_dropped
from registry.workflows.parts import Parts

EXAMPLES_A_REASON = 2
THUMB = 128  # pixels of its longer side


def counts(parts: Parts, view: ReleaseView, items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, int]]:
    """(step, what, reason, how many): the first two are keys of the catalogue's section ``data``."""
    excluded: dict[str, int] = {}
    for row in tables.rows_as_dicts(view.snapshot.excluded, parts.store.get):
        excluded[row["reason"]] = excluded.get(row["reason"], 0) + 1
    kept, dropped = kept_and_dropped(view, parts.store.get, items)
    return [
        ("snapshot", "images", "", view.snapshot.count),
        *(("snapshot", "left_out", reason, count) for reason, count in sorted(excluded.items())),
        ("cleaning", "kept", "", sum(stayed for stayed, _ in kept.values())),
        *(("cleaning", "dropped", reason, count) for reason, count in dropped.items()),
    ]


def examples(
    parts: Parts, view: ReleaseView, items: Sequence[Mapping[str, Any]], faces: bool
) -> list[tuple[str, str, str | None, str]]:
    """(reason, measured, picture as a data URI where ``faces``, sha256) of some dropped images, by reason."""
    where = {row["sha256"]: row["image"] for row in items}
    found: list[tuple[str, str, str | None, str]] = []
    seen: dict[str, int] = {}
    for row in tables.rows_as_dicts(view.preprocessing.output, parts.store.get):
        reason = row["reason"]
        if reason is None or seen.get(reason, 0) >= EXAMPLES_A_REASON:
            continue
        seen[reason] = seen.get(reason, 0) + 1
        measured = row["measured"] or ""
        uri = _picture(parts, where, row) if faces else None
        found.append((reason, measured if len(measured) < 40 else measured[:22] + "…", uri, row["sha256"].hex()))
    return sorted(found, key=lambda one: one[0])


def _picture(parts: Parts, where: Mapping[bytes, CID], row: Mapping[str, Any]) -> str | None:
    """A small JPEG as a data URI; None for what is withdrawn, not held, or can't be decoded."""
    try:
        return data_uri(thumbnail(reader.read_whole(parts.store, where[row["sha256"]]), THUMB))
    except (EmotionetError, KeyError):
        return None
