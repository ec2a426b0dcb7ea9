"""Level 1: every block hashes to its CID, none is missing, and every record, table and image is valid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from registry.core import records
from registry.core.errors import NewerVersion, NotFound
from registry.core.ipld.cid import CID, RAW, SHA2_256
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.encoding import LINKING, links
from registry.core.table import cells as table_cells
from registry.core.table import tables
from registry.core.text.cleaning import counted
from registry.provenance.base_lineage import lineage_blocks
from registry.provenance.checks.results import Check, Failed, NotChecked, NotHeld, guarded, once, run, some
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.target.withdrawals import Withdrawals

Row = dict[str, Any]


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    items = once(partial(_items, subject))
    yield run("1.blocks", partial(blocks, subject))
    yield run("1.complete", partial(complete, subject, items))
    yield run(
        "1.images",
        partial(images, subject, items),
    )
    yield run("1.records", partial(all_records, subject))
    yield run(
        "1.tables",
        partial(all_tables, subject),
    )


def blocks(subject: Subject) -> str:
    """1.blocks: none of the blocks at hand failed to verify."""
    if subject.damaged:
        raise Failed(f"damaged: {some(subject.damaged)}")
    return counted(len(subject.present), "block") if subject.present else ""


def _items(subject: Subject) -> list[Row]:
    """The row of every image of every snapshot that is reached."""
    snapshots = (one for one in subject.linked.records.values() if isinstance(one, records.Snapshot))
    lists = dict.fromkeys(one.items for one in snapshots)
    return [row for items in lists for row in subject.rows(items)]


def complete(subject: Subject, items: Any) -> str:
    """1.complete: the closure of the roots, the images aside; and how many blocks of a file nothing leads to."""
    try:
        subject.check_sizes()
    except Failed as error:
        raise NotChecked(f"the links of large tables were not followed: {error}") from error
    missing: list[CID] = []

    def get(cid: CID) -> bytes:
        try:
            return subject.get(cid)
        except NotFound:
            missing.append(cid)
            raise

    try:
        apart = {row["image"] for row in items()}
        reached = {cid for cid, _ in walk_closure(get, subject.roots, leave_out=apart.__contains__)}
    except NotFound as error:
        if subject.linked.newer:  # what it may leave out, as a snapshot's images, can't be told
            raise subject.linked.newer[0] from error
        if subject.in_part and not subject.damaged and error.code != "damaged":
            raise NotHeld(_not_held(len(missing) or 1, "block")) from error
        raise Failed(f"missing or damaged: {some(missing) or error}") from error
    _named_ones(subject)
    beside = _beside(subject, reached, [*apart, *guarded(partial(_past, subject), list[CID]())])
    said = counted(len(beside), "block of the file is", "blocks of the file are")
    return f"{said} not part of the audited target" if beside else ""


def _not_held(count: int, what: str) -> str:
    """A home may hold a part of what others issued: whoever follows an issuer has its records, not its files."""
    return f"at least {counted(count, f'{what} is', f'{what}s are')} not held here; `emotionet import` fetches the rest"


def _named_ones(subject: Subject) -> None:
    """``Failed`` where a release's file lacks the first entry of its log, or any file an entry that evidence names."""
    if subject.present and subject.is_release and subject.entry is not None:
        entry = records.parse_as(records.Entry, subject.get(subject.entry))
        if entry.log is not None and not _is_here(subject, entry.log):
            raise Failed(f"the first entry of the log, {CID.decode(entry.log)}, is missing")
    for cid in subject.evidence:
        evidence = records.parse_as(records.Evidence, subject.get(cid))
        if not _is_here(subject, evidence.entry):
            raise Failed(f"the file holds evidence of entry {CID.decode(evidence.entry)}, which is missing")


def _is_here(subject: Subject, named: bytes) -> bool:
    try:
        subject.get(CID.decode(named))
    except NotFound:
        return False
    return True


