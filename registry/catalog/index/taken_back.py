"""Keep noted which rows are taken back, and the counts of images with that (``queries.signed_records.withdrawn_rows``
has the rule).

Invariant: called whenever a withdrawal, a row or a change of keys is indexed, so it does not matter which came first.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog.database.sql import among, insert_new, storable, target_text
from registry.catalog.index.image_counts import kept_counts, recount
from registry.catalog.queries.signed_records.withdrawn_rows import covers, mark
from registry.catalog.schema import derived
from registry.catalog.schema.withdrawn_rows import row_withdrawals
from registry.core import records

BATCH = 1000
_ROWS = derived.contribution_rows.c
Place = tuple[str, str, str]  # image ("": any), issuer and contributor, as in ``row_withdrawals``


def index_withdrawal(db: sa.Connection, entry: records.Entry, record: records.Withdrawal) -> None:
    """A withdrawal in a signed entry, and what it takes back of what was said. One of rows counts only where the signer
    may take them back: the contributor, or who said them."""
    said = {"cid": str(entry.record), "reason": record.reason, "effective": record.effective, "remedy": record.remedy}
    if record.whole and record.target is not None:
        target = target_text(record.target)
        insert_new(db, derived.withdrawals, [storable({**said, "target": target})])
        _take_back(db, said, _of_image(db, target, entry.issuer))
    elif record.issuer and record.contributor and entry.issuer in (record.issuer, record.contributor):
        _take_back(db, said, [((record.target or b"").hex(), record.issuer, record.contributor)])


def _of_image(db: sa.Connection, target: str, signer: str) -> list[Place]:
    aliases = derived.image_cids.c
    images = {target} if len(target) == 64 else set(db.scalars(sa.select(aliases.sha256).where(aliases.cid == target)))
    return [place for one in sorted(images) for place in ((one, signer, ""), (one, "", signer))]


def _take_back(db: sa.Connection, said: dict[str, str], places: list[Place]) -> None:
    names = ("sha256", "issuer", "contributor")
    insert_new(db, row_withdrawals, [storable({**said, **dict(zip(names, one, strict=True))}) for one in places])
    for place in places:
        _mark_place(db, place)


def _mark_place(db: sa.Connection, place: Place) -> None:
    columns = (_ROWS.sha256, _ROWS.issuer, _ROWS.contributor)
    met = [column == value for column, value in zip(columns, place, strict=True) if value]
    touched = sorted(db.scalars(sa.select(_ROWS.sha256).where(*met).distinct()))
    for start in range(0, len(touched), BATCH):
        part = touched[start : start + BATCH]
        with kept_counts(db, part):
            mark(db, *met, among(db, _ROWS.sha256, part))


def by_other_names(db: sa.Connection, cids: set[str]) -> None:
    """Rows come that call images by these CIDs: a withdrawal that names one by them takes its signer's rows back."""
    e, w = derived.entries.c, derived.withdrawals.c
    if not cids:
        return
    named = sa.select(w.cid, w.target, w.reason, w.effective, w.remedy, e.issuer)
    named = named.join(derived.entries, e.record == w.cid).where(among(db, w.target, cids))
    for row in db.execute(named).mappings().all():
        said = {name: row[name] for name in ("cid", "reason", "effective", "remedy")}
        _take_back(db, said, _of_image(db, row["target"], row["issuer"]))


def mark_again(db: sa.Connection, issuer: str) -> None:
    """What this issuer's withdrawals take back, after a change of its keys: those of a revoked key take nothing."""
    e, w = derived.entries.c, row_withdrawals.c
    places = sa.select(w.sha256, w.issuer, w.contributor).join(derived.entries, e.record == w.cid)
    for place in db.execute(places.where(e.issuer == issuer, e.revoked.is_not(None)).distinct()).all():
        _mark_place(db, (place[0], place[1], place[2]))


def mark_all(db: sa.Connection) -> None:
    """Of all rows, and count all images again."""
    db.execute(sa.update(derived.contribution_rows).where(derived.TAKEN_BACK).values(withdrawn=None))
    if db.scalar(sa.select(row_withdrawals.c.cid).limit(1)) is not None:
        mark(db, sa.exists().where(*covers()).correlate(derived.contribution_rows))
    recount(db)
