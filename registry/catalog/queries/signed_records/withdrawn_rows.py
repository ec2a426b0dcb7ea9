"""Rows of contributions that were taken back, one by one or all of a contributor's.

Invariants: only withdrawals count that the contributor signed, or who said the contribution (``index_entry`` keeps no
others); they take back every row of this (image, issuer, contributor), later ones too; an image of which every row was
taken back is withdrawn itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks
from registry.catalog.schema import derived
from registry.catalog.schema.withdrawn_rows import row_withdrawals

_W = row_withdrawals.c


def _covers(rows: sa.FromClause, remedy: str | None = None) -> sa.ColumnElement[bool]:
    same = (_W.issuer == rows.c.issuer) & (_W.contributor == rows.c.contributor)
    met = same & sa.or_(_W.sha256 == "", _W.sha256 == rows.c.sha256)
    return met if remedy is None else met & (_W.remedy == remedy)


def all_rows_withdrawn(sha256: sa.ColumnElement[str], remedy: str | None = None) -> sa.ColumnElement[bool]:
    """Whether nothing is left of what was said of an image."""
    rows = derived.contribution_rows.alias("said")
    uncovered = ~sa.exists(sa.select(_W.cid).where(_covers(rows, remedy)).correlate(rows))
    any_at_all = sa.exists(sa.select(sa.literal(1)).select_from(row_withdrawals))
    said = sa.exists(sa.select(rows.c.sha256).where(rows.c.sha256 == sha256))
    left = sa.exists(sa.select(rows.c.sha256).where(rows.c.sha256 == sha256, uncovered))
    return any_at_all & said & ~left


def images_without_rows(db: sa.Connection, remedy: str | None = None) -> set[str]:
    """The sha256s in hex of these images."""
    rows = derived.contribution_rows
    touched = sa.select(rows.c.sha256).join(row_withdrawals, _covers(rows, remedy)).distinct().subquery("touched")
    return set(db.scalars(sa.select(touched.c.sha256).where(all_rows_withdrawn(touched.c.sha256, remedy))))


class WithdrawnRows:
    """Which rows were taken back; asked of many rows, and reads few."""

    def __init__(self, db: sa.Connection) -> None:
        found = db.execute(sa.select(_W.issuer, _W.contributor, _W.sha256)).all()
        self._known = {(row.issuer, row.contributor, row.sha256) for row in found}

    def __contains__(self, row: object) -> bool:
        if not self._known or not isinstance(row, Mapping):
            return False
        who = (row["issuer"], row["contributor"])
        return (*who, "") in self._known or (*who, row["sha256"].hex()) in self._known

    def without(self, rows: list[dict[str, Any]], withdrawn: Collection[bytes]) -> list[dict[str, Any]]:
        """The rows that count: those of images that are ``withdrawn`` whole stay, as they are left out as that."""
        return [row for row in rows if row not in self or row["sha256"] in withdrawn] if self._known else rows


def signed(db: sa.Connection) -> list[dict[str, str]]:
    """Every such withdrawal with each entry that says it: ``signer, entry, sha256, issuer, contributor, effective,
    reason, remedy``."""
    e = derived.entries.c
    query = sa.select(e.issuer.label("signer"), e.cid.label("entry"), *(c for c in _W if c.name != "cid"))
    found = db.execute(query.join(row_withdrawals, _W.cid == e.record).order_by(e.issuer, e.seq)).mappings()
    return [dict(row) for row in found if row["signer"] in (row["issuer"], row["contributor"])]


def images_of(db: sa.Connection, issuer: str, contributor: str) -> Iterator[str]:
    """The sha256s in hex of all images of which somebody said something."""
    rows = derived.contribution_rows.c
    mine = (rows.issuer == issuer, rows.contributor == contributor)
    yield from db.scalars(sa.select(rows.sha256).where(*mine).distinct().order_by(rows.sha256))


def speakers_of(db: sa.Connection, sha256: str) -> set[tuple[str, str]]:
    """Who said something of an image: issuer and contributor."""
    rows = derived.contribution_rows.c
    return {
        (row.issuer, row.contributor)
        for row in db.execute(sa.select(rows.issuer, rows.contributor).where(rows.sha256 == sha256))
    }


def snapshots_of(db: sa.Connection, sha256s: Collection[str]) -> set[str]:
    """The snapshots that hold any of these images."""
    held = derived.snapshot_members.c
    found: set[str] = set()
    for part in chunks(sha256s):
        found.update(db.scalars(sa.select(held.snapshot).where(held.sha256.in_(part), ~held.excluded).distinct()))
    return found
