"""Near-duplicates of one image, wherever they were found: by the cleaning of a training, or by a search on demand.

Invariants: a cleaning's table is walked once, and what a search found is kept once: neither changes. Both are kept
below ``Settings.cache``, which may be deleted at any time. A table of more than ``AT_ONCE`` images is not walked for a
page: of it only the image's own row is read.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from registry.catalog.queries.labeled_images import image_uses
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.files import whole_file
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

COPIES = ("duplicate", "near_duplicate")
COPY = re.compile(r"of ([0-9a-f]{64})")  # what such a row measured
MOST = 10  # cleanings, and snapshots, that are asked; the newest
SHOWN = 24  # images
AT_ONCE = 20_000
VERSION = 1  # of what is kept
Pairs = list[tuple[str, str, str]]  # sha256s in hex of a dropped image and of the one that was kept; why


class Near(NamedTuple):
    """``other``: a near-duplicate of the image, ``reason`` why one of both was dropped, ``snapshot`` and ``by`` where
    that was found: in a preprocessing, or (None) by a search on demand."""

    other: str
    reason: str
    snapshot: str
    by: str | None


class Found(NamedTuple):
    """``searched``: whether some cleaning or search was looked through to its end."""

    near: list[Near]
    searched: bool


def near_duplicates(parts: Parts, sha256: str) -> Found:
    """Of one image, each once, at most ``SHOWN``; what can't be read here is left out."""
    with parts.catalog.read() as db:
        cleanings = image_uses.preprocessings_of(db, sha256, MOST)
        snapshots = image_uses.snapshots_of(db, sha256, MOST)
    found: dict[str, Near] = {}
    searched = False
    for one in cleanings:
        pairs, whole = _of_cleaning(parts, one["preprocessing"], sha256)
        searched |= whole
        for other, reason in _beside(pairs, sha256):
            found.setdefault(other, Near(other, reason, one["snapshot"], one["preprocessing"]))
    for one in (row["snapshot"] for row in snapshots if not row["excluded"]):
        if (rows := kept_search(parts, CID.parse(one))) is not None:
            searched = True
            for other, reason in _beside(list(_pairs(rows)), sha256):
                found.setdefault(other, Near(other, reason, one, None))
    return Found(list(found.values())[:SHOWN], searched)


def _beside(pairs: Pairs, sha256: str) -> Iterator[tuple[str, str]]:
    """What it is a copy of, its copies, and the other copies of the same image."""
    kept = {sha256} | {kept for dropped, kept, _ in pairs if dropped == sha256}
    for dropped, other, reason in pairs:
        if other in kept:
            yield from ((one, reason) for one in (other, dropped) if one != sha256)


def _of_cleaning(parts: Parts, preprocessing: str, sha256: str) -> tuple[Pairs, bool]:
    """Its pairs, and whether they are all that it found."""
    place = _place(parts, "cleaning", preprocessing)
    if (kept := _read(place)) is not None:
        return [(dropped, other, reason) for dropped, other, reason in kept], True
    try:
        table = read_as(parts, records.Preprocessing, CID.parse(preprocessing)).output
        head = tables.read(table, parts.store.get)
        if head.shape != records.PREPARED:
            return [], False
        if head.count > AT_ONCE:
            row = tables.find(table, (bytes.fromhex(sha256),), parts.store.get)
            own = [] if row is None else [dict(zip(records.PREPARED.columns, row, strict=True))]
            return list(_pairs(own)), False
        found = list(_pairs(tables.rows_as_dicts(table, parts.store.get)))
    except EmotionetError:
        return [], False
    _write(place, found)
    return found, True


def _pairs(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        copy = COPY.fullmatch(str(row["measured"] or "")) if row["reason"] in COPIES else None
        if copy is not None and isinstance(row["sha256"], bytes):
            yield row["sha256"].hex(), copy[1], row["reason"]


def keep_search(parts: Parts, snapshot: CID, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep what ``preview_cleaning`` found of a snapshot, and give it back."""
    _write(_place(parts, "search", str(snapshot)), [{**row, "sha256": row["sha256"].hex()} for row in rows])
    return rows


def kept_search(parts: Parts, snapshot: CID) -> list[dict[str, Any]] | None:
    """The rows of a search that was kept, as ``preview_cleaning`` gives them; None where there was none."""
    found = _read(_place(parts, "search", str(snapshot)))
    return None if found is None else [{**row, "sha256": bytes.fromhex(row["sha256"])} for row in found]


def _read(place: Path) -> list[Any] | None:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found["rows"] if isinstance(found, dict) and found.get("version") == VERSION else None


def _write(place: Path, rows: list[Any]) -> None:
    with contextlib.suppress(EmotionetError, OSError):  # a full disk, or one that is only read
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as stream:
            stream.write(json.dumps({"version": VERSION, "rows": rows}).encode())


def _place(parts: Parts, kind: str, cid: str) -> Path:
    return parts.settings.cache / "copies" / f"{kind}-{cid}.json"
