"""Bring in a folder, a file, a CAR or a CID that is held, and register what its labels.csv says.

Invariants: bytes are in the store and flushed before any row is said; what came by CID or CAR is
public already; a local folder's root stays private unless ``publish_source``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.catalog import images, releases
from registry.content import folder as folders
from registry.content.car_import import Partial, import_car, import_partial
from registry.content.memory import NullSink
from registry.core.cid import CID
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.workflows import trace
from registry.workflows.fetch_content import ensure_held
from registry.workflows.find_places import with_place
from registry.workflows.index_logs import index_logs, log_behind, signed_in
from registry.workflows.own import whose
from registry.workflows.parts import Parts, Progress, silent
from registry.workflows.register_images import Registered, register, rows_of

PROFILES = ("unixfs-v1-2025", "unixfs-v0-2015")


def dry_run(path: Path, profile: str, progress: Progress = silent) -> CID:
    """The root CID that importing a local folder or file would give; nothing is kept."""
    return folders.import_folder(path, NullSink(), profile, progress).root


@dataclass(frozen=True)
class _Source:
    """What was read: ``roots`` of which the first is the folder's, how its CIDs were made ("unknown" where somebody
    else made them), its kind, and what a partial CAR lacks (None: it is whole)."""

    folder: folders.Folder
    roots: tuple[CID, ...]
    made_by: str
    kind: str
    partial: Partial | None = None


def _held(parts: Parts, root: CID, progress: Progress) -> folders.Folder:
    ensure_held(parts, root, progress)
    return folders.held_folder(parts.store, root, progress)


def _read_car(parts: Parts, path: Path, partial: bool, progress: Progress) -> _Source:
    kept = None
    with path.open("rb") as stream:
        if partial:
            kept = import_partial(parts.store, stream)
            roots = kept.roots
        else:
            roots = tuple(import_car(parts.store, stream))
    if not roots:
        raise InvalidInput(f"{path} names no root: export it again with one", code="car_without_root")
    whole = kept is None or not (kept.missing or kept.damaged or kept.cut)
    try:
        folder = folders.held_folder(parts.store, roots[0], progress)
    except NotFound:
        if whole:
            raise
        folder = folders.Folder(roots[0], False, (), ())  # its root or its labels.csv is what is missing
    return _Source(folder, roots, "unknown", "car", None if whole else kept)


def _read(parts: Parts, source: str, profile: str, partial: bool, progress: Progress) -> _Source:
    path = Path(source)
    if path.is_file() and path.suffix == ".car":
        return _read_car(parts, path, partial, progress)
    if partial:
        raise UsageError("--partial is for a CAR file: leave it away")
    if path.exists():
        found = folders.import_folder(path, parts.store, profile, progress, held=parts.store)
        parts.store.flush()
        return _Source(found, (found.root,), profile, "folder")
    try:
        root = CID.parse(source)
    except InvalidInput as error:
        raise UsageError(f"{source} is no folder, no file and no CID: check the path") from error
    return _Source(_held(parts, root, progress), (root,), "unknown", "cid")


def import_source(
    parts: Parts,
    source: str,
    *,
    profile: str = PROFILES[0],
    labels: Path | None = None,
    publish_source: bool = False,
    partial: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Import ``source`` and register its rows; the document that `emotionet import --json` prints.

    ``partial`` keeps what verifies of a CAR file that is damaged or incomplete, and pins nothing of it.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}: use one of {', '.join(PROFILES)}")
    read = _read(parts, source, profile, partial, progress)
    found = read.folder
    if labels is not None:
        found = folders.with_labels(parts.store, found, labels.read_bytes())
    if read.partial is None:
        for root in read.roots:
            parts.store.pin(root)
    public = read.kind != "folder" or publish_source
    with parts.catalog.write() as db:
        for root in read.roots:
            images.add_source(db, root, kind=read.kind, private=not public, at=parts.now())
    catalogued = _catalogued(parts, Path(source), read)
    rows = rows_of(found, parts.key.did) if found.rows else ()
    done = register(parts, rows, root=found.root, profile=read.made_by) if found.rows else None
    fresh = {row.cid: row.name for row in rows if done and row.sha256 in done.new}
    places = with_place(parts.store, [(name, cid) for cid, name in fresh.items()])
    return {**_document(read, found, done), "places": places, "releases": catalogued}


def _catalogued(parts: Parts, path: Path, read: _Source) -> list[dict[str, str]]:
    """Catalog the log of whoever exported a release; the releases that were brought, and whose they are."""
    if read.kind == "folder":
        return []
    index_logs(parts, signed_in(path) if read.kind == "car" else log_behind(parts, read.roots))
    brought = {str(trace.record_of(parts, root)) for root in read.roots}
    with parts.catalog.read() as db:
        found = [releases.find(db, CID.parse(cid)) for cid in sorted(brought)]
    return [
        {"release": row["cid"], "issuer": row["issuer"], "whose": whose(parts, row["issuer"])}
        for row in found
        if row is not None
    ]


def _document(read: _Source, found: folders.Folder, done: Registered | None) -> dict[str, Any]:
    rejected = sorted([*found.rejected, *(done.rejected if done else ())], key=lambda item: item.row)
    lacking = read.partial
    return {
        "root": str(found.root),
        "profile": read.made_by if read.kind == "folder" else None,
        "rows": len(found.rows) + len(found.rejected),
        "registered": done.registered if done else 0,
        "unchanged": done.unchanged if done else 0,
        "corrected": done.corrected if done else 0,
        "images": done.images if done else 0,
        "contribution": str(done.contribution) if done and done.contribution else None,
        "rejected": [{"row": r.row, "name": r.name, "code": r.code, "reason": r.reason} for r in rejected],
        "missing": [str(cid) for cid in lacking.missing] if lacking else [],
        "damaged": [str(cid) for cid in lacking.damaged] if lacking else [],
        "cut": lacking.cut if lacking else None,
    }
