"""The roots that garbage collection must keep, and those that are published.

Invariant: every CID that a record, a run or an import names is included. A block below none of them may be deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import sqlalchemy as sa

from registry.catalog.queries.counts import rows_of
from registry.catalog.schema import derived, operational
from registry.catalog.schema.derived import image_cids, mentions
from registry.catalog.schema.operational import sources
from registry.catalog.schema.sql import chunks, names_of
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID

_LISTED = (
    derived.entries.c.cid,
    derived.evidence.c.cid,
    image_cids.c.cid,
    sources.c.root,
    *(
        operational.runs.c[name]
        for name in ("snapshot", "plan", "plan_entry", "preprocessing", "draw", "evaluation", "release")
    ),
    *(operational.run_folds.c[name] for name in ("training", "predictions")),
)


def _cids(db: sa.Connection, column: sa.ColumnElement[str], *conditions: sa.ColumnElement[bool]) -> Iterator[CID]:
    for text in db.scalars(sa.select(column).where(column.is_not(None), *conditions).distinct()):
        yield CID.parse(text)


def named_roots(db: sa.Connection) -> list[CID]:
    """Everything that is named: entries, evidence, images, imported roots, the work of runs. Some may not be held."""
    found = [cid for column in _LISTED for cid in _cids(db, column)]
    for options in db.scalars(sa.select(operational.runs.c.options)):
        base = options.get("base") if isinstance(options, dict) else None
        if base:
            try:
                found.append(CID.parse(str(base)))
            except InvalidInput:
                continue
    return found


def registered_here_roots(db: sa.Connection, own: Collection[str]) -> list[CID]:
    """Images that this home registered, from a folder or by its own log (``own`` are its issuers' DIDs), base weights
    that its own plans name, and sources that were imported with the wish to publish them."""
    e, rows, names = derived.entries.c, derived.contribution_rows.c, operational.file_names.c
    mine = sa.select(rows.sha256).join(derived.entries, e.record == rows.contribution).where(e.issuer.in_(own))
    planned = sa.select(e.record).where(e.issuer.in_(own))
    imported = image_cids.c.sha256.in_(sa.select(names.sha256))
    return [
        *_cids(db, image_cids.c.cid, sa.or_(imported, image_cids.c.sha256.in_(mine))),
        *_cids(db, mentions.c.target, mentions.c.relation == "base", mentions.c.record.in_(planned)),
        *_cids(db, sources.c.root, ~sources.c.private),
    ]


def registered_here(db: sa.Connection, sha256: str, own: Collection[str]) -> bool:
    """Whether this home registered one image, as ``registered_here_roots`` takes it."""
    rows, names = derived.contribution_rows.c, operational.file_names.c
    said = sa.exists().where(rows.sha256 == sha256, rows.issuer.in_(own))
    return bool(db.scalar(sa.select(sa.or_(said, sa.exists().where(names.sha256 == sha256)))))


def published_roots(db: sa.Connection) -> list[CID]:
    """The roots that this registry serves to strangers, each with all below it: entries, evidence, images of
    contributions, and sources that were imported with the option to publish them. A private folder's root is not
    among them.
    """
    registered = image_cids.c.sha256.in_(sa.select(derived.contribution_rows.c.sha256))
    return [
        *_cids(db, derived.entries.c.cid),
        *_cids(db, derived.evidence.c.cid),
        *_cids(db, sources.c.root, ~sources.c.private),
        *_cids(db, image_cids.c.cid, registered),
    ]


def is_published(db: sa.Connection, cid: CID, own: Collection[str]) -> bool:
    """Whether the catalog alone says that a CID is below ``published_roots``: a record that entries lead to, a
    release's weights or card, an image that this home registered (``own`` are its issuers' DIDs) and nobody took back.

    False says nothing: only a walk from the roots tells.
    """
    text, aliases = str(cid), image_cids.alias()
    named = (
        derived.records.c.cid == text,
        derived.entries.c.record == text,
        derived.weights.c.cid == text,
        derived.releases.c.card == text,
    )
    if db.scalar(sa.select(sa.or_(*(sa.exists().where(one) for one in named)))):
        return True
    taken_back = derived.withdrawals.c.target
    images = sa.select(image_cids.c.sha256).where(
        image_cids.c.cid == text,
        sa.exists().where(derived.contribution_rows.c.sha256 == image_cids.c.sha256),
        ~sa.exists().where(taken_back == image_cids.c.sha256),
        ~sa.exists().where(aliases.c.sha256 == image_cids.c.sha256, taken_back == aliases.c.cid),
    )
    return any(registered_here(db, sha256, own) for sha256 in db.scalars(images).all())


def published_among(db: sa.Connection, cids: Collection[str], own: Collection[str]) -> set[str]:
    """Which of many CIDs ``is_published`` says yes to, in a few statements."""
    rows, names = derived.contribution_rows.c, operational.file_names.c
    here = sa.or_(
        sa.exists().where(rows.sha256 == image_cids.c.sha256, rows.issuer.in_(own)),
        sa.exists().where(names.sha256 == image_cids.c.sha256, rows.sha256 == image_cids.c.sha256),
    )
    found: set[str] = set()
    for part in chunks(cids):
        named = (derived.records.c.cid, derived.entries.c.record, derived.weights.c.cid, derived.releases.c.card)
        for column in named:
            found.update(db.scalars(sa.select(column).where(column.in_(part))))
        found.update(db.scalars(sa.select(image_cids.c.cid).where(image_cids.c.cid.in_(part), here)))
    return found - withdrawn_among(db, found)


def withdrawn_among(db: sa.Connection, cids: Collection[str]) -> set[str]:
    """Which of these are CIDs of images that somebody took back."""
    taken_back, aliases = derived.withdrawals.c.target, image_cids.alias()
    gone = sa.or_(
        sa.exists().where(taken_back == image_cids.c.sha256),
        sa.exists().where(aliases.c.sha256 == image_cids.c.sha256, taken_back == aliases.c.cid),
    )
    found: set[str] = set()
    for part in chunks(cids):
        found.update(db.scalars(sa.select(image_cids.c.cid).where(image_cids.c.cid.in_(part), gone)))
    return found


def withdrawn_targets(db: sa.Connection, cids: Iterable[CID]) -> set[str]:
    """Which of these somebody took back by any of their names, known as images here or not."""
    names = {text: str(cid) for cid in cids for text in names_of(str(cid))}
    found: set[str] = set()
    for part in chunks(names):
        found.update(db.scalars(sa.select(derived.withdrawals.c.target).where(derived.withdrawals.c.target.in_(part))))
    return {names[text] for text in found} | withdrawn_among(db, list(names.values()))


def published_mark(db: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever ``published_roots`` may give something more."""
    counted = (derived.entries, derived.evidence, image_cids, derived.contribution_rows, operational.file_names)
    public = db.scalar(sa.select(sa.func.count()).select_from(sources).where(~sources.c.private)) or 0
    return (*rows_of(db, *counted), public)


def withheld_mark(db: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever more may be withheld: a withdrawal came, or an imported source."""
    return rows_of(db, derived.withdrawals, sources)
