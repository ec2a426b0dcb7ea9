"""Anchor a log entry and tell where its anchor stands."""

from __future__ import annotations

from typing import Any

from registry.catalog.queries import entries
from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.core.ports.anchor import Anchor
from registry.workflows.parts import Parts
from registry.workflows.training.draw_folds import keep_evidence, wait_until_final


def _entry(parts: Parts, cid: CID | None) -> CID:
    """The entry to anchor: the one given, a record's, or this registry's newest."""
    with parts.catalog.read() as db:
        if cid is None:
            newest = entries.newest(db, parts.key.did)
            if newest is None:
                raise NotFound("this registry has signed nothing yet", hint="import something first.")
            return newest[0]
        found = entries.entry_of(db, cid, None)
        if found is not None:
            return found
    records.parse_as(records.Entry, parts.store.get(cid))
    return cid


def _document(entry: CID, anchor: Anchor) -> dict[str, Any]:
    return {
        "entry": str(entry),
        "status": anchor.status,
        "chain": anchor.chain,
        "contract": anchor.contract,
        "transaction": anchor.transaction,
        "block": anchor.block_number,
        "time": anchor.time,
    }


def anchor_status(parts: Parts, cid: CID | None) -> dict[str, Any]:
    """Where an entry's own anchor stands."""
    entry = _entry(parts, cid)
    issuer = records.parse_as(records.Entry, parts.store.get(entry)).issuer
    return _document(entry, parts.anchors.status(anchor_digest(entry), issuer.rsplit(":", 1)[-1]))


def submit_anchor(parts: Parts, cid: CID | None) -> dict[str, Any]:
    """Anchor an entry (the newest unless given) and wait until it is as final as it gets."""
    entry = _entry(parts, cid)
    anchor = wait_until_final(parts, entry, lambda: None)
    keep_evidence(parts, entry, anchor)
    return _document(entry, anchor)
