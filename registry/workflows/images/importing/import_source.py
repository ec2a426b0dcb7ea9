"""Import a folder, a table, a CAR or a CID, and register its labels.

Invariants: blocks are stored and flushed before any row that names them is signed. A source that came by CID or CAR is
public already; a local folder's root stays private unless ``publish_source``. If nothing is registered, the document
says why, and what to do (``problem``). A dry run gives the same root, rows and rejections, and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from registry.catalog import private_data as private
from registry.catalog.queries.signed_records import releases
from registry.content.labels import Rejection, rejected
from registry.content.labels.labeled_folder import Folder, FolderRow
from registry.content.labels.tables.cid_table import cid_table
from registry.content.labels.tables.columns import Mapped
from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld.cid import CID
from registry.core.labeling.boxes import PIXEL
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS
from registry.core.log import Signer
from registry.core.progress import Progress, silent
from registry.spool import Spool
from registry.workflows.images.importing.dry_run import would_register, would_sign_as
from registry.workflows.images.importing.images_told import Images, has_remarks, remarks
from registry.workflows.images.importing.import_problem import forked, newer, problem_of
from registry.workflows.images.importing.read_source import Source, Wanted, read_source
from registry.workflows.images.registering.labeled_rows import NewRow, fit_row, new_row
from registry.workflows.images.registering.register_images import Registered, register
from registry.workflows.images.registering.speaker import ANYBODY, Speaker
from registry.workflows.local_issuers import publisher_text
from registry.workflows.log.index_logs import held_entries_before, index_logs, signed_in
from registry.workflows.parts import Parts
from registry.workflows.store import find_records as trace

PROFILES = ("unixfs-v1-2025", "unixfs-v0-2015")
SAMPLE = 20  # rows that a dry run shows


@dataclass
class _Rows:
    """What is to be registered of each root, and what was refused or cut on the way. ``pictures``: those of which
    something is to be said, each by the first row that names it."""

    rows: list[Spool[NewRow]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pictures: dict[bytes, FolderRow] = field(default_factory=dict)


def import_source(
    parts: Parts,
    source: str,
    *,
    profile: str = PROFILES[0],
    labels: Path | None = None,
    publish_source: bool = False,
    partial: bool = False,
    mapping: Mapped | None = None,
    follow_links: bool = False,
    dry_run: bool = False,
    cids: IO[bytes] | None = None,
    progress: Progress = silent,
    signer: Signer | None = None,
    speaker: Speaker = ANYBODY,
) -> dict[str, Any]:
    """Import ``source`` and register its rows; the document that `emotionet import --json` prints.

    ``partial`` keeps what verifies of a CAR file that is damaged or incomplete, and pins nothing of it. ``cids``: where
    to write the table of each file's CID, in a dry run too.
    ``signer``: this home's key unless given; none is made where there is nothing to sign. ``speaker``: in whose name
    rows may be; others are refused.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}", hint=f"use one of {', '.join(PROFILES)}.")
    read = read_source(parts, Wanted(source, profile, labels, mapping, partial, follow_links, dry_run), progress)
    signs = not dry_run and any(folder.rows for folder in read.folders)
    signer = (signer or parts.key) if signs else None
    issuer = signer.did if signer else would_sign_as(parts) if dry_run else ""
    found = _rows(read, issuer, speaker)
    if cids is not None:
        cids.write(cid_table((row for rows in found.rows for row in rows), issuer))
    if dry_run:
        statements = []
        for rows in found.rows:
            taken, refused = would_register(parts, issuer, rows)
            statements += taken
            found.rejected += refused
        would = [
            {"release": str(cid), "issuer": by, "published_by": publisher_text(parts, by)} for cid, by in read.releases
        ]
        sample = [_shown(row, issuer) for row in statements[:SAMPLE]]
        return {**_document(read, found, [], different(found, statements), statements, would), "sample": sample}
    _remember(parts, read, publish_source)
    return _registered(parts, Path(source), read, found, signer)


def _registered(parts: Parts, path: Path, read: Source, found: _Rows, signer: Signer | None) -> dict[str, Any]:
    """The document, after the source's log was indexed and its rows signed."""
    brought, wrong = _catalogued(parts, path, read)
    found.notes += [f"not indexed from the file's log: {one}" for one in dict.fromkeys(wrong)]
    # what a newer program wrote is asked first: it accuses nobody
    problem = None if read.kind == "folder" or brought else newer(parts, read.roots) or forked(wrong)
    images = Images(found.pictures, several=len(read.roots) > 1)
    done = [
        register(parts, signer, rows, root=root, report=images.count)
        for root, rows in zip(read.roots, found.rows, strict=True)
        if rows and signer
    ]
    found.rejected += [bad for one in done for bad in one.rejected]
    return _document(read, found, done, images, None, brought, problem)


def _shown(row: NewRow, issuer: str) -> dict[str, Any]:
    """A row as it was understood, for who looks before it is signed; contributor "": this registry."""
    said = {name: getattr(row, name) for name in ("row", "table", "name", *ANNOTATION_FIELDS)}
    said["contributor"] = "" if row.contributor == issuer else row.contributor
    boxes = [[side / PIXEL for side in box] for box in row.boxes]
    return {**said, "boxes": boxes, "sha256": row.sha256.hex(), "size": row.size}


