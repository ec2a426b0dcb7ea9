"""Import a folder, a table, a CAR or a CID, and register its labels.

Invariants: blocks are stored and flushed before any row that names them is signed. A source that came by CID or CAR is
public already; a local folder's root stays private unless ``publish_source``. If nothing is registered, the document
says why, and what to do (``problem``). A dry run gives the same root, rows and rejections, and stores nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from registry.catalog import private_data as private
from registry.catalog.queries.signed_records import releases
from registry.content.labels.labeled_folder import Folder
from registry.content.labels.tables.cid_table import cid_table
from registry.content.labels.tables.columns import Mapped
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.core.progress import Progress, silent
from registry.workflows.images.importing.by_reference import Referred, by_reference, refer
from registry.workflows.images.importing.dry_run import would_register, would_sign_as
from registry.workflows.images.importing.images_told import Images
from registry.workflows.images.importing.import_document import SAMPLE, different, import_document, shown
from registry.workflows.images.importing.import_problem import forked, newer
from registry.workflows.images.importing.read_source import Source, Wanted, read_source
from registry.workflows.images.importing.source_rows import SourceRows, name_of, source_rows
from registry.workflows.images.registering.labeled_rows import merge
from registry.workflows.images.registering.register_images import Registered, register
from registry.workflows.images.registering.speaker import ANYBODY, Speaker
from registry.workflows.local_issuers import publisher_text
from registry.workflows.log.index_logs import held_entries_before, index_logs, signed_in
from registry.workflows.parts import Parts
from registry.workflows.store import find_records as trace
from registry.workflows.withdrawals.remove_bytes import finish_removals

PROFILES = ("unixfs-v1-2025", "unixfs-v0-2015")


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
    signs = not dry_run and any(folder.rows or _names_others(parts, folder) for folder in read.folders)
    signer = (signer or parts.key) if signs else None
    issuer = signer.did if signer else would_sign_as(parts) if dry_run else ""
    found = source_rows(read, issuer, speaker)
    if parts.source is not None:
        found.waiting = by_reference(read.folders, found.rejected, lambda row: name_of(speaker, issuer, row))
    if cids is not None:
        cids.write(cid_table((row for rows in found.rows for row in rows), issuer))
    if dry_run:
        return _would_register(parts, read, found, issuer)
    _remember(parts, read, publish_source)
    done = _registered(parts, Path(source), read, found, signer)
    finish_removals(parts)  # bytes of what was withdrawn may have come back, or withdrawals with a log
    return done


def _names_others(parts: Parts, folder: Folder) -> bool:
    """Whether rows name images that are not here and can be fetched."""
    return parts.source is not None and any(bad.code == "not_held" for bad in folder.rejected)


def _would_register(parts: Parts, read: Source, found: SourceRows, issuer: str) -> dict[str, Any]:
    """The document of a dry run."""
    statements = []
    for rows in found.rows:
        taken, refused = would_register(parts, issuer, rows)
        statements += taken
        found.rejected += refused
    waiting, refused = merge(found.waiting)
    found.rejected += refused
    would = [
        {"release": str(cid), "issuer": by, "published_by": publisher_text(parts, by)} for cid, by in read.releases
    ]
    document = import_document(
        read, found, [], different(found, statements), statements, would, referenced=len(waiting)
    )
    return {**document, "sample": [shown(row, issuer) for row in statements[:SAMPLE]]}


def _registered(parts: Parts, path: Path, read: Source, found: SourceRows, signer: Signer | None) -> dict[str, Any]:
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
    referred = refer(parts, signer.did, found.waiting) if signer else Referred(())
    found.rejected += [*(bad for one in done for bad in one.rejected), *referred.rejected]
    done.append(Registered(merged=referred.rows - referred.number))
    return import_document(read, found, done, images, None, brought, problem, referenced=referred.number)


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
