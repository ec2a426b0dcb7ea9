"""What of its log is known beside an entry: the evidence that covers it, up to where it reaches, and the opening."""

from __future__ import annotations

from registry.catalog.queries import entries
from registry.core import records
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts


def evidence_beside(parts: Parts, entry: CID | None) -> list[CID]:
    """The nearest evidence of each kind that covers an entry, the nearest first; of no entry none."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        return entries.nearest_evidence(db, entry)


def newest_anchored(parts: Parts, evidence: list[CID]) -> CID | None:
    """The newest entry that such evidence names."""
    if not evidence:
        return None
    return CID.decode(records.parse_as(records.Evidence, parts.store.get(evidence[-1])).entry)


def opening(parts: Parts, entry: CID | None) -> list[CID]:
    """The first entry of the log that an entry is of, where it is known and held."""
    if entry is None:
        return []
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, entry)
        first = None if issuer is None else entries.first(db, issuer)
    return [first] if first is not None and parts.store.has(first) else []
