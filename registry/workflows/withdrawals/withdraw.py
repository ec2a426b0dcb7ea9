"""Withdraw an image, a snapshot or a release. A withdrawal is a record; nothing is erased from the log."""

from __future__ import annotations

from typing import Any

from registry.catalog.database.sql import names_of, target_text
from registry.catalog.queries import search
from registry.catalog.queries.labeled_images import images, referenced
from registry.catalog.queries.signed_records import entries, lineage
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.core.records import Remedy
from registry.core.text import cleaning
from registry.workflows.log.append import appending
from registry.workflows.parts import Parts


def _target(parts: Parts, text: str) -> tuple[bytes, str]:
    """What is named: an image's sha256, or a record's CID bytes; and the text that lookups go by."""
    with parts.catalog.read() as db:
        image = images.resolve_image(db, text)
        if image is not None:
            return image, image.hex()
        waiting = next((one for one in _names(text) if referenced.get(db, one)), None)
        if waiting is not None:
            target = target_text(bytes(CID.parse(waiting)))
            return (bytes.fromhex(target) if len(target) == 64 else bytes(CID.parse(waiting))), target
        try:
            cid = entries.record_of(db, CID.parse(text))
        except InvalidInput as error:
            raise NotFound(f"{text} is neither an image nor a record of this catalog", hint="check the CID.") from error
    if not parts.store.has(cid):
        raise NotFound(f"{text} is neither an image nor a record held here", hint="check the CID.")
    return bytes(cid), str(cid)


def _names(text: str) -> list[str]:
    try:
        return names_of(text)
    except InvalidInput:
        return []


def withdraw(
    parts: Parts, text: str, reason: str, *, remedy: Remedy = "notice", signer: Signer | None = None
) -> dict[str, Any]:
    """Withdraw what ``text`` names; the answer says ``what`` it is ("image" or a record's type) and lists every
    snapshot and release that it touches.

    What waits for its bytes can be withdrawn, too: it is then never fetched, and its rows are dropped. ``remedy``: what
    is asked for; it is put on record, and nothing is done of it here. ``signer``: this home's key
    unless given.
    """
    reason = cleaning.clean("reason", reason)
    target, name = _target(parts, text)
    record = records.Withdrawal(target=target, reason=reason, remedy=remedy, effective=parts.now())
    with appending(parts, signer or parts.key) as log:
        appended = log.append(record)
        referenced.drop(log.db, {*_names(text), *map(str, images.cids_of(log.db, name))})
    parts.store.pin(appended.entry)
    with parts.catalog.read() as db:
        touched = lineage.touched(db, name)
        what = search.record_type(db, name) or "image"
    return {
        "withdrawal": str(appended.record),
        "entry": str(appended.entry),
        "target": name,
        "what": what,
        "remedy": remedy,
        "affected": touched,
    }
