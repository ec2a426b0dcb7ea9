"""The document of an import, as `emotionet import --json` prints it: of one that was done, sent, or only tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from registry.content.labels.labeled_folder import Folder
from registry.core.labeling.boxes import PIXEL
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS
from registry.workflows.images.importing.images_told import Images, remarks
from registry.workflows.images.importing.import_problem import problem_of
from registry.workflows.images.importing.read_source import Source
from registry.workflows.images.importing.source_rows import SourceRows
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.images.registering.register_images import Registered

SAMPLE = 20  # rows that a dry run shows


def import_document(
    read: Source,
    found: SourceRows,
    done: Sequence[Registered],
    images: Images,
    statements: Sequence[NewRow] | None,
    brought: list[dict[str, str]],
    newer: dict[str, str] | None = None,
    referenced: int = 0,
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
        "referenced": referenced,
        "merged": rows - len(rejected) - len(would) - referenced if dry else sum(one.merged for one in done),
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


def different(found: SourceRows, fresh: Iterable[NewRow]) -> Images:
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


def shown(row: NewRow, issuer: str) -> dict[str, Any]:
    """A row as it was understood, for who looks before it is signed; contributor "": this registry."""
    said = {name: getattr(row, name) for name in ("row", "table", "name", *ANNOTATION_FIELDS)}
    said["contributor"] = "" if row.contributor == issuer else row.contributor
    boxes = [[side / PIXEL for side in box] for box in row.boxes]
    return {**said, "boxes": boxes, "sha256": row.sha256.hex(), "size": row.size}
