"""The roots that garbage collection must keep, and those that are published.

Invariant: every CID that a record, a run or an import names is included. A block below none of them may be deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, names_of
from registry.catalog.queries.counts import rows_of
from registry.catalog.queries.signed_records.withdrawn_rows import is_withdrawn as image_is_withdrawn
from registry.catalog.queries.signed_records.withdrawn_rows import own_targets
from registry.catalog.schema import derived, operational
from registry.catalog.schema.derived import image_cids, mentions
from registry.catalog.schema.operational import sources
from registry.catalog.schema.withdrawn_rows import row_withdrawals
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_PB, RAW, SHA2_256

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


def shown_here_roots(db: sa.Connection, own: Collection[str]) -> list[CID]:
    """Base weights that this home's own plans name (``own`` are its issuers' DIDs), and sources that were imported with
    the wish to publish them."""
    e = derived.entries.c
    planned = sa.select(e.record).where(e.issuer.in_(own))
    return [
        *_cids(db, mentions.c.target, mentions.c.relation == "base", mentions.c.record.in_(planned)),
        *_cids(db, sources.c.root, ~sources.c.private),
    ]


def registered_here_among(db: sa.Connection, cids: Collection[CID], own: Collection[str]) -> set[bytes]:
    """Multihashes of those of these that are images which this home registered, from a folder or by its own log."""
    rows, names = derived.contribution_rows.c, operational.file_names.c
    here = sa.or_(
        sa.exists().where(rows.sha256 == image_cids.c.sha256, rows.issuer.in_(own)),
        sa.exists().where(names.sha256 == image_cids.c.sha256),
    )
    texts = [text for cid in cids for text in _texts(cid)]
    found: set[bytes] = set()
    for part in chunks(texts):
        found |= {cid.multihash for cid in _cids(db, image_cids.c.cid, image_cids.c.cid.in_(part), here)}
    return found


def _texts(cid: CID) -> set[str]:
    """Every CID of a file that has this one's multihash."""
    if cid.hash_code != SHA2_256 or len(cid.digest) != 32:
        return {str(cid)}
    return {str(cid), str(CID.v1(RAW, cid.digest)), str(CID.v1(DAG_PB, cid.digest)), str(CID.v0(cid.digest))}


def is_withdrawn(db: sa.Connection, cid: CID) -> bool:
    """Whether the image with this multihash is withdrawn here, whatever it was called then."""
    return bool(withdrawn_among(db, _texts(cid)))


def is_image(db: sa.Connection, cid: CID) -> bool:
    """Whether a contribution, whoever signed it, has a row of the image with this multihash."""
    said = sa.exists().where(derived.contribution_rows.c.sha256 == image_cids.c.sha256)
    found = sa.select(image_cids.c.cid).where(image_cids.c.cid.in_(_texts(cid)), said)
    return db.execute(found.limit(1)).first() is not None


def registered_here(db: sa.Connection, sha256: str, own: Collection[str]) -> bool:
    """Whether this home registered one image, from a folder or by its own log (``own``)."""
    rows, names = derived.contribution_rows.c, operational.file_names.c
    said = sa.exists().where(rows.sha256 == sha256, rows.issuer.in_(own))
    return bool(db.scalar(sa.select(sa.or_(said, sa.exists().where(names.sha256 == sha256)))))


def published_roots(db: sa.Connection, *, flat: bool = True) -> list[CID]:
    """The roots that this registry serves to strangers, each with all below it: entries, evidence, images of
    contributions, and sources that were imported with the option to publish them. A private folder's root is not
    among them. Without ``flat``: no images of one block (``is_image`` knows them).
    """
    met: list[sa.ColumnElement[bool]] = [image_cids.c.sha256.in_(sa.select(derived.contribution_rows.c.sha256))]
    if not flat:
        met.append(~image_cids.c.cid.startswith(_FLAT))
    return [
        *_cids(db, derived.entries.c.cid),
        *_cids(db, derived.evidence.c.cid),
        *_cids(db, sources.c.root, ~sources.c.private),
        *_cids(db, image_cids.c.cid, *met),
    ]


_FLAT = "bafkrei"  # how CIDs of files of one block begin, which lead nowhere else


def is_published(db: sa.Connection, cid: CID, own: Collection[str]) -> bool:
    """Whether the catalog alone says that a CID is below ``published_roots``: a record that entries lead to, a
    release's weights or card, an image that this home registered (``own`` are its issuers' DIDs) and nobody took back.

    False says nothing: only a walk from the roots tells.
    """
    text = str(cid)
    named = (
        derived.records.c.cid == text,
        derived.entries.c.record == text,
        derived.weights.c.cid == text,
        derived.releases.c.card == text,
    )
    if db.scalar(sa.select(sa.or_(*(sa.exists().where(one) for one in named)))):
        return True
    images = sa.select(image_cids.c.sha256).where(
        image_cids.c.cid == text,
        sa.exists().where(derived.contribution_rows.c.sha256 == image_cids.c.sha256),
        ~image_is_withdrawn(image_cids.c.sha256),
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
    """Which of these are CIDs of images that are withdrawn here."""
    gone = image_is_withdrawn(image_cids.c.sha256)
    found: set[str] = set()
    for part in chunks(cids):
        found.update(db.scalars(sa.select(image_cids.c.cid).where(image_cids.c.cid.in_(part), gone)))
    return found


def withdrawn_targets(db: sa.Connection, cids: Iterable[CID]) -> set[str]:
    """Which of these are withdrawn here by any of their names, known as images or not."""
    names = {text: str(cid) for cid in cids for text in names_of(str(cid))}
    found: set[str] = set()
    for part in chunks(names):
        found.update(db.scalars(own_targets().where(derived.withdrawals.c.target.in_(part))))
    return {names[text] for text in found} | withdrawn_among(db, list(names.values()))


def published_mark(db: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever ``published_roots`` may give something more, or something is withheld."""
    public = sa.select(sa.func.count()).select_from(sources).where(~sources.c.private).scalar_subquery()
    return (
        *rows_of(db, derived.entries, derived.evidence, derived.withdrawals, row_withdrawals, sources, more=(public,)),
    )


def withheld_mark(db: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever more may be withheld: a withdrawal came, or an imported source."""
    return rows_of(db, derived.withdrawals, row_withdrawals, sources)
