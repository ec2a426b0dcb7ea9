"""Anchor log entries at every place that is set up, and store the evidence.

Invariants: evidence is stored only of a final anchor (at a chain, its finalized tag; of an authority, its signature; of
Bitcoin, a proof that leads to a block). A place that fails does not stop the others: what it was asked for stays
pending there, and is asked again with every later anchor, by ``emotionet anchor submit``, and from time to time beside
a worker (``pending_stamps``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry.catalog.index import indexing
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import Conflict, EmotionetError, NotFound, Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.log import anchor_digest
from registry.core.ports.anchor import FINAL, PROVEN, Anchor, Anchors, evidence_of
from registry.provenance.anchors.timestamp.place import StampPlace
from registry.workflows.log.append import put_record
from registry.workflows.parts import Parts

_log = logging.getLogger(__name__)
WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Standing:
    """Where an entry's anchor stands at one place; ``problem``: why it stands no better, where the place failed."""

    place: Anchors
    anchor: Anchor
    problem: EmotionetError | None = None


def entry_of(parts: Parts, cid: CID | None, issuer: str | None) -> CID:
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


def put_evidence(parts: Parts, entry: CID, anchor: Anchor) -> CID | None:
    """Put the evidence of an anchor that others can check into the store and the catalog; None where there is none."""
    if anchor.status not in PROVEN:
        return None
    cid = put_record(parts, evidence_of(entry, anchor))
    parts.store.flush()
    with parts.catalog.write() as db:
        indexing.index_evidence(db, cid, parts.store.get)
    return cid


def submit_everywhere(parts: Parts, issuer: str, entry: CID) -> list[Standing]:
    """Anchor an entry as ``issuer`` at every place, with what is pending there; what is proven becomes evidence.

    The first problem is raised where every place has one.
    """
    found = []
    for place in parts.places_of(issuer):
        if isinstance(place, StampPlace):  # in the order of the log: what came first is shown first
            finish_pending(parts, place, entry)
        found.append(_submitted(parts, issuer, place, entry))
    if all(one.problem is not None for one in found) and found[0].problem is not None:
        raise found[0].problem
    return found


def _submitted(parts: Parts, issuer: str, place: Anchors, entry: CID) -> Standing:
    digest = anchor_digest(entry)
    try:
        _check_named(parts, issuer, place)
        anchor, problem = place.submit(digest), None
    except EmotionetError as error:
        _log.warning("an entry could not be anchored by %s: %s", _name(place), error)
        anchor, problem = Anchor(digest=digest, status="none", chain=_name(place)), error
        if isinstance(place, StampPlace):
            anchor = place.status(digest)
    put_evidence(parts, entry, anchor)
    return Standing(place, anchor, problem)


def _check_named(parts: Parts, issuer: str, place: Anchors) -> None:
    """``Conflict`` (``other_chain``) where a node answers for a chain that the issuer's log does not name: audits
    refuse anchors there, and a transaction that a lying node had signed for another chain could be sent to that one."""
    contract = place.contract
    with parts.catalog.read() as db:
        first = None if contract is None else entries.first(db, issuer)
    if contract is None or first is None:
        return
    try:
        opening = records.parse_as(records.Entry, parts.store.get(first))
    except NotFound:  # a store that was lost: what remembers the log's end says so
        return
    named = records.parse_as(records.Issuer, parts.store.get(opening.record)).chains
    if named and (place.chain, contract) not in named:
        raise Conflict(
            f"the chain's node answers for {place.chain}, contract {contract}; the log of {issuer} names "
            + ", ".join(" ".join(one) for one in named),
            code="other_chain",
            hint="set EMOTIONET_CHAIN_RPC and EMOTIONET_CHAIN_CONTRACT to what the log names.",
        )


def _name(place: Anchors) -> str:
    """Its name, where that can be had without the place."""
    try:
        return place.chain
    except EmotionetError:
        return "chain"


def finish_pending(parts: Parts, place: StampPlace, but: CID | None = None) -> int:
    """Ask again for what is pending at a place, oldest first, until it fails; how many became final."""
    done = 0
    for digest in place.pending():
        if but is None or digest != anchor_digest(but):
            entry = CID.v1(DAG_CBOR, digest)
            try:
                done += put_evidence(parts, entry, place.submit(digest)) is not None
            except EmotionetError as error:
                _log.warning("an entry that waits for %s still does: %s", place.chain, error)
                return done
    return done


def counted_on(found: Sequence[Standing]) -> Standing:
    """The one that shows when the entry was certainly there: the chain's; without a chain the earliest that an
    authority stamped; otherwise whatever comes first. Its kind of evidence is ``anchor.proof.kind``."""
    if not isinstance(found[0].place, StampPlace):
        return found[0]
    stamped = [one for one in found if one.anchor.status == "stamped"]
    return min(stamped, key=lambda one: one.anchor.time or "", default=found[0])


def _waits_for(found: Sequence[Standing]) -> bool:
    """Whether waiting may help: nobody waits hours for Bitcoin, unless an authority is to stamp."""
    first = counted_on(found)
    if first.anchor.status in FINAL:
        return False
    return not isinstance(first.place, StampPlace) or any(one.place.chain.startswith("rfc3161:") for one in found)


def wait_until_final(parts: Parts, issuer: str, entry: CID, check: Callable[[], None]) -> Anchor:
    """Anchor an entry by ``issuer`` everywhere and wait for the anchor that is counted on (``counted_on``): from its
    ``time`` on the entry was certainly there, as the evidence of ``proof.kind`` shows. Where only Bitcoin is to show
    it, nobody waits: that takes hours.

    ``check`` may end the wait by raising. ``Unavailable`` after the limit of the settings.
    """
    until = time.monotonic() + parts.settings.finality_seconds
    found = submit_everywhere(parts, issuer, entry)
    while _waits_for(found):
        check()
        one = counted_on(found)
        if time.monotonic() > until:
            raise Unavailable(f"the anchor of {entry} is still {one.anchor.status}", hint="try again later.")
        try:
            anchor = one.place.wait(anchor_digest(entry), WAIT_SECONDS)
            put_evidence(parts, entry, anchor)
            found = [Standing(one.place, anchor), *(other for other in found if other is not one)]
        except Unavailable:
            found = submit_everywhere(parts, issuer, entry)  # sends again what a reorganisation dropped
    return counted_on(found).anchor


def anchor_for_a_while(parts: Parts, issuer: str, entry: CID, wait: float) -> None:
    """Anchor an entry everywhere as ``issuer`` and wait up to ``wait`` seconds for a chain to call it final."""
    for one in submit_everywhere(parts, issuer, entry):
        if one.anchor.status not in FINAL and not isinstance(one.place, StampPlace) and wait > 0:
            digest = anchor_digest(entry)
            try:
                anchor = one.place.wait(digest, wait)
            except Unavailable:
                anchor = one.place.status(digest)  # it stays in the outbox: `emotionet anchor submit` goes on
            put_evidence(parts, entry, anchor)
