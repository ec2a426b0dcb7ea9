"""Write the closure of a record, image or directory as a CAR; of a release everything that an offline audit needs.

Invariants: a release's CAR has these roots, each with its closure: the release's entry, the evidence, the first entry
of the issuer's log (it names the chains that count), the entries that changed its keys, and the entries that withdraw
the release, its snapshot or its images. Beside them, as single blocks, it holds the entries between the plan's and the
anchored one, those that say the snapshot's contributions, the records and tables (no images) that show what base
weights were trained on, and the names and the profile of its issuer (``carried_names``). The file appears whole or not
at all. The same content gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from registry.catalog.queries import exported
from registry.catalog.queries.signed_records import entries, withdrawals
from registry.core import records
from registry.core.errors import EmotionetError, Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import walk_closure
from registry.core.log import walk_back
from registry.core.progress import Progress, silent
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.core.unusable import refuse_unusable
from registry.exports import car
from registry.files import whole_file
from registry.provenance.base_lineage import lineage_blocks
from registry.workflows.log.linked_entries import (
    changes_of_keys,
    contribution_entries,
    covering_evidence,
    first_entry,
    newest_anchored,
)
from registry.workflows.names.carried import carried_names
from registry.workflows.parts import Parts
from registry.workflows.store.published_audits import audit_entries
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
        roots, beside = _of_release(parts, record_cid, entry, record)
    taken_back = withdrawals_of(parts, record_cid, entry)
    left_out = _left_out(parts, record, None if without_images else taken_back)
    audits = audit_entries(parts, record_cid) if isinstance(record, records.Release) else []
    return car.Content(list(dict.fromkeys([*roots, *taken_back, *audits])), beside, left_out)


def _of_release(parts: Parts, cid: CID, entry: CID, release: records.Release) -> tuple[list[CID], list[CID]]:
    """The roots of a release's CAR, and what stands beside them."""
    own, plans = covering_evidence(parts, entry), covering_evidence(parts, release.plan_entry)
    newest = newest_anchored(parts, own) or entry
    way = [one for one, _ in walk_back(newest, release.plan_entry, parts.store.get)]
    draw = draw_view(parts.store.get, release.draw)
    beside = [*way, *contribution_entries(parts, draw.snapshot)]
    beside += [*lineage_blocks(parts.store.get, draw.plan), *carried_names(parts, cid, entry)]
    return [entry, *own, *plans, *first_entry(parts, entry), *changes_of_keys(parts, entry)], beside


def _left_out(parts: Parts, record: records.Record | None, taken_back: list[CID] | None) -> set[CID]:
    """The images of a release or snapshot to leave out: the withdrawn ones, or all of them where no withdrawals are
    given.
    """
    snapshot = _snapshot(parts, record)
    if snapshot is None:
        return set()
    with parts.catalog.read() as db:
        gone = {cid for cid in withdrawals.cids_of_withdrawn(db) if not parts.store.has(cid)}
    if not taken_back and taken_back is not None and not gone:
        return set()
    targets = {_target(parts, cid) for cid in taken_back or ()} - {None}
    return {
        row["image"]
        for row in tables.rows_as_dicts(snapshot.items, parts.store.get)
        if taken_back is None or row["sha256"] in targets or bytes(row["image"]) in targets or row["image"] in gone
    }


def _snapshot(parts: Parts, record: records.Record | None) -> records.Snapshot | None:
    """A release's, or the record itself; None of anything else."""
    if isinstance(record, records.Release):
        return draw_view(parts.store.get, record.draw).snapshot
    return record if isinstance(record, records.Snapshot) else None


def _target(parts: Parts, entry: CID) -> bytes | None:
    """What a withdrawal takes back whole; None of one of rows."""
    said = records.parse_as(records.Entry, parts.store.get(entry)).record
    record = records.parse_as(records.Withdrawal, parts.store.get(said))
    return record.target if record.whole else None


class Size(NamedTuple):
    """What a CAR will hold: bytes beside the images, the number of images and their bytes."""

    other: int
    images: int
    image_bytes: int

    @property
    def total(self) -> int:
        """Bytes in all; the file is some per mille larger."""
        return self.other + self.image_bytes


def export_size(parts: Parts, cid: CID, *, without_images: bool = False) -> Size:
    """Before it is written. Images are added up from the snapshot's rows, all else is read once."""
    content = _content(parts, cid, without_images)
    with parts.catalog.read() as db:
        snapshot = _snapshot(parts, _record(parts, entries.record_of(db, cid)))
    items = [] if snapshot is None else list(tables.rows_as_dicts(snapshot.items, parts.store.get))
    apart = {row["image"] for row in items} | set(content.left_out)
    sizes = [row["size"] for row in items if row["image"] not in content.left_out]
    other = sum(len(data) for _, data in walk_closure(parts.store.get, content.roots, apart.__contains__))
    return Size(other, len(sizes), sum(sizes))


def export_held(
    parts: Parts, cid: CID, out: Path, *, without_images: bool = False, progress: Progress = silent, total: int = 0
) -> dict[str, Any]:
    """Write the CAR to ``out``; the document of `emotionet export --json`. ``progress`` is told of bytes, of ``total``
    where that is known."""
    content = _content(parts, cid, without_images)
    done = 0

    def get(block: CID) -> bytes:
        nonlocal done
        data = parts.store.get(block)
        done += len(data)
        progress("export", min(done, total) if total else done, total)
        return data

    with whole_file(out) as stream:
        count = car.write(content, get, stream)
    progress("export", total or done, total)
    with suppress(Unavailable), parts.catalog.write(serial=False) as db:  # a home may be there to be read alone
        exported.note(db, str(entries.record_of(db, cid)), "car", parts.now())
    return {"path": str(out), "roots": [str(root) for root in content.roots], "blocks": count, "size": stream.size}


def export_pieces(
    parts: Parts, cid: CID, *, without_images: bool = False, hides: Callable[[CID], bool] = lambda cid: False
) -> Iterator[bytes]:
    """The bytes of the CAR in pieces, without what ``hides`` names. Before the first: ``NotFound`` if a block is not
    held, ``InvalidInput`` for a stranger's tables that are none."""
    with refuse_unusable():
        content = _content(parts, cid, without_images)
    return car.pieces(content, parts.store, hides)
