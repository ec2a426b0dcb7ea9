"""Write the closure of a record, image or directory as a CAR; of a release all that an offline audit needs.

Invariants: roots are the release's entry, the evidence, the entry that opens the issuer's log and names the chains
that count, and the entries that take images of it, its snapshot or itself back, complete with their closures; beside
them, as blocks alone, the entries on the way from the anchored one back to the plan's, and the records and tables (no
image) that tell what base weights were trained on. The file appears whole or not at all; the same content gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.catalog import entries
from registry.core import car, records, tables
from registry.core.cid import CID, DAG_CBOR
from registry.core.dag import walk_closure
from registry.core.errors import EmotionetError
from registry.core.log import read_entry, walk_back
from registry.provenance.base_lineage import lineage_blocks
from registry.provenance.lineage import draw_view
from registry.workflows.held_withdrawals import withdrawals_of
from registry.workflows.parts import Parts
from registry.workflows.whole_file import whole_file


def _record(parts: Parts, cid: CID) -> records.Record | None:
    if cid.codec != DAG_CBOR:
        return None
    try:
        return records.parse(parts.store.get(cid))
    except EmotionetError as error:
        if error.code in {"not_a_record", "malformed_record"}:
            return None
        raise


def _evidence(parts: Parts, entry: CID) -> list[CID]:
    """What covers an entry: the evidence of the nearest entry that was anchored."""
    with parts.catalog.read() as db:
        found = entries.evidence_for(db, entry)
    return [CID.parse(row["cid"]) for row in found if row["entry"] == found[0]["entry"]]


def _plan(parts: Parts, cid: CID) -> tuple[list[CID], list[CID], records.Release | None]:
    """The roots, and the entries to put beside them."""
    with parts.catalog.read() as db:
        record_cid = entries.record_of(db, cid)
        entry = cid if record_cid != cid else entries.entry_of(db, cid, None)
    record = _record(parts, record_cid)
    if entry is None or not isinstance(record, records.Release):
        taken_back = withdrawals_of(parts, record_cid, entry) if entry == cid else []
        return list(dict.fromkeys([cid, *taken_back])), [], None
    own, plans = _evidence(parts, entry), _evidence(parts, record.plan_entry)
    newest = entry
    if own:
        newest = CID.decode(records.parse_as(records.Evidence, parts.store.get(own[0])).entry)
    way = [one for one, _ in walk_back(newest, record.plan_entry, parts.store.get)]
    with parts.catalog.read() as db:
        first = entries.first(db, read_entry(entry, parts.store.get).issuer)
    opening = [first] if first is not None and parts.store.has(first) else []
    plan = draw_view(parts.store.get, record.draw).plan
    beside = [*way, *lineage_blocks(parts.store.get, plan)]
    taken_back = withdrawals_of(parts, record_cid, entry)
    return list(dict.fromkeys([entry, *own, *plans, *opening, *taken_back])), beside, record


def _images(parts: Parts, release: records.Release) -> set[CID]:
    draw = records.parse_as(records.Draw, parts.store.get(release.draw))
    plan = records.parse_as(records.Plan, parts.store.get(draw.plan))
    preprocessing = records.parse_as(records.Preprocessing, parts.store.get(plan.preprocessing))
    return _snapshot_images(parts, preprocessing.snapshot)


def _snapshot_images(parts: Parts, cid: CID) -> set[CID]:
    snapshot = records.parse_as(records.Snapshot, parts.store.get(cid))
    return {row["image"] for row in tables.rows_as_dicts(snapshot.items, parts.store.get)}


def export_blocks(
    parts: Parts, cid: CID, *, without_images: bool = False
) -> tuple[list[CID], Iterator[tuple[CID, bytes]]]:
    """The roots and the blocks of a CAR of ``cid``."""
    roots, beside, release = _plan(parts, cid)
    left_out: set[CID] = set()
    if without_images:
        record = _record(parts, cid)
        if release is not None:
            left_out = _images(parts, release)
        elif isinstance(record, records.Snapshot):
            left_out = _snapshot_images(parts, cid)

    def blocks() -> Iterator[tuple[CID, bytes]]:
        seen = set()
        for block in walk_closure(parts.store.get, roots, left_out.__contains__):
            seen.add(block[0])
            yield block
        for other in beside:
            if other not in seen:
                seen.add(other)
                yield other, parts.store.get(other)

    return roots, blocks()


def export_held(parts: Parts, cid: CID, out: Path, *, without_images: bool = False) -> dict[str, Any]:
    """Write the CAR to ``out``; the document of `emotionet export --json`."""
    roots, blocks = export_blocks(parts, cid, without_images=without_images)
    with whole_file(out) as stream:
        count = car.write(roots, blocks, stream)
    return {"path": str(out), "roots": [str(root) for root in roots], "blocks": count, "size": stream.size}