def _past(subject: Subject) -> list[CID]:
    """The blocks that tell what base weights were trained on."""
    plans = [one for one in subject.linked.records.values() if isinstance(one, records.Plan)]
    return [cid for plan in plans for cid in lineage_blocks(subject.get, plan)]


def _beside(subject: Subject, reached: set[CID], more: list[CID]) -> list[CID]:
    """The blocks of a file that neither what was reached, nor these trees, nor the log's entries account for."""
    while more:
        cid = more.pop()
        if cid in reached or cid not in subject.present:
            continue
        reached.add(cid)
        if cid.codec in LINKING:
            more += links(subject.get(cid), cid.codec)
    return [cid for cid in subject.present if cid not in reached and cid not in subject.entries]


def images(subject: Subject, items: Any) -> str:
    """1.images: their bytes are those that the rows state; all there, or all left out on purpose; withdrawn ones are
    excused by a signed entry of one who may take them back."""
    rows: list[Row] = items()
    if not rows:
        raise NotChecked("the target has no snapshot")
    missing = [row for row in rows if not _is_there(subject, row)]
    taken_back = Withdrawals(subject) if missing else None
    lost = [
        row["image"]
        for row in missing
        if taken_back and taken_back.of_image(row["sha256"], [bytes(row["image"])], row["contributors"]) is None
    ]
    if lost and len(missing) == len(rows) and not set(lost) & set(subject.damaged):
        one, many = (f"left out of the file, so {whose} bytes were" for whose in ("its", "their"))
        raise NotChecked(f"{counted(len(lost), f'image was {one}', f'images were {many}')} not checked")
    if lost and subject.in_part and not subject.damaged:
        raise NotChecked(_not_held(len(lost), "image"))
    if lost:
        raise Failed(f"images missing or damaged: {some(lost)}")
    seen = counted(len(rows) - len(missing), "image")
    gone = counted(len(missing), "withdrawn image is missing, as it", "withdrawn images are missing, as they")
    return f"{seen}; {gone} may be" if missing else seen


def _is_there(subject: Subject, row: Row) -> bool:
    try:
        _check_image(subject, row["image"], row)
    except NotFound:
        return False
    return True


def _check_image(subject: Subject, cid: CID, row: Row) -> None:
    if cid.codec == RAW and cid.hash_code == SHA2_256:  # its digest is that of the bytes, which get has checked
        sha256, size = cid.digest, subject.size_of(cid)
    else:
        digest, size = hashlib.sha256(), 0
        for piece in subject.reading.pieces(cid):
            digest.update(piece)
            size += len(piece)
        sha256 = digest.digest()
    if sha256 != row["sha256"]:
        raise Failed(f"image {cid} has the sha256 {sha256.hex()}, but its row states {row['sha256'].hex()}")
    if size != row["size"]:
        raise Failed(f"image {cid} has {size} bytes, but its row states {row['size']}")


def all_records(subject: Subject) -> str:
    """1.records: each parses, is written canonically, and stands where its type may; what is named is a CID."""
    found = subject.linked
    if found.wrong:
        raise Failed(some(found.wrong))
    if found.newer:
        raise found.newer[0]
    if not found.records:
        raise Failed("no record could be read")
    return counted(len(found.records), "record")


def all_tables(subject: Subject) -> str:
    """1.tables: order, uniqueness, boundaries, counts, columns and kinds of cells of every table that is linked to."""
    subject.check_sizes()
    newer: list[NewerVersion] = []
    for place, link in subject.linked.tables:
        kind, field = place
        try:
            table = tables.read(link, subject.get)
        except NewerVersion as error:
            newer.append(error)
            continue
        if table.shape != table_cells.SHAPES[place]:
            raise Failed(f"the table {link} ({field} of a {kind}) does not have the columns of its kind")
        for row in tables.iterate(link, subject.get):
            if said := table_cells.fault_of(place, row):
                raise Failed(f"a row in {field} of a {kind}: {said}")
    if newer:
        raise newer[0]
    return counted(len(subject.linked.tables), "table")
