"""Rows that a rebuild can't make again: they are set aside while the tables are filled, then put back.

Invariants: a row comes back only if the rebuild did not fill the record or image that it belongs to, so new rows are
never mixed with old ones. Rows of a record that the rebuild found invalid do not come back. Everything happens in the
caller's transaction, in temporary tables of its connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, copy_new
from registry.catalog.schema import derived
from registry.catalog.schema.columns import metadata

# What a row belongs to, where that is not what its own first column names.
_OWNERS: Mapping[str, sa.Column[str]] = {
    derived.mentions.name: derived.records.c.cid,
    derived.contribution_rows.name: derived.contributions.c.cid,
    derived.snapshot_members.name: derived.snapshots.c.cid,
    derived.weights.name: derived.releases.c.cid,
}
_TOGETHER = (
    derived.images.name,
    derived.image_cids.name,
)  # restored together: a row of the second needs one of the first


class PreservedRows:
    """All rows of the tables that can be rebuilt, set aside; the tables themselves are empty now."""

    def __init__(self, db: sa.Connection) -> None:
        self._db = db
        self._aside = {table.name: _aside(table) for table in derived.REBUILDABLE}
        for table in derived.REBUILDABLE:
            copy = self._aside[table.name]
            copy.create(db)
            db.execute(sa.insert(copy).from_select(list(copy.columns.keys()), sa.select(table)))
        for table in reversed(derived.REBUILDABLE):
            db.execute(sa.delete(table))

    def entries(self) -> dict[str, str | None]:
        """The CIDs of all entries that were known, and the type of what each says; None where only its place was."""
        known = self._aside[derived.entries.name].c
        return {row.cid: row.record_type for row in self._db.execute(sa.select(known.cid, known.record_type))}

    def put_back(self, judged: Collection[str], own: Collection[str] | None) -> None:
        """Put back what was not filled again, but for records in ``judged`` (CIDs): those were decided anew.

        An image that issuers other than ``own`` (None: there are no others) speak of may lie in their store.
        """
        self._name_kinds()
        known = sa.select(self._aside[derived.records.name].c.cid)
        for name in (derived.snapshots.name, derived.snapshot_members.name):  # indexed ahead, and never appended
            copy = self._aside[name]
            self._db.execute(sa.delete(copy).where(copy.columns[0].not_in(known)))
        for name, copy in self._aside.items():  # all is weighed before any of it comes back
            if name not in _TOGETHER:
                self._db.execute(sa.delete(copy).where(self._refilled(name, copy)))
        for name in (derived.evidence.name, derived.records.name, derived.mentions.name):
            copy = self._aside[name]
            for part in chunks(judged):
                self._db.execute(sa.delete(copy).where(copy.columns[0].in_(part)))
        for table in derived.REBUILDABLE:
            copy_new(self._db, table, self._aside[table.name])
        if own is not None:
            self._keep_stored(own)
        for copy in self._aside.values():
            copy.drop(self._db)

    def _refilled(self, name: str, copy: sa.Table) -> sa.ColumnElement[bool]:
        owner = _OWNERS.get(name, metadata.tables[name].columns[0])
        done = copy.columns[0].in_(sa.select(owner))
        if name != derived.mentions.name:
            return done
        own = copy.c.relation != "corrects"  # what a contribution's rows name counts as the rows do
        return sa.and_(done, sa.or_(own, copy.c.record.in_(sa.select(derived.contributions.c.cid))))

    def _keep_stored(self, own: Collection[str]) -> None:
        before, rows = self._aside[derived.images.name].c, derived.contribution_rows.c
        held = sa.select(before.sha256).where(before.stored)
        others = sa.select(rows.sha256).where(rows.issuer.not_in(own))
        here = derived.images.c.sha256
        self._db.execute(sa.update(derived.images).where(here.in_(held), here.in_(others)).values(stored=True))

    def _name_kinds(self) -> None:
        """An entry that could only be given its place says what it said before: that is not refilled."""
        copy = self._aside[derived.entries.name]
        kind = sa.select(copy.c.record_type).where(copy.c.cid == derived.entries.c.cid).scalar_subquery()
        self._db.execute(
            sa.update(derived.entries).where(derived.entries.c.record_type.is_(None)).values(record_type=kind)
        )


def _aside(table: sa.Table) -> sa.Table:
    columns = [sa.Column(column.name, column.type) for column in table.columns]
    return sa.Table(f"before_{table.name}", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
