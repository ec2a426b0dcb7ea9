"""Register labeled images: bytes into the store, rows into a contribution, the contribution into the log.

Invariants: rows are registered by (image's sha256, contributor); the same again is unchanged,
another label is a correction that names what it replaces; one bad row never voids the rest. A
killed import, run again, ends as if it had never been killed: blocks are put before rows are said,
and what is new is decided against the catalog each time. No file name and no person's name enters
a record: names stay in the catalog, a subject becomes a pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.catalog import images
from registry.content.folder import Folder, FolderRow
from registry.content.labels import Rejection
from registry.core import records, tables
from registry.core.cid import CID
from registry.workflows.parts import Parts
from registry.workflows.say import say, settle


@dataclass(frozen=True)
class NewRow:
    """One label as it is to be registered; ``contributor`` is filled in, ``subject`` is still a name."""

    row: int
    name: str
    sha256: bytes
    cid: CID
    size: int
    label: str
    contributor: str
    subject: str | None = None
    licence: str | None = None
    consent: str | None = None
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """What registering did; ``contribution`` is None where nothing was new."""

    contribution: CID | None
    registered: int
    unchanged: int
    corrected: int
    images: int
    rejected: tuple[Rejection, ...]
    new: frozenset[bytes] = frozenset()  # images with a label that was not known


def rows_of(folder: Folder, contributor: str) -> list[NewRow]:
    """A folder's rows, with the contributor who is assumed where none is named."""
    return [_new_row(row, contributor) for row in folder.rows]


def _new_row(found: FolderRow, contributor: str) -> NewRow:
    row = found.row
    return NewRow(
        row=row.row,
        name=row.file or row.cid or "",
        sha256=found.sha256,
        cid=found.cid,
        size=found.size,
        label=row.label,
        contributor=row.contributor or contributor,
        subject=row.subject,
        licence=row.licence,
        consent=row.consent,
        boxes=row.boxes,
        attributes=row.attributes,
    )


def split_contradictions(rows: Iterable[NewRow]) -> tuple[list[NewRow], list[Rejection]]:
    """One row for each (image, contributor); both sides of a contradiction are rejected."""
    grouped: dict[tuple[bytes, str], list[NewRow]] = {}
    for row in rows:
        grouped.setdefault((row.sha256, row.contributor), []).append(row)
    kept: list[NewRow] = []
    rejected: list[Rejection] = []
    for group in grouped.values():
        if len({row.label for row in group}) == 1:
            kept.append(group[0])
            continue
        reason = f"the same image has two labels: {' and '.join(sorted({row.label for row in group}))}"
        rejected += [Rejection(row.row, row.name, "contradicting_labels", reason) for row in group]
    return kept, rejected


def _table_row(db: Any, row: NewRow) -> dict[str, Any]:
    """The row as it stands in the contribution's table, its subject replaced by a pseudonym."""
    subject = images.pseudonym(db, row.subject) if row.subject else None
    return {
        "sha256": row.sha256,
        "contributor": row.contributor,
        "cid": bytes(row.cid),
        "size": row.size,
        "label": row.label,
        "boxes": [list(box) for box in row.boxes],
        "attributes": dict(row.attributes),
        "subject": subject,
        "licence": row.licence,
        "consent": row.consent,
        "replaces": None,
    }


_CONTENT = ("label", "boxes", "attributes", "subject", "licence", "consent")


def register(
    parts: Parts, rows: Iterable[NewRow], *, root: CID | None = None, profile: str | None = None
) -> Registered:
    """Register rows whose bytes are in the store; ``root`` is remembered as where their names come from."""
    settle(parts)
    given = list(rows)
    kept, rejected = split_contradictions(given)
    new: list[list[Any]] = []
    corrected = 0
    columns, key = records.CONTRIBUTION_ROWS
    with parts.catalog.write() as db:
        for row in given:
            images.put_image(db, row.sha256, row.size, {profile or "unknown": row.cid}, stored=True)
            if row.name and root is not None:
                images.add_file_name(db, row.sha256, row.name, root)
        for row in kept:
            value = _table_row(db, row)
            before = images.current_row(db, row.sha256, row.contributor)
            if before is not None and all(before[name] == value[name] for name in _CONTENT):
                continue
            if before is not None:
                corrected += 1
                value["replaces"] = bytes(before["contribution"])
            new.append([value[column] for column in columns])
    contribution = None
    if new:
        table = tables.build(columns, key, new, parts.store.put)
        parts.store.flush()
        contribution = say(parts, records.Contribution(rows=table)).record
    return Registered(
        contribution=contribution,
        registered=len(new) - corrected,
        unchanged=len(given) - len(rejected) - len(new),
        corrected=corrected,
        images=len({row.sha256 for row in given}),
        rejected=tuple(rejected),
        new=frozenset(row[columns.index("sha256")] for row in new),
    )
