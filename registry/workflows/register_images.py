"""Register labeled images: bytes into the store, rows into a contribution, the contribution into the log.

Invariants: rows are registered by (image's sha256, contributor) of this issuer; the same again is unchanged,
anything else is a correction, which changes what it names, keeps the rest and names what it replaces; one
bad row never voids the rest. A killed import, run again, ends as if it had never been killed: blocks are
put before rows are said, and what is new is decided and said in one transaction. No file name and no
person's name enters a record: names stay in the catalog, a subject becomes a pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from registry.catalog import images
from registry.content.folder import Folder, FolderRow
from registry.content.labels import Rejection
from registry.core import records, tables
from registry.core.cid import CID
from registry.workflows.parts import Parts
from registry.workflows.say import Log, appending


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
    held: bool = True  # its bytes are in the store; False: only that the image is known


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


_NAMED = ("label", "subject", "licence", "consent", "boxes")  # a row that leaves one out says nothing of it


def _said(db: Session, row: NewRow) -> dict[str, Any]:
    """What the row itself says, its subject replaced by a pseudonym."""
    return {
        "label": row.label,
        "boxes": [list(box) for box in row.boxes],
        "attributes": dict(row.attributes),
        "subject": images.pseudonym(db, row.subject) if row.subject else None,
        "licence": row.licence,
        "consent": row.consent,
    }


def _corrected(said: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What counts from now on: what the row names, and of the row before whatever it does not mention."""
    kept = {name: said[name] or before[name] for name in _NAMED}
    return {**kept, "attributes": {**before["attributes"], **said["attributes"]}}


def _table_row(db: Session, row: NewRow, issuer: str) -> dict[str, Any] | None:
    """The row as it stands in the contribution's table; None if nothing in it is new.

    ``replaces`` names the contribution whose row it corrects.
    """
    value, replaces = _said(db, row), None
    before = images.current_row(db, row.sha256, issuer, row.contributor)
    if before is not None:
        value = _corrected(value, before)
        if all(before[name] == given for name, given in value.items()):
            return None
        replaces = bytes(before["contribution"])
    return {
        **value,
        "sha256": row.sha256,
        "contributor": row.contributor,
        "cid": bytes(row.cid),
        "size": row.size,
        "replaces": replaces,
    }


def register(
    parts: Parts,
    rows: Iterable[NewRow],
    *,
    root: CID | None = None,
    profile: str | None = None,
    log: Log | None = None,
) -> Registered:
    """Register rows whose blocks are in the store; ``root`` is remembered as where their names come from.

    What is new is decided, said and indexed in one transaction: ``log``'s where the caller has begun one.
    """
    given = list(rows)
    kept, rejected = split_contradictions(given)
    with nullcontext(log) if log else appending(parts) as mine:
        for row in given:
            images.put_image(mine.db, row.sha256, row.size, {profile or "unknown": row.cid}, stored=row.held)
            if row.name and root is not None:
                images.add_file_name(mine.db, row.sha256, row.name, root)
        new = [value for row in kept if (value := _table_row(mine.db, row, parts.key.did)) is not None]
        contribution = _say_rows(mine, new) if new else None
    corrected = sum(value["replaces"] is not None for value in new)
    return Registered(
        contribution=contribution,
        registered=len(new) - corrected,
        unchanged=len(given) - len(rejected) - len(new),
        corrected=corrected,
        images=len({row.sha256 for row in given}),
        rejected=tuple(rejected),
        new=frozenset(value["sha256"] for value in new),
    )


def _say_rows(log: Log, rows: list[dict[str, Any]]) -> CID:
    columns, key = records.CONTRIBUTION_ROWS
    store = log.parts.store
    table = tables.build(columns, key, [[row[name] for name in columns] for row in rows], store.put)
    store.flush()
    return log.say(records.Contribution(issuer=log.parts.key.did, rows=table)).record
