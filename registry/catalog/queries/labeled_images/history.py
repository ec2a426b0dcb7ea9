"""Everything that was said about one image: all of it, its newest part, or a page of it.

Invariants: statements are in the order of the logs. A page goes from the newest to the oldest; its cursor names the
last statement of the page before, so that what is said meanwhile moves nothing.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.prepared import Prepared
from registry.catalog.database.sql import MAX_PAGE, decode_cursor, encode_cursor, page_limit
from registry.catalog.queries.labeled_images.rows import counts
from registry.catalog.schema import derived
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS, MAPS

_ROWS = derived.contribution_rows
_VALUES = ("boxes", *MAPS)  # JSON
_KEY = ("ordinal", "contributor", "contribution")
Statements = list[dict[str, Any]]


def image_history(db: sa.Connection, sha256: bytes) -> Statements:
    """Everything that was said about an image, the oldest first; all values are text, lists or None.

    ``contributor``, what is said (``core.labeling.labeled_row``), ``replaces, signature`` (hex), ``contribution,
    issuer, issued_at, entry, current``, and ``withdrawn``: the entry that takes it back, or None.
    """
    found, _ = newest_history(db, sha256, limit=MAX_PAGE)
    return found[::-1]


def newest_history(
    db: sa.Connection, sha256: bytes, *, cursor: str | None = None, limit: int
) -> tuple[Statements, str | None]:
    """A page of the same, the newest first, and the cursor of the next page or None. ``UsageError`` for another."""
    asked: dict[str, Any] = {"sha256": sha256.hex(), "most": page_limit(limit) + 1}
    if cursor is None:
        rows = _NEWEST.rows(db, **asked)
    else:
        rows = _OLDER.rows(db, **asked, **dict(zip(_KEY, decode_cursor(cursor, len(_KEY)), strict=True)))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        values = row._asdict()
        loaded = {name: json.loads(values[name]) for name in _VALUES}
        found.setdefault((row.contribution, row.contributor), {**values, **loaded, "current": bool(row.current)})
    page = list(found.values())
    following = encode_cursor(*(page[limit - 1][name] for name in _KEY)) if len(page) > limit else None
    return [{name: one[name] for name in one if name != "ordinal"} for one in page[:limit]], following


def _history(older: bool) -> sa.Select[Any]:
    """An image's newest rows, or those before one, each as often as entries sign its contribution: the one that gives
    it its place, the first by issuer and then by place, before the others."""
    names = ("ordinal", "contributor", *ANNOTATION_FIELDS, "replaces", "signature", "contribution", "withdrawn")
    chosen = sa.select(_ROWS).where(_ROWS.c.sha256 == sa.bindparam("sha256"))
    if older:
        last = sa.tuple_(*(sa.bindparam(name, type_=sa.Text) for name in _KEY))
        chosen = chosen.where(sa.tuple_(*(_ROWS.c[name] for name in _KEY)) < last)
    chosen = chosen.order_by(*(_ROWS.c[name].desc() for name in _KEY))
    row = chosen.limit(sa.bindparam("most", type_=sa.Integer)).subquery("page")
    e = derived.entries.c
    columns = (sa.cast(row.c[name], sa.Text).label(name) if name in _VALUES else row.c[name] for name in names)
    signed = sa.and_(e.record == row.c.contribution, e.record_type == "contribution")
    return (
        sa.select(*columns, e.issuer, e.issued_at, e.cid.label("entry"), counts(row).label("current"))
        .join(derived.entries, signed)
        .order_by(*(row.c[name].desc() for name in _KEY), e.issuer, e.seq)
    )


_NEWEST, _OLDER = Prepared(lambda: _history(older=False)), Prepared(lambda: _history(older=True))
