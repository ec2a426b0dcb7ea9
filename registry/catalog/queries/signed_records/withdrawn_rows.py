"""What counts no more here: the one rule of who takes back what, which everything else asks.

1. A row is taken back by a withdrawal of it, or of all of its contributor's rows, that the contribution's issuer or the
   contributor signed; and by a withdrawal of its image by one of these two. Later rows of the same (image, issuer,
   contributor) are taken back with it.
2. An image is withdrawn where one of this home's own issuers withdrew it, or where nothing is left of what was said.
   So a stranger's withdrawal takes nothing back, and one who registered an image, too, takes back what they said of it.

Invariants: entries of keys that were revoked take nothing back. Of a row ``withdrawn`` names the entry that took it
back (``mark``), whichever came first; ``images.labels`` counts the labels of the others. This home's own issuers are
those whose logs are written by this catalog (``log_heads``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import among, chunks
from registry.catalog.schema import derived, operational
from registry.catalog.schema.withdrawn_rows import row_withdrawals

_W, _E = row_withdrawals.c, derived.entries.c
_ROWS, _IMAGES, _ALIASES = derived.contribution_rows, derived.images, derived.image_cids
_WHOLE = sa.or_(_W.issuer == "", _W.contributor == "")  # of an image: what its signer said of it


_SIGNED = sa.and_(_E.record == _W.cid, _E.revoked.is_(None), _E.issuer.in_((_W.issuer, _W.contributor)))
_JOINED = sa.join(row_withdrawals, derived.entries, _SIGNED)  # each with the entries that count, of who may


def covers() -> list[sa.ColumnElement[bool]]:
    """When a withdrawal covers a row."""
    mine = _ROWS.c
    pairs = ((_W.issuer, mine.issuer), (_W.contributor, mine.contributor), (_W.sha256, mine.sha256))
    return [one.in_(("", column)) for one, column in pairs]


def mark(db: sa.Connection, *met: sa.ColumnElement[bool]) -> None:
    """Note of the rows that meet this by which entry each is taken back: one that asks for bytes to go before others,
    then the first."""
    taker = (
        sa.select(_E.cid)
        .select_from(_JOINED)
        .where(*covers())
        .order_by(sa.case((_W.remedy == "remove_bytes", 0), else_=1), _W.effective, _E.cid)
        .limit(1)
        .correlate(_ROWS)
        .scalar_subquery()
    )
    db.execute(sa.update(_ROWS).where(*met).values(withdrawn=taker))


def touching(db: sa.Connection, issuer: str, said: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which (image, contributor) of this issuer's are taken back, known here as rows or not."""
    if not said or db.scalar(sa.select(_W.cid).limit(1)) is None:
        return set()
    images, names = {sha256 for sha256, _ in said}, {name for _, name in said}
    near = (_W.issuer.in_(("", issuer)), among(db, _W.contributor, {"", *names}), among(db, _W.sha256, {"", *images}))
    found = db.execute(sa.select(_W.sha256, _W.contributor).select_from(_JOINED).where(*near))
    known = {(row.sha256, row.contributor) for row in found}
    return {(a, b) for a, b in said if not known.isdisjoint({(a, b), ("", b), (a, "")})}


def own_targets() -> sa.Select[str]:
    """What this home's own issuers withdrew."""
    own = sa.select(operational.log_heads.c.issuer)
    w = derived.withdrawals.c  # few, so the entries are found by them
    signed = sa.exists().where(_E.record == w.cid, _E.revoked.is_(None), _E.issuer.in_(own))
    return sa.select(w.target).where(signed)


