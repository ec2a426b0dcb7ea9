"""Rows of contributions, as rows of SQL.

Invariants: a row is taken only if it has exactly the columns and kinds of values that ``registry.core.records`` states
(a stranger wrote it), and only under the contribution's own issuer, whoever else signs an entry for it. A contribution
has one place in that issuer's log: the first that an entry gives it, whichever entry is indexed first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from registry.catalog.database.bulk import insert_tuples
from registry.catalog.database.sql import among, insert_new, int64
from registry.catalog.index.image_counts import count_fresh, kept_counts
from registry.catalog.index.taken_back import by_other_names
from registry.catalog.queries.labeled_images.images import labelled, put_images
from registry.catalog.queries.signed_records.withdrawn_rows import mark, touching
from registry.catalog.schema import derived
from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID, RAW
from registry.core.ipld.cid_texts import texts
from registry.core.ipld.dag import Get
from registry.core.labeling.labeled_row import MAPS, TEXTS, LabeledRow, malformed, read
from registry.core.labeling.row_signature import verify
from registry.core.table import tables
from registry.core.table.columns import Shape

BATCH = 1000
_RAW = bytes((1, RAW))  # how CIDs begin that say the sha256 themselves
_ROWS = derived.contribution_rows
_NAMES = (
    *("contribution", "sha256", "issuer", "contributor", "ordinal", "cid", "size", "label", "boxes"),
    *MAPS,
    *TEXTS,
    *("replaces", "signature"),
)
_maps, _texts = attrgetter(*MAPS), attrgetter(*TEXTS)
T = TypeVar("T")


class MadeRows(NamedTuple):
    """Rows of which a contribution's table was just made here, sorted by its key; whoever made it has put their images:
    ``put`` are those that are new, whose ``labels`` are right already."""

    rows: Sequence[LabeledRow]
    put: Collection[str] = frozenset()


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _checked(values: dict[str, Any], written: Shape) -> LabeledRow:
    row = read(values)
    verify(row, written)
    int64(row.size, "a size")
    return row


def index_rows(
    db: sa.Connection,
    cid: CID,
    record: records.Contribution,
    entry: records.Entry,
    get: Get,
    made: MadeRows | None = None,
) -> None:
    """Index the rows of a contribution that ``entry`` says; ``made``: those of which its table was just made here.

    ``InvalidInput`` ``malformed_rows`` for rows of another kind, ``Untrusted`` for a table out of shape, or where
    the contribution is another issuer's (``foreign_contribution``).
    """
    if record.issuer != entry.issuer:
        raise Untrusted(
            f"{entry.issuer} can't sign {cid}, a contribution of {record.issuer}", code="foreign_contribution"
        )
    ordinal = f"{entry.issuer} {entry.seq:020d}"
    mine = derived.contributions.c.cid == str(cid)
    known = db.scalar(sa.select(derived.contributions.c.ordinal).where(mine))
    if known is not None:
        if ordinal < known:
            db.execute(sa.update(derived.contributions).where(mine).values(ordinal=ordinal))
            named = _ROWS.c.contribution == str(cid)
            with kept_counts(db, db.scalars(sa.select(_ROWS.c.sha256).where(named))):
                db.execute(sa.update(_ROWS).where(named).values(ordinal=ordinal))
        return
    table = tables.read(record.rows, get)
    if table.shape != records.CONTRIBUTION_ROWS:
        raise malformed("it has other columns")
    header = {"cid": str(cid), "rows": str(record.rows), "count": int64(table.count, "the count"), "ordinal": ordinal}
    insert_new(db, derived.contributions, [header])
    if made is not None:
        _write(db, str(cid), entry.issuer, ordinal, made)
        return
    for batch in _batches(_checked(one, table.written) for one in tables.rows_as_dicts(record.rows, get)):
        put_images(db, [(row.sha256, row.size, (CID.decode(row.cid),)) for row in batch], stored=False)
        _write(db, str(cid), entry.issuer, ordinal, MadeRows(batch))


def _write(db: sa.Connection, contribution: str, issuer: str, ordinal: str, made: MadeRows) -> None:
    """Rows of one contribution, sorted by its table's key."""
    rows = made.rows
    names = {row.sha256.hex() for row in rows}
    by_other_names(db, {str(CID.decode(row.cid)) for row in rows if not row.cid.startswith(_RAW)})
    if touching(db, issuer, {(row.sha256.hex(), row.contributor) for row in rows}):
        with kept_counts(db, names):
            insert_tuples(db, _ROWS, _NAMES, _values(contribution, issuer, ordinal, rows))
            mark(db, _ROWS.c.contribution == contribution, among(db, _ROWS.c.sha256, names))
        _correct(db, contribution, rows)
        return
    known = labelled(db, names - set(made.put))
    with kept_counts(db, known):
        insert_tuples(db, _ROWS, _NAMES, _values(contribution, issuer, ordinal, rows))
    if fresh := [row for row in rows if row.sha256.hex() not in known] if known else rows:
        count_fresh(db, contribution, fresh, made.put)
    _correct(db, contribution, rows)


def _correct(db: sa.Connection, contribution: str, rows: Sequence[LabeledRow]) -> None:
    corrected = {str(CID.decode(row.replaces)) for row in rows if row.replaces}
    edges = [{"record": contribution, "target": target, "relation": "corrects"} for target in sorted(corrected)]
    insert_new(db, derived.mentions, edges)


def _values(contribution: str, issuer: str, ordinal: str, rows: Sequence[LabeledRow]) -> list[tuple[Any, ...]]:
    """In the order of ``_NAMES``."""
    return [
        (
            contribution,
            row.sha256.hex(),
            issuer,
            row.contributor,
            ordinal,
            cid,
            row.size,
            row.label,
            json.dumps(row.boxes) if row.boxes else "[]",
            *[json.dumps(value) if value else "{}" for value in _maps(row)],
            *_texts(row),
            str(CID.decode(row.replaces)) if row.replaces else None,
            row.signature.hex() if row.signature else None,
        )
        for row, cid in zip(rows, texts([row.cid for row in rows]), strict=True)
    ]
