"""The documents of images: their names, and what the rows of each say that count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.prepared import Prepared, Row
from registry.catalog.database.sql import chunks
from registry.catalog.queries.labeled_images.rows import counts
from registry.catalog.queries.signed_records.withdrawn_rows import is_withdrawn
from registry.catalog.schema import derived
from registry.catalog.schema.derived import image_cids

NAMED = 100  # people that an image's document names; its history names all, a page at a time
_ROWS = derived.contribution_rows
_NAMES: sa.BindParameter[str] = sa.bindparam("names", expanding=True)


def _rows_of() -> sa.Select[Any]:
    said = (_ROWS.c[name] for name in ("sha256", "label", "contributor", "issuer", "subject", "licence"))
    return sa.select(*said).where(_ROWS.c.sha256.in_(_NAMES), counts())


def _images_of() -> sa.Select[Any]:
    known = derived.images.c
    asked = sa.select(known.sha256, known.size, known.stored, is_withdrawn(known.sha256).label("withdrawn"))
    return asked.where(known.sha256.in_(_NAMES)).order_by(known.sha256)


_ROWS_OF, _IMAGES_OF = Prepared(_rows_of), Prepared(_images_of)
_CIDS_OF = Prepared(lambda: sa.select(image_cids.c.sha256, image_cids.c.cid).where(image_cids.c.sha256.in_(_NAMES)))


def describe(db: sa.Connection, names: Sequence[str]) -> list[dict[str, Any]]:
    """Images by their sha256s, as ``list_images`` gives them."""
    found: list[dict[str, Any]] = []
    for part in chunks(names):
        rows = _grouped(_ROWS_OF.rows(db, names=list(part)))
        cids = _grouped(_CIDS_OF.rows(db, names=list(part)))
        for image in _IMAGES_OF.rows(db, names=list(part)):
            mine = [row.cid for row in cids.get(image.sha256, [])]
            found.append(_document(image, rows.get(image.sha256, []), mine))
    return found


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups


def _document(image: Row, rows: Sequence[Row], cids: Sequence[str]) -> dict[str, Any]:
    rows = sorted(rows, key=lambda row: (row.issuer, row.contributor))
    labels: dict[str, int] = {}
    for row in rows:
        labels[row.label] = labels.get(row.label, 0) + 1
    most = max(labels.values(), default=0)
    best = [label for label, count in labels.items() if count == most]
    return {
        "sha256": image.sha256,
        "cid": min(cids, key=lambda cid: (cid.startswith("Qm"), cid), default=None),  # v1 before v0
        "size": image.size,
        "label": best[0] if len(best) == 1 else None,
        "labels": dict(sorted(labels.items())),
        "agreement": alike(labels.values()),
        "labellers": len(rows),
        "contributors": sorted({row.contributor for row in rows})[:NAMED],
        "speakers": [
            {"issuer": row.issuer, "contributor": row.contributor, "label": row.label} for row in rows[:NAMED]
        ],
        "subject": _agreed(row.subject for row in rows),
        "licence": _agreed(row.licence for row in rows),
        "status": "withdrawn" if image.withdrawn else "stored" if image.stored else "referenced",
    }


def alike(counts: Iterable[int]) -> str | None:
    """The share of pairs of labellers who gave the same label, three places; None of fewer than two."""
    counts = list(counts)
    n = sum(counts)
    return f"{sum(one * (one - 1) for one in counts) / (n * (n - 1)):.3f}" if n > 1 else None


def _agreed(values: Iterable[str | None]) -> str | None:
    different = {value for value in values if value is not None}
    return different.pop() if len(different) == 1 else None
