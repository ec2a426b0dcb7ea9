"""Who has a say over images of a snapshot: their contributors, and the issuers of contributions with them.

Invariant: only contributions that the snapshot names are looked at (``docs/format/log.md``), so an equal picture that
somebody registered elsewhere gives nobody a say. Those that the catalog has not are read from the store, and what they
say of some images is remembered, for a contribution never changes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import withdrawals
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.table import tables
from registry.core.table.cells import SHAPES, fault_of
from registry.workflows.parts import Parts

Says = set[tuple[str, str]]  # (sha256 in hex, DID or contributor)
_said = Remembered[tuple[CID, frozenset[str]], Says](1_000)


def may_take_back(parts: Parts, db: Connection, snapshot: str, sha256s: Collection[str]) -> Says:
    """(image, DID) of everybody, beside who signed the target, who may take an image of the snapshot back."""
    if not sha256s:
        return set()
    found = withdrawals.may_take_back(db, snapshot, sha256s)
    for cid in withdrawals.contributions_elsewhere(db, snapshot):
        try:
            found |= _said_by(parts, CID.parse(cid), frozenset(sha256s))
        except EmotionetError:  # not held, or malformed: an audit says so
            continue
    return found


def _said_by(parts: Parts, cid: CID, sha256s: frozenset[str]) -> Says:
    def read() -> Says:
        issuer, rows = contribution_rows(parts, cid)
        held = ((row["sha256"].hex(), row["contributor"]) for row in rows if row["sha256"].hex() in sha256s)
        return {said for sha256, who in held for said in ((sha256, who), (sha256, issuer))}

    return _said.of((cid, sha256s), read)


def contribution_rows(parts: Parts, cid: CID) -> tuple[str, list[dict[str, Any]]]:
    """Who says a contribution, and its rows; no rows where a stranger's are malformed. ``EmotionetError`` where it
    can't be read."""
    place = ("contribution", "rows")
    contribution = records.parse_as(records.Contribution, parts.store.get(cid))
    table = tables.read(contribution.rows, parts.store.get)
    rows = list(tables.iterate(contribution.rows, parts.store.get))
    fits = table.shape == SHAPES[place] and not any(fault_of(place, row) for row in rows)
    return contribution.issuer, [dict(zip(table.shape.columns, row, strict=True)) for row in rows] if fits else []
