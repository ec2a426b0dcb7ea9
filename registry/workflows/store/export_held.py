"""Write the closure of a record, image or directory as a CAR; of a release everything that an offline audit needs.

Invariants: a release's CAR has these roots, each with its closure: the release's entry, the evidence, the first entry
of the issuer's log (it names the chains that count), and the entries that withdraw the release, its snapshot or its
images. Beside them, as single blocks, it holds the entries between the plan's and the anchored one, and the records and
tables (no images) that show what base weights were trained on. The file appears whole or not at all. The same content
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from registry.workflows.local_issuers import local_issuers
from registry.workflows.log.linked_entries import covering_evidence, first_entry, newest_anchored
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
    """The closure without withdrawn images."""
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
    own, plans = covering_evidence(parts, entry), covering_evidence(parts, release.plan_entry)
    newest = newest_anchored(parts, own) or entry
    way = [one for one, _ in walk_back(newest, release.plan_entry, parts.store.get)]
    plan = draw_view(parts.store.get, release.draw).plan
    return [entry, *own, *plans, *first_entry(parts, entry)], [*way, *lineage_blocks(parts.store.get, plan)]


def _left_out(parts: Parts, record: records.Record | None, taken_back: list[CID] | None) -> set[CID]:
    """The images of a release or snapshot to leave out: the withdrawn ones, or all of them where no withdrawals are
    given.
    """
    if isinstance(record, records.Release):
        snapshot = draw_view(parts.store.get, record.draw).snapshot
    elif isinstance(record, records.Snapshot):
        snapshot = record
    else:
        return set()
    with parts.catalog.read() as db:
        gone = {cid for cid in withdrawals.rightly_withdrawn_cids(db, local_issuers(parts)) if not parts.store.has(cid)}
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


def export_pieces(
    parts: Parts, cid: CID, *, without_images: bool = False, hides: Callable[[CID], bool] = lambda cid: False
) -> Iterator[bytes]:
    """The bytes of the CAR in pieces, without what ``hides`` names. ``NotFound`` before the first if a block is not
    held."""
    return car.pieces(_content(parts, cid, without_images), parts.store, hides)
