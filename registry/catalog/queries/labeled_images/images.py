"""Images: an image is identified by its sha256; its CIDs are aliases.

Invariants: an image is listed once a contribution has a row of it (stored bytes alone do not count). ``status`` is
``withdrawn`` as ``queries.signed_records.withdrawn_rows`` says, else ``stored`` if its bytes are held here, else
``referenced``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.bulk import insert_tuples
from registry.catalog.database.prepared import Prepared
from registry.catalog.database.sql import among, chunks, decode_cursor, encode_cursor, int64, names_of, page_limit
from registry.catalog.queries.labeled_images.described import describe
from registry.catalog.queries.labeled_images.rows import counts, is_newest
from registry.catalog.queries.signed_records.withdrawn_rows import withdrawn_sha256s
from registry.catalog.schema import derived
from registry.catalog.schema.derived import image_cids
from registry.core.errors import Conflict, InvalidInput, UsageError
from registry.core.ipld.cid import CID
from registry.core.ipld.cid_texts import texts
from registry.core.labeling.labeled_row import PICTURE

STATUSES = ("referenced", "stored", "withdrawn")
_ROWS = derived.contribution_rows
_Labels = Mapping[str, int]
_NONE: _Labels = MappingProxyType({})


def put_images(
    db: sa.Connection, found: Sequence[tuple[bytes, int, Sequence[CID]]], *, stored: bool, labels: _Labels = _NONE
) -> set[str]:
    """Know images by their sha256, size and CIDs, whichever profile made these; the sha256s of those that are new.

    ``labels``: of images that may be new, how many labels the rows give them that this transaction brings.
    Again: CIDs are added, and what was only referenced may become stored, never the other way.
    ``Conflict`` ``image_size`` if one is stored with another size, which the same bytes can't have.
    """
    sizes = {sha256.hex(): int64(size, "the size") for sha256, size, _ in found}
    known = _mark_stored(db, sizes) if stored else _known(db, sizes)
    new = sorted(sizes.keys() - known)
    rows = [(name, sizes[name], stored, labels.get(name, 0)) for name in new]
    insert_tuples(db, derived.images, ("sha256", "size", "stored", "labels"), rows)
    named = sorted({(sha256.hex(), bytes(cid)) for sha256, _, cids in found for cid in cids})
    aliases = [(name, text) for (name, _), text in zip(named, texts([cid for _, cid in named]), strict=True)]
    insert_tuples(db, image_cids, ("sha256", "cid"), [one for one in aliases if one[0] not in known])
    insert_tuples(db, image_cids, ("sha256", "cid"), [one for one in aliases if one[0] in known], skip=True)
    return set(new)


def stored_by_cid(db: sa.Connection, cids: Iterable[str], issuer: str) -> dict[str, tuple[bytes, int, dict[str, str]]]:
    """Of these CIDs those of images whose bytes are here and of which the issuer has a row: the image's sha256, its
    size, and what was read in it of its own use when that row was made.
    """
    found: dict[str, tuple[bytes, int, dict[str, str]]] = {}
    columns = (image_cids.c.cid, derived.images.c.sha256, derived.images.c.size, _ROWS.c.rights)
    joined = sa.join(image_cids, derived.images).join(_ROWS, _ROWS.c.sha256 == derived.images.c.sha256)
    mine = (among(db, image_cids.c.cid, cids), derived.images.c.stored, _ROWS.c.issuer == issuer)
    for row in db.execute(sa.select(*columns).select_from(joined).where(*mine, is_newest())):
        read = {name: value for name, value in row.rights.items() if name.startswith(PICTURE)}
        _, _, known = found.get(row.cid, (b"", 0, {}))
        found[row.cid] = (bytes.fromhex(row.sha256), row.size, known | read)
    return found


def labelled(db: sa.Connection, sha256s: Iterable[str]) -> set[str]:
    """Those of these images of which a row counts."""
    mine = among(db, derived.images.c.sha256, sha256s)
    return set(db.scalars(sa.select(derived.images.c.sha256).where(mine, derived.images.c.labels > 0)))


def _mark_stored(db: sa.Connection, sizes: Mapping[str, int]) -> set[str]:
    """Those of these images that are known. Sizes are set from the bytes themselves; so far they may only have been
    stated by contributors."""
    known = db.execute(sa.select(derived.images).where(among(db, derived.images.c.sha256, sizes))).all()
    for row in known:
        if row.stored and row.size != sizes[row.sha256]:
            raise Conflict(f"image {row.sha256} has {row.size} bytes, not {sizes[row.sha256]}", code="image_size")
    changed = [{"name": row.sha256, "bytes": sizes[row.sha256]} for row in known if not row.stored]
    if changed:
        mine = sa.update(derived.images).where(derived.images.c.sha256 == sa.bindparam("name"))
        db.execute(mine.values(stored=True, size=sa.bindparam("bytes")), changed)
    return {row.sha256 for row in known}


def mark_removed(db: sa.Connection, sha256s: Iterable[str]) -> None:
    """These images' bytes are here no more."""
    for part in chunks(sha256s):
        db.execute(sa.update(derived.images).where(derived.images.c.sha256.in_(part)).values(stored=False))


def _known(db: sa.Connection, sha256s: Iterable[str]) -> set[str]:
    return set(db.scalars(sa.select(derived.images.c.sha256).where(among(db, derived.images.c.sha256, sha256s))))


