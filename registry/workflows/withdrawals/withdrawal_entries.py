"""The entries that withdraw a release, its snapshot or one of its images, as far as this home knows them.

Invariants: only entries of those who may withdraw: the target's issuer, a contributor of the image, or the issuer of a
contribution with the image. Entries of a log that came in a file count too. An audit checks each again.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.run_view import draw_view
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.who_may import contribution_rows
from registry.workflows.withdrawals.withdrawn import known_row_withdrawals, known_withdrawals


def withdrawals_of(parts: Parts, record: CID, entry: CID | None) -> list[CID]:
    """Entries of withdrawals that touch this record, what it rests on, or an image of its snapshot."""
    with parts.catalog.read() as db:
        signed = known_withdrawals(parts, db)
        issuer = None if entry is None else entries.issuer_of(db, entry)
        rows = known_row_withdrawals(parts, db)
    if not signed and not rows:
        return []
    snapshot_cid, snapshot = _snapshot(parts, record)
    whole = {str(one) for one in (record, entry, snapshot_cid) if one is not None}
    found = [one for one in signed if one.target in whole and one.issuer == issuer]
    if snapshot is None:
        return [CID.parse(one.entry) for one in found]
    may: dict[str, set[str]] = {}
    for name, who in _images(parts, snapshot, {one.target for one in signed}):
        may.setdefault(name, {issuer} if issuer else set()).update(who)
    found += [one for one in signed if one.issuer in may.get(one.target, ())]
    return [CID.parse(one) for one in [*(one.entry for one in found), *_of_rows(parts, snapshot, rows)]]


def _of_rows(parts: Parts, snapshot: records.Snapshot, signed: list[dict[str, str]]) -> list[str]:
    """The entries that take back rows of the snapshot's contributions."""
    if not signed:
        return []
    said: set[tuple[str, str, str]] = set()
    wanted = {(one["issuer"], one["contributor"]) for one in signed}
    for cid in snapshot.contributions:
        try:
            issuer, rows = contribution_rows(parts, cid)
        except EmotionetError:  # what can't be read, the audit names
            continue
        for row in rows:
            if (who := (issuer, row["contributor"])) in wanted:
                said |= {(*who, row["sha256"].hex()), (*who, "")}
    return [one["entry"] for one in signed if (one["issuer"], one["contributor"], one["sha256"]) in said]


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
        try:
            issuer, rows = contribution_rows(parts, cid)
        except EmotionetError:  # what can't be read, the audit names
            continue
        for row in rows:
            for name in {row["sha256"].hex(), str(CID.decode(row["cid"]))} & wanted:
                yield name, [row["contributor"], issuer]
