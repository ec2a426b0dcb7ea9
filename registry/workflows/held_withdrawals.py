"""The entries that take back a release, its snapshot or one of its images, as far as this home knows them.

Invariants: only entries of who may: the issuer who signed the target, a contributor of the image, or the issuer of a
contribution that holds it. An audit checks each again.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.catalog import entries
from registry.core import records, tables
from registry.core.cid import CID, DAG_CBOR
from registry.core.errors import EmotionetError
from registry.provenance.lineage import draw_view
from registry.workflows.parts import Parts


def withdrawals_of(parts: Parts, record: CID, entry: CID | None) -> list[CID]:
    """Entries of withdrawals that touch this record, what it rests on, or an image of its snapshot."""
    with parts.catalog.read() as db:
        said = entries.withdrawals(db)
        issuer = None if entry is None else entries.issuer_of(db, entry)
    if not said:
        return []
    snapshot_cid, snapshot = _snapshot(parts, record)
    whole = {str(one) for one in (record, entry, snapshot_cid) if one is not None}
    found = [one for one in said if one["target"] in whole and one["issuer"] == issuer]
    if snapshot is None:
        return [CID.parse(one["cid"]) for one in found]
    may: dict[str, set[str]] = {}
    for name, who in _images(parts, snapshot, {one["target"] for one in said}):
        may.setdefault(name, {issuer} if issuer else set()).update(who)
    found += [one for one in said if one["issuer"] in may.get(one["target"], ())]
    return [CID.parse(one["cid"]) for one in found]


def _snapshot(parts: Parts, cid: CID) -> tuple[CID | None, records.Snapshot | None]:
    """The snapshot that a record is, or rests on."""
    if cid.codec != DAG_CBOR:
        return None, None
    try:
        record = records.parse(parts.store.get(cid))
        if isinstance(record, records.Release):
            view = draw_view(parts.store.get, record.draw)
            cid, record = view.preprocessing.snapshot, view.snapshot
    except EmotionetError:
        return None, None  # what can't be read, the audit names
    return (cid, record) if isinstance(record, records.Snapshot) else (None, None)


def _images(parts: Parts, snapshot: records.Snapshot, wanted: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Those of the wanted names that mean an image of the snapshot, an excluded one too, and who may take it back."""
    for cid in snapshot.contributions:
        contribution = records.parse_as(records.Contribution, parts.store.get(cid))
        for row in tables.rows_as_dicts(contribution.rows, parts.store.get):
            for name in {row["sha256"].hex(), str(CID.decode(row["cid"]))} & wanted:
                yield name, [row["contributor"], contribution.issuer]
