"""Tells where an entry's anchors stand, and which evidence stands for it with which strength.

Invariant: evidence of another issuer's log is called ``unverified`` unless its proof verifies against what this machine
trusts: nobody here asked its place.
"""

from __future__ import annotations

from typing import Any

from registry.catalog.queries.signed_records.key_changes import publishers
from registry.core import records
from registry.core.errors import EmotionetError, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of
from registry.core.keys.signatures import signer_of
from registry.core.log import anchor_digest
from registry.core.ports.anchor import PROVEN, Anchor, Anchors
from registry.evaluation.sentences import strength_text
from registry.provenance.checks.results import NotChecked
from registry.provenance.evidence.verify import verify
from registry.workflows.local_issuers import is_local
from registry.workflows.log.anchoring import (
    Standing,
    counted_on,
    entry_of,
    put_evidence,
    submit_everywhere,
    wait_until_final,
)
from registry.workflows.parts import Parts

NOTHING = {"status": "none", "chain": None, "transaction": None, "block": None, "time": None}


def _document(anchor: Anchor) -> dict[str, Any]:
    return {
        "status": anchor.status,
        "chain": anchor.chain,
        "transaction": anchor.transaction,
        "block": None if anchor.proof is None else anchor.proof.statement.get("blockNumber"),
        "time": anchor.time,
    }


def _of_places(entry: CID, found: list[Standing]) -> dict[str, Any]:
    """The document of `emotionet anchor --json`: the anchor that is counted on, and where it stands at each place."""
    first = counted_on(found)
    places = [
        {
            **_document(one.anchor),
            "problem": None if one.problem is None else str(one.problem),
            "text": strength_text(_kind(one.anchor)),
        }
        for one in found
    ]
    contract = first.anchor.contract
    return {"entry": str(entry), **_document(first.anchor), "contract": contract, "places": places}


def _kind(anchor: Anchor) -> str:
    """The kind of evidence that comes of an anchor at its place."""
    if anchor.proof is not None:
        return anchor.proof.kind
    return "evm" if anchor.chain.startswith("eip155:") else anchor.chain.partition(":")[0]


def anchor_status(parts: Parts, cid: CID) -> dict[str, Any]:
    """Where an entry's own anchor stands at each place. ``Unavailable`` where no place can be asked."""
    entry = entry_of(parts, cid, None)
    found, problems = list[Standing](), list[Unavailable]()
    for place in parts.places:
        try:
            found.append(Standing(place, _status(parts, place, entry)))
        except Unavailable as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return _of_places(entry, found)


def _status(parts: Parts, place: Anchors, entry: CID) -> Anchor:
    """Where an entry's anchor stands at a place, by whichever of its log's keys it was made."""
    with parts.catalog.read() as db:
        known = publishers(db, entry)
    who = known or [signer_of(records.parse_as(records.Entry, parts.store.get(entry)))]
    found = (place.status(anchor_digest(entry), address_of(one)) for one in who)
    first = next(found)
    return first if first.status != "none" else next((one for one in found if one.status != "none"), first)


def submit_anchor(parts: Parts, cid: CID | None, *, issuer: str | None = None) -> dict[str, Any]:
    """Anchor an entry (the issuer's newest unless given) as ``issuer`` (this home's unless given) everywhere; wait
    until the anchor that is counted on is as final as it gets."""
    issuer = issuer or parts.key.did
    entry = entry_of(parts, cid, issuer)
    wait_until_final(parts, issuer, entry, lambda: None)
    found = submit_everywhere(parts, issuer, entry)
    for one in found:
        put_evidence(parts, entry, one.anchor)
    return _of_places(entry, found)


def anchor_document(parts: Parts, entry: CID, evidence: list[dict[str, Any]]) -> dict[str, Any]:
    """Where an entry's anchor stands: by the evidence that covers it (``evidence``, each with its strength), otherwise
    as its places say now."""
    issuer = records.parse_as(records.Entry, parts.store.get(entry)).issuer
    own = is_local(parts, issuer)
    anchors = [row for row in evidence if row["kind"] != records.WITNESS]  # which says where, not when
    told = [_told(parts, row, own) for row in anchors]
    told += _waiting(parts, entry, {one["chain"] for one in told}) if own else []
    best = next((one for one in told if one["status"] in PROVEN), told[0] if told else None)
    if best is None:
        best = _from_the_place(parts, entry, own)
    return {name: best[name] for name in NOTHING} | {"evidence": told}


def _told(parts: Parts, row: dict[str, Any], own: bool) -> dict[str, Any]:
    """A row of evidence, as its record says and as far as it verifies here."""
    said = {"kind": row["kind"], "by": None, "text": strength_text(row["kind"])}
    try:
        found = records.parse_as(records.Evidence, parts.store.get(CID.parse(row["cid"])))
    except NotFound:
        return {**NOTHING, **said, "status": "unverified", "chain": row["kind"], "time": row["time"]}
    if (block := found.block) is not None:
        place = {"chain": block.chain, "transaction": block.transaction, "block": block.block_number}
        return {**said, "status": "finalized" if own else "unverified", **place, "time": block.time, "by": block.chain}
    by, time, status = _verified(parts, found, own)
    chain = found.statement.get("chain") or found.kind
    return {**NOTHING, **said, "status": status, "chain": str(chain), "time": time, "by": by}


def _verified(parts: Parts, found: records.Evidence, own: bool) -> tuple[str | None, str | None, str]:
    """By whom, when, and the state of evidence that has a proof."""
    try:
        shown = verify(found, parts.trust)
    except NotChecked:
        kept = {"rfc3161": "stamped", "opentimestamps": "attested"}.get(found.kind, "unverified")
        by = found.statement.get("authority")
        return (by if isinstance(by, str) else None), found.time, kept if own else "unverified"
    except EmotionetError:
        return None, found.time, "unverified"
    return shown.by, shown.time, "stamped" if found.kind == "rfc3161" else "finalized"


def _waiting(parts: Parts, entry: CID, known: set[str]) -> list[dict[str, Any]]:
    """Places that were asked to stamp this entry and have not done so yet."""
    found = []
    for place in parts.places[1:] if parts.settings.proves_to_others else parts.places:
        anchor = _status(parts, place, entry)
        if anchor.status == "pending" and anchor.chain not in known:
            kind = _kind(anchor)
            found.append({**_document(anchor), "kind": kind, "by": None, "text": strength_text(kind)})
    return found


def _from_the_place(parts: Parts, entry: CID, own: bool) -> dict[str, Any]:
    """As the chain or this home's journal says, which knows of this home's entries alone."""
    if not own and not parts.settings.proves_to_others:
        return NOTHING
    try:
        return _document(_status(parts, parts.places[0], entry))
    except Unavailable:
        return NOTHING