def not_stored(db: sa.Connection, sha256s: Iterable[str]) -> list[str]:
    """Which of these the catalog does not know to be stored here, sorted."""
    found: list[str] = []
    for part in chunks(sha256s):
        mine = sa.select(derived.images.c.sha256).where(derived.images.c.sha256.in_(part), derived.images.c.stored)
        stored = set(db.scalars(mine))
        found += [one for one in part if one not in stored]
    return found


def resolve_image(db: sa.Connection, text: str) -> bytes | None:
    """The sha256 of the image that a sha256 in hex or one of its CIDs names; None if none is known by it."""
    found = _NAMED.first(db, names=[text])
    if found is None:
        try:
            found = _NAMED.first(db, names=names_of(text))
        except InvalidInput:
            return None
    return bytes.fromhex(found.sha256) if found else None


def _named() -> sa.CompoundSelect[Any]:
    """The image of one of these sha256s before one of whose CIDs are among them."""
    names: sa.BindParameter[str] = sa.bindparam("names", expanding=True)
    by_digest = sa.select(derived.images.c.sha256, sa.literal(0).label("way")).where(derived.images.c.sha256.in_(names))
    by_cid = sa.select(image_cids.c.sha256, sa.literal(1).label("way")).where(image_cids.c.cid.in_(names))
    return sa.union_all(by_digest, by_cid).order_by("way").limit(1)


_NAMED = Prepared(_named)


def get_image(db: sa.Connection, sha256_or_cid: str) -> dict[str, Any] | None:
    """One image as ``list_images`` gives it; None if no contribution has a row of it."""
    sha256 = resolve_image(db, sha256_or_cid)
    return image_of(db, sha256.hex()) if sha256 else None


def image_of(db: sa.Connection, sha256: str) -> dict[str, Any] | None:
    """The same by its sha256."""
    found = describe(db, [sha256])
    said = sa.select(_ROWS.c.sha256).where(_ROWS.c.sha256 == sha256).limit(1)
    return found[0] if found and (found[0]["labels"] or db.scalar(said)) else None


def cids_of(db: sa.Connection, sha256: str) -> list[CID]:
    """Every CID by which some record names an image."""
    return [CID.parse(cid) for cid in db.scalars(sa.select(image_cids.c.cid).where(image_cids.c.sha256 == sha256))]


def labels(db: sa.Connection) -> list[str]:
    """Every label that a row gives, as given, sorted."""
    return sorted(db.scalars(sa.select(_ROWS.c.label).distinct()))


def _chosen(asked: Mapping[str, str | Sequence[str]]) -> sa.Select[str]:
    """Images with a current row that meets the filter, in the order of the filter's index."""
    if not asked:
        spoken_of = sa.exists().where(_ROWS.c.sha256 == derived.images.c.sha256)
        return sa.select(derived.images.c.sha256).where(spoken_of)
    met = [
        _ROWS.c[name] == value if isinstance(value, str) else _ROWS.c[name].in_(value) for name, value in asked.items()
    ]
    return sa.select(_ROWS.c.sha256).where(*met, counts()).distinct()


def list_images(
    db: sa.Connection,
    *,
    label: str | Sequence[str] | None = None,
    issuer: str | None = None,
    contributor: str | None = None,
    subject: str | None = None,
    status: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of images by rising sha256, and the cursor of the next page or None.

    Each has ``sha256`` (hex), ``cid``, ``size``, ``label`` (the one most contributors give, as given;
    None on a tie), ``labels`` {label: count}, ``agreement`` (``alike``), ``labellers`` (their
    number), ``contributors``, ``speakers`` (the first 100, whose they are, and what each says: {issuer, contributor,
    label}), ``subject``, ``licence`` (None unless all who
    give one agree) and ``status``. ``label`` (one, or any of several), ``issuer``, ``contributor`` and ``subject`` must
    all be met by one newest row. ``UsageError`` for an unknown status, limit or cursor.
    """
    wanted = {"label": label, "issuer": issuer, "contributor": contributor, "subject": subject}
    query = _chosen({name: value for name, value in wanted.items() if value is not None})
    names: list[str] = list(db.execute(_page(query, status, cursor).limit(page_limit(limit) + 1)).scalars())
    page = names[:limit]
    return describe(db, page), encode_cursor(page[-1]) if len(names) > limit else None


def _page(query: sa.Select[str], status: str | None, cursor: str | None) -> sa.Select[str]:
    (sha256,) = query.selected_columns
    if status is not None:
        if sha256.table is not derived.images:
            query = query.join(derived.images, derived.images.c.sha256 == sha256)
        query = query.where(has_status(status))
    if cursor is not None:
        query = query.where(sha256 > decode_cursor(cursor, 1)[0])
    return query.order_by(sha256)


def has_status(status: str) -> sa.ColumnElement[bool]:
    """Whether an image has this status; ``UsageError`` for one that there is not."""
    if status not in STATUSES:
        raise UsageError(
            f"an image's status is one of {', '.join(STATUSES)}, not {status!r}",
            hint="use one of these, or leave it out.",
        )
    taken_back = derived.images.c.sha256.in_(withdrawn_sha256s())  # few: found once, by indexes
    if status == "withdrawn":
        return taken_back
    return ~taken_back & (derived.images.c.stored if status == "stored" else ~derived.images.c.stored)
