"""Anchor log entries, store the evidence, and tell the state of an entry's anchor.

Invariants: evidence is stored only of a final anchor (at a chain, its finalized tag). Evidence of another issuer's log
is called ``unverified``, never finalized: nobody here asked its anchor's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from registry.catalog.index import indexing
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of
from registry.core.log import anchor_digest
from registry.core.ports.anchor import FINAL, Anchor, evidence_of
from registry.workflows.local_issuers import is_local
from registry.workflows.log.append import put_record
from registry.workflows.parts import Parts


def _entry(parts: Parts, cid: CID | None, issuer: str | None) -> CID:
    """The entry given, a record's (the issuer's own before anybody else's), or the issuer's newest."""
    with parts.catalog.read() as db:
        if cid is None:
            newest = None if issuer is None else entries.newest(db, issuer)
            if newest is None:
                raise NotFound("this registry has signed nothing yet", hint="import something first.")
            return newest[0]
        own = None if issuer is None else entries.entry_of(db, cid, issuer)
        found = own or entries.entry_of(db, cid, None)
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
        "block": _block(anchor),
        "time": anchor.time,
    }


def _block(anchor: Anchor) -> int | None:
    """The number of the block that an anchor lies in, where the place has blocks."""
    return None if anchor.proof is None else anchor.proof.statement.get("blockNumber")


def anchor_status(parts: Parts, cid: CID) -> dict[str, Any]:
    """Where an entry's own anchor stands."""
    entry = _entry(parts, cid, None)
    issuer = records.parse_as(records.Entry, parts.store.get(entry)).issuer
    return _document(entry, parts.anchors.status(anchor_digest(entry), issuer.rsplit(":", 1)[-1]))


def submit_anchor(parts: Parts, cid: CID | None, *, issuer: str | None = None) -> dict[str, Any]:
    """Anchor an entry (the issuer's newest unless given) as ``issuer`` (this home's unless given); wait until it is as
    final as it gets."""
    issuer = issuer or parts.key.did
    entry = _entry(parts, cid, issuer)
    anchor = wait_until_final(parts, issuer, entry, lambda: None)
    put_evidence(parts, entry, anchor)
    return _document(entry, anchor)


def put_evidence(parts: Parts, entry: CID, anchor: Anchor) -> CID | None:
    """Put the evidence of a finalized anchor into the store and the catalog; None where there is none."""
    if anchor.status != "finalized":
        return None
    cid = put_record(parts, evidence_of(entry, anchor))
    parts.store.flush()
    with parts.catalog.write() as db:
        indexing.index_evidence(db, cid, parts.store.get)
    return cid


def wait_until_final(parts: Parts, issuer: str, entry: CID, check: Callable[[], None]) -> Anchor:
    """An entry's anchor by ``issuer`` once it is as final as this place can make it.

    ``check`` may end the wait by raising. ``Unavailable`` after the limit of the settings.
    """
    digest, anchors = anchor_digest(entry), parts.anchors_of(issuer)
    until = time.monotonic() + parts.settings.finality_seconds
    anchor = anchors.submit(digest)
    while anchor.status not in FINAL:
        check()
        if time.monotonic() > until:
            raise Unavailable(f"the anchor of {entry} is still {anchor.status}", hint="try again later.")
        try:
            anchor = anchors.wait(digest, 2.0)
        except Unavailable:
            anchor = anchors.submit(digest)  # sends again what a reorganisation dropped
    return anchor


def anchor_for_a_while(parts: Parts, issuer: str, entry: CID, wait: float) -> Anchor:
    """Anchor an entry as ``issuer`` and wait up to ``wait`` seconds for the chain to call it final."""
    digest, anchors = anchor_digest(entry), parts.anchors_of(issuer)
    anchor = anchors.submit(digest)
    if anchor.status not in FINAL and wait > 0:
        try:
            anchor = anchors.wait(digest, wait)
        except Unavailable:
            anchor = anchors.status(digest)  # it stays in the outbox: `emotionet anchor submit` goes on
    put_evidence(parts, entry, anchor)
    return anchor


def anchor_document(parts: Parts, entry: CID, evidence: list[dict[str, Any]]) -> dict[str, Any]:
    """Where an entry's anchor stands: by the evidence that covers it, otherwise as its place says now.

    Evidence of somebody else's log came in a file, and nobody here asked its place: it is ``unverified``.
    """
    issuer = records.parse_as(records.Entry, parts.store.get(entry)).issuer
    own = is_local(parts, issuer)
    if evidence:
        return {"status": "finalized" if own else "unverified", **_place(parts, evidence[0])}
    nothing = {"status": "none", "chain": None, "transaction": None, "block": None, "time": None}
    if not own and not parts.settings.proves_to_others:
        return nothing  # this home's journal knows of this home's entries alone
    try:
        anchor = parts.anchors.status(anchor_digest(entry), address_of(issuer))
    except Unavailable:
        return nothing
    return {
        "status": anchor.status,
        "chain": anchor.chain,
        "transaction": anchor.transaction,
        "block": _block(anchor),
        "time": anchor.time,
    }


def _place(parts: Parts, evidence: dict[str, Any]) -> dict[str, Any]:
    """What a row of evidence says of the place; of another kind than a chain's, or not held here, its kind and time."""
    try:
        block = records.parse_as(records.Evidence, parts.store.get(CID.parse(evidence["cid"]))).block
    except NotFound:
        block = None
    if block is None:
        return {"chain": evidence["kind"], "transaction": None, "block": None, "time": evidence["time"]}
    return {"chain": block.chain, "transaction": block.transaction, "block": block.block_number, "time": block.time}
