"""What is told of images whose bytes have yet to come: how far that is, and why it failed.

Invariant: a reason is one of ``REASONS``; no gateway is named, and no person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.database.sql import names_of
from registry.catalog.queries.labeled_images import referenced
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, RAW
from registry.workflows.parts import Parts
from registry.workflows.references.fetch_image import REASONS


def reason_of(code: str | None) -> str | None:
    """A code as a sentence; of a row that was refused once its image was here, with the code itself."""
    return None if code is None else REASONS.get(code, f"a row of it was refused: {code}")


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    """``state, attempts, code, reason, since, updated``."""
    return {
        "state": found["state"],
        "attempts": found["attempts"],
        "code": found["code"],
        "reason": reason_of(found["code"]),
        "since": found["created"],
        "updated": found["updated"],
    }


def reference_of(db: Connection, sha256: str) -> dict[str, Any] | None:
    """Of an image that is labeled here, what is still to come of it; None if nothing is."""
    found = referenced.of_image(db, sha256)
    return None if found is None else _told(found)


def waiting_image(parts: Parts, text: str) -> dict[str, Any] | None:
    """An image of which only rows are here, as the document of an image; None if none waits by this name."""
    try:
        names = names_of(text.removeprefix("/ipfs/").removeprefix("ipfs://"))
    except InvalidInput:
        return None
    with parts.catalog.read() as db:
        found = next((one for name in names if (one := referenced.get(db, name))), None)
    return None if found is None else _document(found)


def _document(found: Mapping[str, Any]) -> dict[str, Any]:
    newest = {row["contributor"]: row["label"] for row in found["rows"]}
    labels = Counter(newest.values())
    best = [label for label, count in labels.items() if count == max(labels.values())]
    cid = CID.parse(found["cid"])
    return {
        "sha256": cid.digest.hex() if cid.codec == RAW else None,
        "cid": found["cid"],
        "size": None,
        "label": best[0] if len(best) == 1 else None,
        "labels": dict(sorted(labels.items())),
        "contributors": sorted(newest),
        "subject": None,
        "licence": None,
        "status": "referenced",
        "history": [],
        "next": None,
        "reference": _told(found),
    }


def list_references(
    parts: Parts, *, state: str | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of images that wait or were given up, by rising CID, and the cursor of the next page."""
    with parts.catalog.read() as db:
        found, following = referenced.listed(db, state=state, cursor=cursor, limit=limit)
    return [{"cid": one["cid"], **_told(one)} for one in found], following