def is_withdrawn(sha256: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an image is withdrawn here: asked of few images, each by itself."""
    target, alias, mine, rows = derived.withdrawals.c.target, _ALIASES.alias(), _IMAGES.alias(), _ROWS.alias()
    by_name = own_targets().where(target == sha256)
    by_alias = sa.exists().where(alias.c.sha256 == sha256, alias.c.cid.in_(own_targets()))
    said = sa.exists().where(rows.c.sha256 == sha256, rows.c.withdrawn.is_not(None))
    nothing_left = sa.exists().where(mine.c.sha256 == sha256, mine.c.labels == 0, said)
    return sa.or_(sa.exists(by_name), by_alias, nothing_left)


def withdrawn_sha256s() -> sa.CompoundSelect[str]:
    """All images that are withdrawn here, known by rows or not; a CID that no image is known by is among them, too."""
    targets = own_targets()
    aliases = sa.select(_ALIASES.c.sha256).where(_ALIASES.c.cid.in_(targets))
    return sa.union_all(targets, aliases, _nothing_left())


def _nothing_left(remedy: str | None = None) -> sa.Select[str]:
    none_counts = sa.exists().where(_IMAGES.c.sha256 == _ROWS.c.sha256, _IMAGES.c.labels == 0)
    found = sa.select(_ROWS.c.sha256).where(derived.TAKEN_BACK, none_counts)  # by the index of these rows: few
    if remedy is None:
        return found
    other = _ROWS.alias("other")
    taker = sa.select(_E.cid).join(row_withdrawals, _E.record == _W.cid).where(_W.remedy != remedy)
    return found.where(~sa.exists().where(other.c.sha256 == _ROWS.c.sha256, other.c.withdrawn.in_(taker)))


def images_without_rows(db: sa.Connection, remedy: str | None = None) -> set[str]:
    """The sha256s in hex of images of which nothing is left that was said (all of it taken back with ``remedy``)."""
    return set(db.scalars(_nothing_left(remedy)))


def without(rows: list[dict[str, Any]], withdrawn: Collection[bytes]) -> list[dict[str, Any]]:
    """The rows that count: those of images that are ``withdrawn`` whole stay, as they are left out as that."""
    return [row for row in rows if row["withdrawn"] is None or row["sha256"] in withdrawn]


def signed(db: sa.Connection) -> list[dict[str, str]]:
    """Every withdrawal of rows with each entry that says it: ``signer, entry, sha256, issuer, contributor, effective,
    reason, remedy``."""
    query = sa.select(_E.issuer.label("signer"), _E.cid.label("entry"), *(c for c in _W if c.name != "cid"))
    query = query.select_from(_JOINED).where(~_WHOLE)
    return [dict(row) for row in db.execute(query.order_by(_E.issuer, _E.seq)).mappings()]


def signed_before(db: sa.Connection, signer: str, rows: tuple[str, str, str], remedy: str) -> dict[str, str] | None:
    """The first entry of a signer that takes these rows (issuer, contributor, and the image's sha256 or "") back with
    this remedy: ``entry, record, issued_at``."""
    query = sa.select(_E.cid.label("entry"), _E.record, _E.issued_at).select_from(_JOINED)
    named = (_W.issuer, _W.contributor, _W.sha256)
    query = query.where(
        _E.issuer == signer, _W.remedy == remedy, *(c == one for c, one in zip(named, rows, strict=True))
    )
    row = db.execute(query.order_by(_E.seq).limit(1)).mappings().first()
    return dict(row) if row else None


def takers(db: sa.Connection, entries: Iterable[str]) -> dict[str, dict[str, str]]:
    """By entry, what a withdrawal says that takes rows back: ``issuer``, its signer, ``effective, reason, remedy``."""
    found: dict[str, dict[str, str]] = {}
    said = (_E.cid, _E.issuer, _W.effective, _W.reason, _W.remedy)
    for part in chunks(set(entries)):
        query = sa.select(*said).join(row_withdrawals, _E.record == _W.cid).where(_E.cid.in_(part)).distinct()
        for row in db.execute(query).mappings():
            values: Mapping[str, str] = dict(row)
            found[values["cid"]] = {name: values[name] for name in values if name != "cid"}
    return found


def taken_back_in(db: sa.Connection, snapshot: str) -> set[tuple[bytes, str, str]]:
    """(image, issuer, contributor) of what was taken back of a snapshot's images."""
    held = sa.select(derived.snapshot_members.c.sha256).where(derived.snapshot_members.c.snapshot == snapshot)
    rows = _ROWS.c
    query = sa.select(rows.sha256, rows.issuer, rows.contributor).where(derived.TAKEN_BACK, rows.sha256.in_(held))
    return {(bytes.fromhex(row.sha256), row.issuer, row.contributor) for row in db.execute(query.distinct())}


def images_of(db: sa.Connection, issuer: str, contributor: str) -> Iterator[str]:
    """The sha256s in hex of all images of which somebody said something."""
    rows = _ROWS.c
    mine = (rows.issuer == issuer, rows.contributor == contributor)
    yield from db.scalars(sa.select(rows.sha256).where(*mine).distinct().order_by(rows.sha256))


def speakers_of(db: sa.Connection, sha256: str) -> set[tuple[str, str]]:
    """Who said something of an image: issuer and contributor."""
    rows = _ROWS.c
    said = sa.select(rows.issuer, rows.contributor).where(rows.sha256 == sha256)
    return {(row.issuer, row.contributor) for row in db.execute(said)}


def snapshots_of(db: sa.Connection, sha256s: Collection[str]) -> set[str]:
    """The snapshots that hold any of these images."""
    held = derived.snapshot_members.c
    found: set[str] = set()
    for part in chunks(sha256s):
        found.update(db.scalars(sa.select(held.snapshot).where(held.sha256.in_(part), ~held.excluded).distinct()))
    return found
