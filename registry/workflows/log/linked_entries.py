"""Entries with which an entry of the same log is checked: its evidence, the newest anchored entry, the first entry."""

from __future__ import annotations

from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts


def covering_evidence(parts: Parts, entry: CID | None) -> list[CID]:
    """The nearest evidence of each kind that covers an entry, the nearest first; none for None."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        return entries.nearest_evidence(db, entry)


def newest_anchored(parts: Parts, evidence: list[CID]) -> CID | None:
    """The newest entry that the evidence names; None without evidence."""
    if not evidence:
        return None
    return CID.decode(records.parse_as(records.Evidence, parts.store.get(evidence[-1])).entry)


def first_entry(parts: Parts, entry: CID | None) -> list[CID]:
    """The first entry of an entry's log, if it is known and held here."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, entry)
        first = None if issuer is None else entries.first(db, issuer)
    return [first] if first is not None and parts.store.has(first) else []
