"""Level 1: every block hashes to its CID, nothing is missing, every record and table is as it must be."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from registry.core import encoding, records, tables
from registry.core.cid import CID, DAG_CBOR
from registry.core.dag import walk_closure
from registry.core.errors import EmotionetError, NotFound
from registry.provenance.checks.report import Check, Doubt, Skip, run, some
from registry.provenance.checks.subject import Subject

TABLES = {
    ("contribution", "rows"): records.CONTRIBUTION_ROWS,
    ("snapshot", "items"): records.SNAPSHOT_ITEMS,
    ("snapshot", "excluded"): records.EXCLUDED,
    ("preprocessing", "output"): records.PREPARED,
    ("plan", "seen"): records.SEEN,
    ("draw", "folds"): records.FOLDS,
    ("training", "history"): records.HISTORY,
    ("evaluation", "predictions"): records.PREDICTIONS,
    ("evaluation", "curves"): records.CURVES,
}


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("1.blocks", "every block hashes to its CID", partial(blocks, subject))
    yield run("1.complete", "nothing that is linked is missing", partial(complete, subject))
    yield run("1.images", "every image is there", partial(images, subject))
    yield run("1.records", "every record is canonical and of a known type", partial(all_records, subject))
    yield run("1.tables", "every table is in order and has its columns", partial(all_tables, subject))


def blocks(subject: Subject) -> str:
    """1.blocks: none of the blocks at hand failed to verify."""
    if subject.damaged:
        raise Doubt(f"damaged: {some(subject.damaged)}")
    return ""


def _image_links(subject: Subject) -> dict[CID, bytes]:
    """Every image of every snapshot that the roots reach, and its sha256."""
    found: dict[CID, bytes] = {}
    for _, record in _reached(subject):
        if isinstance(record, records.Snapshot):
            for row in tables.rows_as_dicts(record.items, subject.get):
                found[row["image"]] = row["sha256"]
    return found


def _reached(subject: Subject) -> Iterator[tuple[CID, records.Record]]:
    """Records by following typed links, images and tables left aside."""
    stack, seen = list(reversed(subject.roots)), set()
    while stack:
        cid = stack.pop()
        if cid in seen or cid.codec != DAG_CBOR:
            continue
        seen.add(cid)
        try:
            value = encoding.decode(subject.get(cid))
        except EmotionetError:
            continue  # 1.complete and 1.blocks name it
        if not isinstance(value, dict) or value.get("type") not in records.TYPES:
            continue
        yield cid, records.parse(subject.get(cid))
        stack += reversed(encoding.links(subject.get(cid), DAG_CBOR))


def complete(subject: Subject) -> str:
    """1.complete: the closure of the roots, the images aside."""
    missing: list[CID] = []

    def get(cid: CID) -> bytes:
        try:
            return subject.get(cid)
        except NotFound:
            missing.append(cid)
            raise

    try:
        apart = _image_links(subject)
        for _ in walk_closure(get, subject.roots, leave_out=apart.__contains__):
            pass
    except NotFound as error:
        raise Doubt(f"missing or damaged: {some(missing) or error}") from error
    return ""


def images(subject: Subject) -> str:
    """1.images: all there, or all left out on purpose; withdrawn ones are excused by their withdrawal's entry."""
    links = _image_links(subject)
    if not links:
        raise Skip("no snapshot is reached from here")
    missing: dict[CID, bytes] = {}
    for cid, sha256 in links.items():
        try:
            for _ in walk_closure(subject.get, [cid]):
                pass
        except NotFound:
            missing[cid] = sha256
    excused = [cid for cid, sha256 in missing.items() if sha256 in subject.withdrawn or bytes(cid) in subject.withdrawn]
    lost = [cid for cid in missing if cid not in excused]
    if lost and len(missing) == len(links) and not set(lost) & set(subject.damaged):
        raise Skip(f"{len(lost)} images were left out: their bytes were not seen")
    if lost:
        raise Doubt(f"images missing or damaged: {some(lost)}")
    return f"{len(excused)} withdrawn images are not there" if excused else ""


def all_records(subject: Subject) -> str:
    """1.records: each parses and is written canonically."""
    count = sum(1 for _ in _reached(subject))
    if not count:
        raise Doubt("no record could be read")
    return f"{count} records"


def all_tables(subject: Subject) -> str:
    """1.tables: order, uniqueness, boundaries, counts and columns of every table that a record links to."""
    count = 0
    for cid, record in _reached(subject):
        kind = record.__struct_config__.tag
        for (name, field), (columns, key) in TABLES.items():
            if name != kind:
                continue
            link = getattr(record, field)
            if link is None:
                continue
            table = tables.read(link, subject.get)
            if (table.columns, table.key) != (columns, key):
                raise Doubt(f"{field} of {kind} {cid} has other columns than it must have")
            for _ in tables.iterate(link, subject.get):
                pass
            count += 1
    return f"{count} tables"
