"""The names and the profile that go with a release's file: what its issuer calls it, its snapshot and its run now.

Invariants: only entries of the release's own issuer go along, each with its record, and only names that still stand for
these things. No audit depends on them, and who takes the file verifies them as any entry.
"""

from __future__ import annotations

from registry.catalog.queries.signed_records import entries, names
from registry.core import records
from registry.core.ipld.cid import CID
from registry.workflows.names.profile import PROFILE
from registry.workflows.parts import Parts


def carried_names(parts: Parts, release: CID, entry: CID) -> list[CID]:
    """Entries and records, those of the profile last."""
    said = records.parse_as(records.Release, parts.store.get(release))
    draw = records.parse_as(records.Draw, parts.store.get(said.draw))
    plan = records.parse_as(records.Plan, parts.store.get(draw.plan))
    cleaned = records.parse_as(records.Preprocessing, parts.store.get(plan.preprocessing))
    targets = [str(one) for one in (release, draw.plan, cleaned.snapshot)]
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, entry)
        given = names.of_targets(db, targets)
        profile = None if issuer is None else entries.newest_of_type(db, issuer, PROFILE)
    found = [CID.parse(row["entry"]) for row in given if row["issuer"] == issuer and row["current"]]
    found += [] if profile is None else [CID.parse(profile["cid"])]
    return [cid for one in found for cid in _with_record(parts, one)]


def _with_record(parts: Parts, entry: CID) -> list[CID]:
    """Both, where both are held; else none."""
    if not parts.store.has(entry):
        return []
    record = records.parse_as(records.Entry, parts.store.get(entry)).record
    return [entry, record] if parts.store.has(record) else []
