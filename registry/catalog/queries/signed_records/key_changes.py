"""Changes of keys in logs: which key signs for an issuer now, and whose log a key signs.

Invariant: rows were indexed from entries whose signatures and proofs hold; a place of a log holds one of them at most.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog.schema import derived
from registry.core.ipld.cid import CID
from registry.core.keys.authority import Change, signer_at

_K, _E = derived.key_changes.c, derived.entries.c


def changes_of(db: sa.Connection, issuer: str) -> list[Change]:
    """Every change of keys that is known of an issuer's log, by place."""
    found = db.execute(sa.select(derived.key_changes).where(_K.issuer == issuer).order_by(_K.seq))
    return [
        Change(
            entry=CID.parse(row.entry),
            seq=row.seq,
            issued_at=row.issued_at,
            signer=row.signer,
            successor=row.successor,
            recovery=row.recovery,
            revoked_from=row.revoked_from,
        )
        for row in found
    ]


def newest_change(db: sa.Connection, issuer: str, before: int | None = None) -> tuple[CID, int] | None:
    """The newest change of keys in a log (before a place of it) and its place; None where no key was changed."""
    query = sa.select(_K.entry, _K.seq).where(_K.issuer == issuer)
    if before is not None:
        query = query.where(_K.seq < before)
    row = db.execute(query.order_by(_K.seq.desc()).limit(1)).first()
    return None if row is None else (CID.parse(row.entry), row.seq)


def issuer_signed_by(db: sa.Connection, signer: str) -> str:
    """The issuer whose log this key took over: its own where none was handed to it. (Whom a log names as its recovery
    key did not agree to it, so that says nothing.)"""
    found: str | None = db.scalar(
        sa.select(_K.issuer).where(_K.successor == signer).order_by(_K.seq.desc(), _K.issuer).limit(1)
    )
    return found or signer


def publishers(db: sa.Connection, entry: CID) -> list[str]:
    """The keys (DIDs) that may have anchored an entry: its signer's, and those that took the log over after it."""
    row = db.execute(sa.select(_E.issuer, _E.seq).where(_E.cid == str(entry))).first()
    if row is None:
        return []
    changes = changes_of(db, row.issuer)
    own = next((one.signer for one in changes if one.entry == entry), None) or signer_at(row.issuer, changes, row.seq)
    later = [one.successor for one in changes if one.seq >= row.seq]
    return list(dict.fromkeys(one for one in (own, *later) if one is not None))


def current_key(db: sa.Connection, issuer: str) -> str | None:
    """The key (DID) that signs an issuer's log now; None where it is closed."""
    changes = changes_of(db, issuer)
    return changes[-1].successor if changes else issuer


def revoked(db: sa.Connection, entry: CID) -> Change | None:
    """The change for which an entry counts no more; None where it counts, or is not known."""
    by = db.scalar(sa.select(_E.revoked).where(_E.cid == str(entry)))
    if by is None:
        return None
    issuer: str = db.execute(sa.select(_E.issuer).where(_E.cid == str(entry))).scalar_one()
    return next((one for one in changes_of(db, issuer) if str(one.entry) == by), None)
