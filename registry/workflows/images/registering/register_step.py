"""One step of registering: some thousand rows are compared with the catalog in a few statements, and signed together.

Invariants: everything is decided and written in the log's transaction, so what was new when it was decided is new when
it commits; of one step comes one contribution at most, whose table is built from its sorted rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import replace

from registry.catalog import private_data as private
from registry.catalog.index.image_counts import labels_by_image
from registry.catalog.index.table_rows import MadeRows
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.rows import newest_rows, replaced_by
from registry.content.labels.boxes import MAX_BOXES
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import LabeledRow, cells
from registry.core.table import tables
from registry.workflows.images.registering.contribution_row import contribution_row, named
from registry.workflows.images.registering.labeled_rows import NewRow, one_statement, too_many_rows
from registry.workflows.images.registering.row_groups import Group
from registry.workflows.log.append import LogTransaction

Status = Literal["registered", "unchanged", "corrected", "rejected"]


@dataclass(slots=True)
class Statement:
    """All that one contributor says of one image, and what becomes of it: ``made`` is its new row, ``error`` why it is
    refused; neither: nothing in it is new."""

    rows: Sequence[NewRow]
    row: NewRow | None = None
    made: LabeledRow | None = None
    error: EmotionetError | None = None
    earlier: Status | None = None  # what an earlier try at the same request has made of it

    @property
    def status(self) -> Status:
        """What became of it."""
        if self.error is not None:
            return "rejected"
        if self.earlier is not None:
            return self.earlier
        if self.made is None:
            return "unchanged"
        return "registered" if self.made.replaces is None else "corrected"

    def outcomes(self) -> Iterator[tuple[NewRow, Status]]:
        """What became of each row: those of a statement became the same, one that is said twice unchanged."""
        status = self.status
        if len(self.rows) == 1 or status == "rejected":
            yield from ((row, status) for row in self.rows)
            return
        for place, row in enumerate(self.rows):
            again = any(replace(other, row=row.row) == row for other in self.rows[: min(place, MAX_BOXES)])
            yield row, "unchanged" if again else status


@dataclass(slots=True)
class Step:
    """What a step did."""

    statements: list[Statement] = field(default_factory=list)
    contribution: CID | None = None


def register_step(log: LogTransaction, groups: Sequence[Group], root: CID | None, before: Collection[CID] = ()) -> Step:
    """Register the rows of these groups, which are sorted, in a transaction that was begun.

    ``before``: contributions of an earlier try at the same request; what they say is not said again.
    """
    statements = [statement_of(group) for group in groups]
    if before:
        _mark_earlier(log, statements, before)
    _decide(log, [one for one in statements if one.row is not None and one.earlier is None])
    made = [one.made for one in statements if one.made is not None]
    put = _put_images(log, [row for group in groups for row in group.rows], root, labels_by_image(made))
    return Step(statements, _append(log, MadeRows(made, put)) if made else None)


def statement_of(group: Group) -> Statement:
    """What a group says together, or why it is refused."""
    if len(group.rows) == 1 and not group.too_large:
        return Statement(group.rows, group.rows[0])
    try:
        if group.too_large:
            raise too_many_rows()
        return Statement(group.rows, one_statement(group.rows))
    except InvalidInput as error:
        return Statement(group.rows, error=error)


def _mark_earlier(log: LogTransaction, statements: Sequence[Statement], before: Collection[CID]) -> None:
    said = replaced_by(log.db, before, {one.rows[0].sha256 for one in statements})
    for one in statements:
        key = one.rows[0].key
        if one.row is not None and key in said:
            one.earlier = "registered" if said[key] is None else "corrected"


def _put_images(log: LogTransaction, rows: Sequence[NewRow], root: CID | None, labels: Mapping[str, int]) -> set[str]:
    """Know the images of all rows, those of refused ones too; the sha256s of those that are new."""
    new: set[str] = set()
    for held in (True, False):
        found = [(row.sha256, row.size, (row.cid,)) for row in rows if row.held is held]
        if found:
            new |= images.put_images(log.db, found, stored=held, labels=labels)
    if root is not None:
        private.add_file_names(log.db, root, ((row.sha256, row.name) for row in rows if row.name))
    return new


def _decide(log: LogTransaction, statements: Sequence[Statement]) -> None:
    rows = [one.row for one in statements if one.row is not None]
    before = newest_rows(log.db, log.signer.did, {row.sha256 for row in rows})
    names = {name for row in rows if (name := named(row)) is not None}
    pseudonyms = private.pseudonyms(log.db, names) if names else {}
    for statement, row in zip(statements, rows, strict=True):
        complete(statement, row, before.get(row.key), pseudonyms)


def complete(
    statement: Statement, row: NewRow, before: Mapping[str, Any] | None, pseudonyms: Mapping[str, str]
) -> None:
    """Decide what becomes of its ``row``, whose contributor's newest row is ``before``."""
    try:
        statement.made = contribution_row(row, before, pseudonyms)
    except (InvalidInput, Untrusted) as error:
        statement.error = error


def _append(log: LogTransaction, made: MadeRows) -> CID:
    shape, store = records.CONTRIBUTION_ROWS, log.parts.store
    table = tables.TableWriter(shape, store.put_own)
    for row in made.rows:
        table.add(cells(row, shape.columns))
    rows = table.end()
    store.flush()
    return log.append(records.Contribution(issuer=log.signer.did, rows=rows), made=made).record
