"""Index what a ``keys`` entry says: who signs from then on, and which entries count no more.

Invariants: an entry's ``revoked`` follows from the changes of its log that are indexed, whichever of both came first;
an entry that goes on as if a change before it had not been is refused, as one that forks its log.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog.database.sql import insert_new, int64
from registry.catalog.queries.signed_records.key_changes import changes_of, newest_change
from registry.catalog.schema import derived
from registry.core import records
from registry.core.errors import Conflict
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.keys.authority import after, change_of, force_before, revoked_by
from registry.core.keys.signatures import signer_of

_E = derived.entries.c


def check_heeds(db: sa.Connection, entry: records.Entry) -> None:
    """``Conflict`` (``log_fork``) for an entry that passes over a change of keys that is indexed."""
    known = newest_change(db, entry.issuer, int64(entry.seq, "the place"))
    if known is not None and known[0] != entry.authority:
        own = None if entry.authority is None else _seq(db, entry.authority)
        if own is None or own < known[1]:
            raise Conflict(
                f"entry {entry.seq} of {entry.issuer} passes over entry {known[1]}, which changed the keys",
                code="log_fork",
            )


def _seq(db: sa.Connection, entry: CID) -> int | None:
    return db.scalar(sa.select(_E.seq).where(_E.cid == str(entry)))


def index_change(db: sa.Connection, cid: CID, entry: records.Entry, said: records.Keys, get: Get) -> None:
    """A ``keys`` entry that has its place. ``Untrusted`` where its signer may not say it, or without its proof."""
    change = change_of(cid, entry, said)
    after(force_before(entry, get), change)
    row = {
        "entry": str(cid),
        "issuer": entry.issuer,
        "seq": entry.seq,
        "issued_at": entry.issued_at,
        "signer": change.signer,
        "successor": change.successor,
        "recovery": change.recovery,
        "revoked_from": change.revoked_from,
    }
    insert_new(db, derived.key_changes, [row])
    if change.revoked_from is not None:
        places = _E.seq.between(change.revoked_from, entry.seq - 1)
        for one in db.scalars(sa.select(_E.cid).where(_E.issuer == entry.issuer, places)).all():
            mark_revoked(db, CID.parse(one), records.parse_as(records.Entry, get(CID.parse(one))))


def mark_revoked(db: sa.Connection, cid: CID, entry: records.Entry) -> None:
    """Note whether an entry still counts."""
    by = revoked_by(changes_of(db, entry.issuer), cid, entry.seq, signer_of(entry))
    db.execute(
        sa.update(derived.entries).where(_E.cid == str(cid)).values(revoked=None if by is None else str(by.entry))
    )
