"""Register labeled images: bytes into the store, rows into a contribution, the contribution into the log.

Invariants: within one issuer a row is identified by (image's sha256, contributor). The same row again changes nothing.
Any other row of the same key is a correction: it names the row that it replaces and keeps the values that it does not
change. One bad row does not stop the rest. A killed import that is run again ends with the same result: blocks are
stored before the rows that name them are signed, and one transaction decides which rows are new and signs them. No file
name and no person's name enters a record: the catalog holds names, and records hold pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from registry.catalog import private_data as private
from registry.catalog.queries.labeled_images import images
from registry.catalog.schema.database import Connection
from registry.content.labels import Rejection
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import LabeledRow, cells
from registry.core.log import Signer
from registry.core.table import tables
from registry.workflows.images.contribution_row import contribution_row
from registry.workflows.images.labeled_rows import NewRow, merge, rejection
from registry.workflows.log.append import LogTransaction, appending
from registry.workflows.parts import Parts


@dataclass(frozen=True)
class Registered:
    """What registering did; ``contribution`` is None where nothing was new. Counts are of statements, one for each
    (image, contributor); ``merged`` are rows that became part of another row's statement."""

    contribution: CID | None
    registered: int
    unchanged: int
    corrected: int
    images: int
    rejected: tuple[Rejection, ...]
    new: frozenset[bytes] = frozenset()  # images with a label that was not known
    merged: int = 0


MANY = 1000  # rows at once after which the catalog's planner is told


def register(
    parts: Parts,
    signer: Signer,
    rows: Iterable[NewRow],
    *,
    root: CID | None = None,
    log: LogTransaction | None = None,
) -> Registered:
    """Register rows whose blocks are in the store; ``root`` is remembered as where their names come from.

    What is new is decided, signed and indexed in one transaction: ``log``'s where the caller has begun one.
    """
    given = list(rows)
    kept, rejected = merge(given)
    with nullcontext(log) if log else appending(parts, signer) as transaction:
        for row in given:
            images.put_images(transaction.db, [(row.sha256, row.size, (row.cid,))], stored=row.held)
            if row.name and root is not None:
                private.add_file_name(transaction.db, row.sha256, row.name, root)
        new, refused = _decide(transaction.db, kept, signer.did)
        contribution = _append_rows(transaction, new) if new else None
    if log is None and len(new) >= MANY:
        parts.catalog.analyze()
    wrong = [*rejected, *(rejection(row, refused[row.key]) for row in given if row.key in refused)]
    corrected = sum(value.replaces is not None for value in new)
    return Registered(
        contribution=contribution,
        registered=len(new) - corrected,
        unchanged=len(kept) - len(new) - len(refused),
        corrected=corrected,
        images=len({row.sha256 for row in given}),
        rejected=tuple(wrong),
        new=frozenset(value.sha256 for value in new),
        merged=len(given) - len(wrong) - len(kept) + len(refused),
    )


def _decide(
    db: Connection, rows: Iterable[NewRow], issuer: str
) -> tuple[list[LabeledRow], dict[tuple[bytes, str], EmotionetError]]:
    """The rows of the next contribution, and by their key those that may not be in it."""
    new: list[LabeledRow] = []
    refused: dict[tuple[bytes, str], EmotionetError] = {}
    for row in rows:
        try:
            made = contribution_row(db, row, issuer)
        except (InvalidInput, Untrusted) as error:
            refused[row.key] = error
            continue
        if made is not None:
            new.append(made)
    return new, refused


def _append_rows(log: LogTransaction, rows: list[LabeledRow]) -> CID:
    shape = records.CONTRIBUTION_ROWS
    store = log.parts.store
    table = tables.build(shape, [cells(row, shape.columns) for row in rows], store.put)
    store.flush()
    return log.append(records.Contribution(issuer=log.signer.did, rows=table)).record
