"""What a snapshot would hold, before it is taken: the same rows decided by the same rule, and nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import image_counts
from registry.catalog.queries.labeled_images.rows import current_rows, rows_aside
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.queries.signed_records.withdrawn_rows import without
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import load_classes
from registry.core.snapshots.snapshot import select
from registry.workflows.parts import Parts
from registry.workflows.snapshots.take_snapshot import chosen_among, not_held, with_issuer
from registry.workflows.snapshots.terms import PLAIN, Terms, settled

MOST_ROWS = 20_000  # that are looked at: about a second
NAMED = 100  # images that are named one by one with the reason for which they are left out
_AT = {name: place for place, name in enumerate(records.SNAPSHOT_ITEMS.columns)}


def preview_snapshot(
    parts: Parts,
    *,
    classes: str = "emociones",
    query: Mapping[str, Any] | None = None,
    terms: Terms = PLAIN,
    images: Iterable[str] | None = None,
    snapshot: CID | None = None,
    most: int = MOST_ROWS,
) -> dict[str, Any]:
    """``count``, ``labels`` by class, ``background``, ``excluded`` by reason, ``unknown_labels``, ``rows`` (newest ones
    that meet ``query``), ``contributors``, ``at_most`` (images that meet it at all; None where no kept count
    says that), and ``whole``: False where there are more than ``most`` rows, of which only the first were decided.

    ``images`` and ``snapshot`` as ``take_snapshot`` takes them; ``rejected`` are the lines that name no image that can
    be taken (which refuse nothing here), ``unmet`` how many of the images that were chosen have no label that meets
    ``query`` (None where that is not known), ``left_out`` the first images that are left out: ``sha256, reason,
    detail``. Errors as ``take_snapshot``.
    """
    mapping = load_classes(classes)
    chosen = chosen_among(parts, images, snapshot, partial=True)
    among = None if chosen is None else chosen.sha256s
    with parts.catalog.read() as db:
        found = list(islice(current_rows(db, with_issuer(db, dict(query or {})), among), most + 1))
        withdrawn = withdrawn_images(db)
        by = settled(db, terms)
        aside = rows_aside(db, found[:most]) if query else {}
        at_most = _counted(db, query or {}) if among is None else len(among)
    rows = without(found[:most], withdrawn)
    missing = not_held(parts, rows)
    items, excluded = select(rows, mapping, withdrawn=withdrawn, missing=missing, aside=aside, **by.arguments())
    return {
        **_decided(items, excluded, mapping.names),
        "contributors": len({(row["issuer"], row["contributor"]) for row in rows}),
        "rows": len(rows),
        "at_most": at_most,
        "whole": len(found) <= most,
        "rejected": [] if chosen is None else chosen.rejected,
        "unmet": None if among is None or len(found) > most else len(among) - len({row["sha256"] for row in rows}),
    }


def _decided(items: Sequence[Sequence[Any]], excluded: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, Any]:
    """What the rule made of the images that were looked at."""
    labels = Counter(item[_AT["label"]] for item in items)
    return {
        "count": len(items),
        "labels": {name: labels.get(name, 0) for name in names},
        "background": labels.get(None, 0),
        "excluded": dict(sorted(Counter(reason for _, reason, _ in excluded).items())),
        "unknown_labels": dict(Counter(detail for _, reason, detail in excluded if reason == "unknown_label")),
        "left_out": [(sha256.hex(), reason, detail) for sha256, reason, detail in excluded[:NAMED]],
    }


def _counted(db: Connection, query: Mapping[str, Any]) -> int | None:
    """How many images meet a query of at most one part, by the counts that the catalog keeps."""
    if not query:
        return image_counts.images(db, "listed")
    (name, *others), value = query, next(iter(query.values()))
    if others or name not in ("label", "contributor", "licence") or not isinstance(value, str):
        return None
    return image_counts.images(db, name, value)
