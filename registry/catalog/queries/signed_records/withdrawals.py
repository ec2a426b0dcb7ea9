"""Withdrawals in the catalog: who withdrew what. What they do here, ``withdrawn_rows`` says.

Invariant: an image is its sha256, whichever of its names a withdrawal gives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import among, chunks
from registry.catalog.queries.signed_records.withdrawn_rows import images_without_rows, own_targets
from registry.catalog.schema import derived
from registry.catalog.schema.derived import image_cids
from registry.catalog.schema.withdrawn_rows import row_withdrawals
from registry.core.ipld.cid import CID, RAW

_ROWS, _HELD = derived.contribution_rows.c, derived.snapshot_members.c


def indexed(db: sa.Connection) -> list[dict[str, str]]:
    """Every withdrawal of an entry that counts: ``issuer, entry, target, effective, reason, remedy``, by place."""
    e, w = derived.entries.c, derived.withdrawals.c
    query = sa.select(e.issuer, e.cid.label("entry"), w.target, w.effective, w.reason, w.remedy).join(
        derived.withdrawals, w.cid == e.record
    )
    query = query.where(e.revoked.is_(None))
    return [dict(row) for row in db.execute(query.order_by(e.issuer, e.seq)).mappings()]


def signed_before(db: sa.Connection, issuer: str, targets: Collection[str], remedy: str) -> dict[str, str] | None:
    """The first entry of an issuer that counts and withdraws one of these with this remedy: ``entry, record,
    issued_at``."""
    e, w = derived.entries.c, derived.withdrawals.c
    query = sa.select(e.cid.label("entry"), e.record, e.issued_at).join(derived.withdrawals, w.cid == e.record)
    query = query.where(e.revoked.is_(None), e.issuer == issuer, w.target.in_(targets), w.remedy == remedy)
    row = db.execute(query.order_by(e.seq).limit(1)).mappings().first()
    return dict(row) if row else None


def newest(db: sa.Connection, most: int) -> list[dict[str, Any]]:
    """The newest entries that withdraw something, with what: ``entry, issuer, issued_at, target`` (None: rows),
    ``kind`` of the target ("image" or a record's type), ``sha256, contributor`` of rows, ``reason, remedy``."""
    e, w, r, kinds = derived.entries.c, derived.withdrawals.c, row_withdrawals.c, derived.records.c
    said = (e.cid.label("entry"), e.issuer, e.issued_at)
    none = sa.cast(sa.null(), sa.Text)
    kind = sa.case((sa.func.length(w.target) == 64, "image"), else_=kinds.type).label("kind")
    of_things = (
        sa.select(*said, w.target, kind, none.label("sha256"), none.label("contributor"), w.reason, w.remedy)
        .join(derived.withdrawals, w.cid == e.record)
        .outerjoin(derived.records, kinds.cid == w.target)
    )
    of_rows = (
        sa.select(*said, none.label("target"), none.label("kind"), r.sha256, r.contributor, r.reason, r.remedy)
        .join(row_withdrawals, r.cid == e.record)
        .where(r.issuer != "", r.contributor != "")
    )
    both = sa.union_all(of_things, of_rows).subquery()
    query = sa.select(both).order_by(both.c.issued_at.desc(), both.c.entry).limit(most)
    return [dict(row) for row in db.execute(query).mappings()]


def places(db: sa.Connection) -> list[dict[str, str]]:
    """Entries that only have their place here, what they say was not indexed: ``issuer, entry, record``."""
    e = derived.entries.c
    query = sa.select(e.issuer, e.cid.label("entry"), e.record).where(e.record_type.is_(None))
    return [dict(row) for row in db.execute(query.order_by(e.issuer, e.seq)).mappings()]


def withdrawn_images(db: sa.Connection, remedy: str | None = None) -> set[bytes]:
    """The sha256 of every image that is withdrawn here (with ``remedy``), known by rows or not."""
    of_own = own_targets() if remedy is None else own_targets().where(derived.withdrawals.c.remedy == remedy)
    targets = set(db.scalars(of_own.distinct()))
    found = set(images_of(db, targets).values()) | images_without_rows(db, remedy)
    return {bytes.fromhex(text) for text in found}


def withdrawn_among(db: sa.Connection, images: Mapping[str, str]) -> set[str]:
    """Which of these images (their sha256s, each with a CID of it) this home withdrew, known here or not."""
    if not images or db.scalar(own_targets().limit(1)) is None:
        return set()
    target, alias = derived.withdrawals.c.target, image_cids.c
    found = {one: one for one in images} | {cid: sha256 for sha256, cid in images.items()}
    named = db.scalars(own_targets().where(among(db, target, found)))
    others = sa.select(alias.sha256).where(among(db, alias.sha256, images), alias.cid.in_(own_targets()))
    return {found[one] for one in named} | set(db.scalars(others))


def images_of(db: sa.Connection, targets: Collection[str]) -> dict[str, str]:
    """The sha256 in hex of each target that is an image, or one of its CIDs."""
    found = {target: target for target in targets if len(target) == 64}
    for part in chunks(targets):
        names = sa.select(image_cids.c.cid, image_cids.c.sha256).where(image_cids.c.cid.in_(part))
        found |= {row.cid: row.sha256 for row in db.execute(names)}
    return found


def names_of_images(db: sa.Connection, sha256s: Collection[str]) -> list[CID]:
    """Every CID under which these images' bytes may lie here."""
    raw = [CID.v1(RAW, bytes.fromhex(sha256)) for sha256 in sorted(sha256s)]
    return list(dict.fromkeys([*raw, *_aliases(db, sha256s)]))


def withdrawn_cids(db: sa.Connection) -> list[CID]:
    """Every CID that the catalog knows of images that are withdrawn here: what is only named is not withheld."""
    return list(_aliases(db, {sha256.hex() for sha256 in withdrawn_images(db)}))


def cids_of_withdrawn(db: sa.Connection) -> list[CID]:
    """Every CID under which bytes of images may lie here that are withdrawn."""
    return names_of_images(db, {sha256.hex() for sha256 in withdrawn_images(db)})


def _aliases(db: sa.Connection, sha256s: Collection[str]) -> Iterator[CID]:
    for part in chunks(sha256s):
        yield from map(CID.parse, db.scalars(sa.select(image_cids.c.cid).where(image_cids.c.sha256.in_(part))))


def members(db: sa.Connection, snapshot: str, sha256s: Collection[str]) -> set[str]:
    """Which of the images ``sha256s`` are items of a snapshot."""
    found: set[str] = set()
    for part in chunks(sha256s):
        held = sa.select(_HELD.sha256).where(_HELD.snapshot == snapshot, ~_HELD.excluded, _HELD.sha256.in_(part))
        found.update(db.scalars(held))
    return found


def may_take_back(db: sa.Connection, snapshot: str | None, sha256s: Collection[str]) -> set[tuple[str, str]]:
    """(image, DID) of everybody who contributed it, or said a contribution that holds it: of the contributions that
    ``snapshot`` names, or of all."""
    found: set[tuple[str, str]] = set()
    for part in chunks(sha256s):
        rows = sa.select(_ROWS.sha256, _ROWS.issuer, _ROWS.contributor).where(_ROWS.sha256.in_(part)).distinct()
        if snapshot is not None:
            rows = rows.where(_ROWS.contribution.in_(_contributions(snapshot)))
        for row in db.execute(rows):
            found |= {(row.sha256, row.issuer), (row.sha256, row.contributor)}
    return found


def speaks_of_any(db: sa.Connection, sha256s: Collection[str], issuer: str) -> bool:
    """Whether somebody said something of one of these images: the contribution, or as a contributor."""
    mine = sa.or_(_ROWS.issuer == issuer, _ROWS.contributor == issuer)
    return bool(sha256s) and bool(db.scalar(sa.select(sa.exists().where(_ROWS.sha256.in_(sha256s), mine))))


def contributions_elsewhere(db: sa.Connection, snapshot: str) -> list[str]:
    """The contributions that a snapshot names and whose rows the catalog has not: they came in a file."""
    known = sa.select(derived.contributions.c.cid)
    return sorted(db.scalars(_contributions(snapshot).where(derived.mentions.c.target.not_in(known))))


def _contributions(snapshot: str) -> sa.Select[str]:
    named = derived.mentions.c
    return sa.select(named.target).where(named.record == snapshot, named.relation == "from")
