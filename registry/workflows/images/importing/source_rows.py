"""What an import would register: the rows of a source with their images, each in a name that may be used.

Invariant: a row whose boxes don't lie in its picture, or that speaks in somebody else's name, is refused alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from registry.content.labels import LabelRow, Rejection, rejected
from registry.content.labels.labeled_folder import FolderRow
from registry.core.errors import InvalidInput
from registry.spool import Spool
from registry.workflows.images.importing.images_told import has_remarks
from registry.workflows.images.importing.read_source import Source
from registry.workflows.images.registering.labeled_rows import NewRow, fit_row, new_row
from registry.workflows.images.registering.speaker import Speaker


@dataclass
class SourceRows:
    """What is to be registered of each root, and what was refused or cut on the way. ``pictures``: those of which
    something is to be said, each by the first row that names it."""

    rows: list[Spool[NewRow]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pictures: dict[bytes, FolderRow] = field(default_factory=dict)
    waiting: list[NewRow] = field(default_factory=list)  # whose images are not here, and can be fetched


def name_of(speaker: Speaker, issuer: str, row: LabelRow) -> str:
    """Who says a row. ``NotYours`` where that is somebody else."""
    return speaker.of(issuer, row.contributor, signed=row.signature is not None)


def source_rows(read: Source, issuer: str, speaker: Speaker) -> SourceRows:
    """Rows with their boxes in their pictures, each in a name that ``speaker`` has."""
    made = SourceRows()
    for folder in read.folders:
        rows = Spool(NewRow)
        made.rejected += folder.rejected
        made.notes += folder.notes
        for one in folder.rows:
            if has_remarks(one.picture):
                made.pictures.setdefault(one.sha256, one)
            try:
                name = name_of(speaker, issuer, one.row)
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
