"""Bring in a folder, a file, a CAR or a CID that is held, and register what its labels.csv says.

Invariants: bytes are in the store and flushed before any row is said; what came by CID or CAR is
public already; a local folder's root stays private unless ``publish_source``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.catalog import images
from registry.content import folder as folders
from registry.content.car_import import import_car
from registry.content.memory import NullSink
from registry.core.cid import CID
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.workflows.parts import Parts, Progress, silent
from registry.workflows.register_images import Registered, register, rows_of

PROFILES = ("unixfs-v1-2025", "unixfs-v0-2015")


def dry_run(path: Path, profile: str, progress: Progress = silent) -> CID:
    """The root CID that importing a local folder or file would give; nothing is kept."""
    return folders.import_folder(path, NullSink(), profile, progress).root


def _held(parts: Parts, root: CID, progress: Progress) -> folders.Folder:
    if not parts.store.has(root):
        raise NotFound(f"{root} is not held here and no gateway is set up: import its folder or a CAR file of it")
    return folders.held_folder(parts.store, root, progress)


def _read(parts: Parts, source: str, profile: str, progress: Progress) -> tuple[folders.Folder, str, str]:
    """The folder, the profile its CIDs follow ("unknown" where somebody else made them), and its kind."""
    path = Path(source)
    if path.is_file() and path.suffix == ".car":
        with path.open("rb") as stream:
            roots = import_car(parts.store, stream)
        if not roots:
            raise InvalidInput(f"{source} names no root: export it again with one", code="car_without_root")
        return _held(parts, roots[0], progress), "unknown", "car"
    if path.exists():
        found = folders.import_folder(path, parts.store, profile, progress, held=parts.store)
        parts.store.flush()
        return found, profile, "folder"
    try:
        root = CID.parse(source)
    except InvalidInput as error:
        raise UsageError(f"{source} is no folder, no file and no CID: check the path") from error
    return _held(parts, root, progress), "unknown", "cid"


def import_source(
    parts: Parts,
    source: str,
    *,
    profile: str = PROFILES[0],
    labels: Path | None = None,
    publish_source: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Import ``source`` and register its rows; the document that `emotionet import --json` prints."""
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}: use one of {', '.join(PROFILES)}")
    found, made_by, kind = _read(parts, source, profile, progress)
    if labels is not None:
        found = folders.with_labels(parts.store, found, labels.read_bytes())
    parts.store.pin(found.root)
    public = kind != "folder" or publish_source
    with parts.catalog.write() as db:
        images.add_source(db, found.root, kind=kind, private=not public, at=parts.now())
    done = register(parts, rows_of(found, parts.key.did), root=found.root, profile=made_by) if found.rows else None
    return _document(found, made_by if kind == "folder" else None, done)


def _document(found: folders.Folder, profile: str | None, done: Registered | None) -> dict[str, Any]:
    rejected = sorted([*found.rejected, *(done.rejected if done else ())], key=lambda item: item.row)
    return {
        "root": str(found.root),
        "profile": profile,
        "rows": len(found.rows) + len(found.rejected),
        "registered": done.registered if done else 0,
        "unchanged": done.unchanged if done else 0,
        "corrected": done.corrected if done else 0,
        "images": done.images if done else 0,
        "contribution": str(done.contribution) if done and done.contribution else None,
        "rejected": [{"row": r.row, "name": r.name, "code": r.code, "reason": r.reason} for r in rejected],
    }