def _rows(read: Source, issuer: str, speaker: Speaker) -> _Rows:
    """Rows with their boxes in their pictures, each in a name that ``speaker`` has."""
    made = _Rows()
    for folder in read.folders:
        rows = Spool(NewRow)
        made.rejected += folder.rejected
        made.notes += folder.notes
        for one in folder.rows:
            if has_remarks(one.picture):
                made.pictures.setdefault(one.sha256, one)
            try:
                name = speaker.of(issuer, one.row.contributor, signed=one.row.signature is not None)
                given = new_row(one.row, one.sha256, one.size, one.cid, name, one.picture.rights)
                row, cut = fit_row(given, one.picture)
            except InvalidInput as error:
                made.rejected.append(rejected(one.row.row, one.row.file or str(one.cid), error, one.row.table))
                continue
            rows.append(row)
            if cut is not None:
                made.notes.append(f"{_place(row)}: {cut}")
        made.rows.append(rows)
    return made


def _place(row: NewRow) -> str:
    """Where a row stands, as its rejection would name it."""
    return f"{row.table}:{row.row} ({row.name})" if row.table else f"row {row.row} ({row.name})"


def _remember(parts: Parts, read: Source, publish_source: bool) -> None:
    """Pin the roots, and know where they came from."""
    if read.partial is None:
        for root in read.roots:
            parts.store.pin(root)
    public = read.kind != "folder" or publish_source
    with parts.catalog.write() as db:
        for root in read.roots:
            private.add_source(db, root, kind=read.kind, private=not public, at=parts.now())


def _catalogued(parts: Parts, path: Path, read: Source) -> tuple[list[dict[str, str]], list[str]]:
    """Index the log that came with the source.

    Returns the releases that the source holds, with their issuers, and a sentence for each entry that could not be
    indexed (of a fork, for example, which an audit of what is held does not see).
    """
    if read.kind == "folder":
        return [], []
    wrong = index_logs(parts, signed_in(path) if read.kind == "car" else held_entries_before(parts, read.roots))
    brought = {str(trace.record_of(parts, root)) for root in read.roots}
    with parts.catalog.read() as db:
        found = [releases.find(db, CID.parse(cid)) for cid in sorted(brought)]
    releases_brought = [
        {"release": row["cid"], "issuer": row["issuer"], "published_by": publisher_text(parts, row["issuer"])}
        for row in found
        if row is not None
    ]
    return releases_brought, wrong


def _document(
    read: Source,
    found: _Rows,
    done: Sequence[Registered],
    images: Images,
    statements: Sequence[NewRow] | None,
    brought: list[dict[str, str]],
    newer: dict[str, str] | None = None,
) -> dict[str, Any]:
    rows = sum(len(folder.rows) + len(folder.rejected) for folder in read.folders)
    rejected = sorted(found.rejected, key=lambda one: (one.table, one.row))
    lacking, dry, would = read.partial, statements is not None, statements or ()
    return {
        "root": str(read.roots[0]),
        "roots": [str(root) for root in read.roots],
        "profile": read.made_by if read.kind == "folder" else None,
        "dry_run": dry,
        "rows": rows,
        "registered": len(would) if dry else sum(one.registered for one in done),
        "unchanged": None if dry else sum(one.unchanged for one in done),
        "corrected": None if dry else sum(one.corrected for one in done),
        "merged": rows - len(rejected) - len(would) if dry else sum(one.merged for one in done),
        "images": images.number,
        "images_reserved": images.reserved,
        "contribution": next((str(one.contribution) for one in reversed(done) if one.contribution), None),
        "labels": [_understood(folder) for folder in read.folders if folder.labels],
        "notes": found.notes,
        "unnamed": [path for folder in read.folders for path in folder.unnamed],
        "rejected": [
            {"table": r.table, "row": r.row, "name": r.name, "code": r.code, "reason": r.reason} for r in rejected
        ],
        **remarks(found.pictures[one] for one in found.pictures if one in images.fresh),
        "missing": [str(cid) for cid in lacking.missing] if lacking else [],
        "damaged": [str(cid) for cid in lacking.damaged] if lacking else [],
        "cut": lacking.cut if lacking else None,
        "releases": brought,
        "problem": None if brought else newer or problem_of(read, rows, rejected),
    }


def different(found: _Rows, fresh: Iterable[NewRow]) -> Images:
    """The images of all rows where none was registered here; ``fresh``: those that would be new."""
    rows = [row for part in found.rows for row in part]
    images = Images(found.pictures)
    images.number = len({row.sha256 for row in rows})
    images.reserved = len({row.sha256 for row in rows if row.reserves})
    images.fresh = {row.sha256 for row in fresh}
    return images


def _understood(folder: Folder) -> dict[str, Any]:
    """How a folder's labels were read."""
    assert folder.labels is not None
    labels = folder.labels
    return {"read_as": labels.read_as(), "columns": labels.columns, "left_out": list(labels.left_out)}
