"""Entries with which an entry is checked: its evidence, the newest anchored entry, the first entry of its log, changes
of its keys, and those that say whose labels a snapshot holds."""

from __future__ import annotations

from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.key_changes import changes_of
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts


def covering_evidence(parts: Parts, entry: CID | None) -> list[CID]:
    """The nearest evidence of each kind that covers an entry, the nearest first; none for None."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        found = entries.nearest_evidence(db, entry)
    return _best_witnessed(parts, found)


def _best_witnessed(parts: Parts, found: list[CID]) -> list[CID]:
    """The same with one piece of kind ``witness`` alone, that with the most cosigners: newer ones add to older ones."""
    witnessed = {cid: one for cid in found if (one := _witness(parts, cid)) is not None}
    if not witnessed:
        return found
    best = max(witnessed, key=lambda cid: (len(witnessed[cid].statement.get("cosigners", ())), str(cid)))
    return [cid for cid in found if cid not in witnessed or cid == best]


def _witness(parts: Parts, cid: CID) -> records.Evidence | None:
    try:
        one = records.parse_as(records.Evidence, parts.store.get(cid))
    except EmotionetError:
        return None
    return one if one.kind == records.WITNESS else None


def newest_anchored(parts: Parts, evidence: list[CID]) -> CID | None:
    """The newest entry that the evidence names; None without evidence."""
    if not evidence:
        return None
    return CID.decode(records.parse_as(records.Evidence, parts.store.get(evidence[-1])).entry)


def changes_of_keys(parts: Parts, entry: CID | None) -> list[CID]:
    """The entries that changed the keys of an entry's log, as far as they are known and held here; also those after it,
    which may revoke it."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, entry)
        found = [] if issuer is None else changes_of(db, issuer)
    return [one.entry for one in found if parts.store.has(one.entry)]


def contribution_entries(parts: Parts, snapshot: records.Snapshot | None) -> list[CID]:
    """The entries that say a snapshot's contributions, each by the issuer that it states, as far as they are held."""
    if snapshot is None:
        return []
    found = []
    with parts.catalog.read() as db:
        for cid in snapshot.contributions:
            said = records.parse_as(records.Contribution, parts.store.get(cid))
            found.append(entries.entry_of(db, cid, said.issuer))
    return [one for one in found if one is not None and parts.store.has(one)]


def first_entry(parts: Parts, entry: CID | None) -> list[CID]:
    """The first entry of an entry's log, if it is known and held here."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, entry)
        first = None if issuer is None else entries.first(db, issuer)
    return [first] if first is not None and parts.store.has(first) else []
