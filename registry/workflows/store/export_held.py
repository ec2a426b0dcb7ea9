"""Write the closure of a record, image or directory as a CAR; of a release all that an offline audit needs.

Invariants: roots are the release's entry, the evidence, the entry that opens the issuer's log and names the chains
that count, and the entries that take images of it, its snapshot or itself back, complete with their closures; beside
them, as blocks alone, the entries on the way from the anchored one back to the plan's, and the records and tables (no
image) that tell what base weights were trained on. The file appears whole or not at all; the same content gives the
same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.catalog.queries import entries, withdrawals
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.log import walk_back
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.exports import car
from registry.files import whole_file
from registry.provenance.base_lineage import lineage_blocks
from registry.workflows.log.beside_entry import evidence_beside, newest_anchored, opening
from registry.workflows.own_issuers import own_issuers
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawal_entries import withdrawals_of


def _record(parts: Parts, cid: CID) -> records.Record | None:
    if cid.codec != DAG_CBOR:
        return None
    try:
        return records.parse(parts.store.get(cid))
    except EmotionetError as error:
        if error.code in {"not_a_record", "malformed_record"}:
            return None
        raise


def _content(parts: Parts, cid: CID, without_images: bool) -> car.Content:
    """Images that were taken back are not given out again."""
    with parts.catalog.read() as db:
        record_cid = entries.record_of(db, cid)
        entry = cid if record_cid != cid else entries.entry_of(db, cid, None)
    record = _record(parts, record_cid)
    roots, beside = [cid], list[CID]()
    if entry is not None and isinstance(record, records.Release):
        roots, beside = _of_release(parts, entry, record)
    taken_back = withdrawals_of(parts, record_cid, entry)
    left_out = _left_out(parts, record, None if without_images else taken_back)
    return car.Content(list(dict.fromkeys([*roots, *taken_back])), beside, left_out)


def _of_release(parts: Parts, entry: CID, release: records.Release) -> tuple[list[CID], list[CID]]:
    """The roots of a release's CAR, and what stands beside them."""
    own, plans = evidence_beside(parts, entry), evidence_beside(parts, release.plan_entry)
    newest = newest_anchored(parts, own) or entry
    way = [one for one, _ in walk_back(newest, release.plan_entry, parts.store.get)]
    plan = draw_view(parts.store.get, release.draw).plan
    return [entry, *own, *plans, *opening(parts, entry)], [*way, *lineage_blocks(parts.store.get, plan)]


def _left_out(parts: Parts, record: records.Record | None, taken_back: list[CID] | None) -> set[CID]:
    """Of the images of a release or a snapshot those that were taken back; all where no withdrawals are given."""
    if isinstance(record, records.Release):
        snapshot = draw_view(parts.store.get, record.draw).snapshot
    elif isinstance(record, records.Snapshot):
        snapshot = record
    else:
        return set()
    with parts.catalog.read() as db:
        gone = {cid for cid in withdrawals.rightly_withdrawn_cids(db, own_issuers(parts)) if not parts.store.has(cid)}
    if not taken_back and taken_back is not None and not gone:
        return set()
    targets = {_target(parts, cid) for cid in taken_back or ()}
    return {
        row["image"]
        for row in tables.rows_as_dicts(snapshot.items, parts.store.get)
        if taken_back is None or row["sha256"] in targets or bytes(row["image"]) in targets or row["image"] in gone
    }


def _target(parts: Parts, entry: CID) -> bytes:
    said = records.parse_as(records.Entry, parts.store.get(entry)).record
    return records.parse_as(records.Withdrawal, parts.store.get(said)).target


def export_held(parts: Parts, cid: CID, out: Path, *, without_images: bool = False) -> dict[str, Any]:
    """Write the CAR to ``out``; the document of `emotionet export --json`."""
    content = _content(parts, cid, without_images)
    with whole_file(out) as stream:
        count = car.write(content, parts.store.get, stream)
    return {"path": str(out), "roots": [str(root) for root in content.roots], "blocks": count, "size": stream.size}
