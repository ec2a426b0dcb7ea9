"""Which records name a thing, and which record came from which.

Invariants: ``lineage`` goes up to everything that a record came from and down to everything that came from it, but
never up and then down again (siblings are not related). It makes one query per generation. Down from an image lead the
contributions and snapshots that hold it, and what came from these snapshots.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, names_of, page_limit
from registry.catalog.queries.labeled_images.images import resolve_image
from registry.catalog.schema import derived, operational
from registry.catalog.schema.relations import ABOUT, BESIDE, CONTENT_TYPES, DERIVED
from registry.core.ipld.cid import CID

_M = derived.mentions.c
EdgeRow = tuple[str, str, str]  # from, to, relation


def _names(db: sa.Connection, text: str) -> tuple[list[str], str | None]:
    """All texts that ``text`` stands under, and the sha256 in hex if it is an image."""
    names = set(names_of(text))
    sha256 = resolve_image(db, text)
    if sha256 is None:
        return sorted(names), None
    aliases = db.scalars(sa.select(derived.image_cids.c.cid).where(derived.image_cids.c.sha256 == sha256.hex()))
    return sorted({*names, sha256.hex(), *aliases}), sha256.hex()


def _image_edges(db: sa.Connection, sha256: str) -> set[EdgeRow]:
    rows, held = derived.contribution_rows.c, derived.snapshot_members.c
    labels = db.scalars(sa.select(rows.contribution).where(rows.sha256 == sha256).distinct())
    found = {(cid, sha256, "labels") for cid in labels}
    indexed = sa.select(held.snapshot, held.excluded).join(derived.records, derived.records.c.cid == held.snapshot)
    for row in db.execute(indexed.where(held.sha256 == sha256)):  # others are being taken just now
        found.add((row.snapshot, sha256, "excludes" if row.excluded else "holds"))
    return found


_KEY = ("time", "record", "relation")  # by which mentions are in order


def lookup(db: sa.Connection, text: str, *, only: str | None = None) -> list[dict[str, Any]]:
    """Every record (of one type, or of all) that names or holds what ``text`` (a CID, or a digest in hex) stands for,
    oldest first.

    ``record, type, relation, issuer, time``; issuer and time are None for a record that no entry says
    itself. ``InvalidInput`` if it is no CID and no digest.
    """
    return _described(db, db.execute(_ordered(_mentioned(db, text, only))).all())


def lookup_page(
    db: sa.Connection, text: str, *, only: str | None = None, cursor: str | None = None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of ``lookup``, and the cursor of the next page or None."""
    found = _mentioned(db, text, only)
    query = _ordered(found).limit(page_limit(limit) + 1)
    if cursor is not None:
        key = sa.tuple_(*(found.c[name] for name in _KEY))
        query = query.where(key > sa.tuple_(*decode_cursor(cursor, len(_KEY))))
    rows = db.execute(query).all()
    page = rows[:limit]
    return _described(db, page), encode_cursor(*page[-1]) if len(rows) > limit else None


def is_mentioned(db: sa.Connection, text: str) -> bool:
    """Whether ``lookup`` finds anything."""
    return db.execute(sa.select(sa.exists(sa.select(_named(*_names(db, text)))))).scalar_one()


def _named(names: Collection[str], sha256: str | None) -> sa.Subquery:
    """``record`` and ``relation`` of all that speak of these names, and of an image."""
    found = [sa.select(_M.record, _M.relation).where(_M.target.in_(names))]
    if sha256 is not None:
        rows, held = derived.contribution_rows.c, derived.snapshot_members.c
        relation = sa.case((held.excluded, "excludes"), else_="holds")
        found.append(sa.select(rows.contribution, sa.literal("labels", sa.Text)).where(rows.sha256 == sha256))
        indexed = sa.select(held.snapshot, relation).join(derived.records, derived.records.c.cid == held.snapshot)
        found.append(indexed.where(held.sha256 == sha256))  # others are being taken just now
    return sa.union(*found).subquery("named")


def _mentioned(db: sa.Connection, text: str, only: str | None) -> sa.Subquery:
    """``record, relation`` and ``time``, as ``_describe`` says it or "", of what ``lookup`` finds."""
    named = _named(*_names(db, text))
    e, dated = derived.entries.c, derived.evidence.c
    said = sa.select(sa.func.min(e.issued_at)).where(sa.or_(e.record == named.c.record, e.cid == named.c.record))
    stated = sa.select(dated.time).where(dated.cid == named.c.record)
    time = sa.func.coalesce(said.scalar_subquery(), stated.scalar_subquery(), "")
    query = sa.select(named, time.label("time"))
    if only is not None:
        kinds = derived.records.c
        query = query.join(derived.records, kinds.cid == named.c.record).where(kinds.type == only)
    return query.subquery("mentioned")


def _ordered(found: sa.Subquery) -> sa.Select[Any]:
    columns = [found.c[name] for name in _KEY]
    return sa.select(*columns).order_by(*columns)


def _described(db: sa.Connection, rows: Iterable[sa.Row[Any]]) -> list[dict[str, Any]]:
    known = _describe(db, {row.record for row in rows})
    found = [{"record": row.record, "relation": row.relation, **known[row.record]} for row in rows]
    return [{name: one[name] for name in ("record", "type", "relation", "issuer", "time")} for one in found]


def _describe(db: sa.Connection, cids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Type, issuer and time of records; of an entry its own, of a record its first entry's."""
    found: dict[str, dict[str, Any]] = {cid: {"type": "unknown", "issuer": None, "time": None} for cid in cids}
    for part in chunks(cids):
        for row in db.execute(sa.select(derived.records).where(derived.records.c.cid.in_(part))):
            found[row.cid]["type"] = row.type
        for row in db.execute(
            sa.select(derived.evidence.c.cid, derived.evidence.c.time).where(derived.evidence.c.cid.in_(part))
        ):
            found[row.cid]["time"] = row.time
        e = derived.entries.c
        said = sa.select(derived.entries).where(sa.or_(e.record.in_(part), e.cid.in_(part)))
        for row in db.execute(said.order_by(e.issued_at.desc(), e.issuer.desc(), e.seq.desc())):
            for cid in {row.cid, row.record} & found.keys():  # the last to be set is the first that was said
                found[cid] |= {"issuer": row.issuer, "time": row.issued_at}
    return found


def _generation(db: sa.Connection, names: Iterable[str], *, up: bool, relations: Collection[str]) -> set[EdgeRow]:
    here = _M.record if up else _M.target
    found: set[EdgeRow] = set()
    for part in chunks(names):
        query = sa.select(_M.record, _M.target, _M.relation).where(here.in_(part), _M.relation.in_(relations))
        found.update((row.record, row.target, row.relation) for row in db.execute(query))
    return found


def _walk(db: sa.Connection, start: Iterable[str], *, up: bool, relations: Collection[str]) -> set[EdgeRow]:
    """All edges on the ways up, or down, from ``start``."""
    found: set[EdgeRow] = set()
    seen = set(start)
    frontier = set(seen)
    while frontier:
        edges = _generation(db, frontier, up=up, relations=relations)
        found |= edges
        frontier = {edge[1] if up else edge[0] for edge in edges} - seen
        seen |= frontier
    return found


def _kin(db: sa.Connection, names: Collection[str], sha256: str | None) -> set[EdgeRow]:
    image_edges = _image_edges(db, sha256) if sha256 is not None else set()
    holding = {record for record, _, relation in image_edges if relation == "holds"}
    edges = image_edges | _walk(db, {*names, *holding}, up=False, relations=DERIVED | ABOUT)
    if sha256 is None:
        edges |= _walk(db, names, up=True, relations=DERIVED | {"says"})
    return edges


def trainings_of(db: sa.Connection, tensors: str) -> list[CID]:
    """The trainings, published or of runs of this home, that gave these tensors."""
    told = sa.select(_M.record).where(_M.target == tensors, _M.relation == "tensors")
    said = sa.select(derived.records.c.cid).where(derived.records.c.cid.in_(told), derived.records.c.type == "training")
    own = sa.select(operational.run_folds.c.training).where(operational.run_folds.c.tensors == tensors)
    found = {*db.scalars(said), *db.scalars(own)} - {None}
    return [CID.parse(one) for one in sorted(found)]


def lineage(db: sa.Connection, cid: CID) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What a record, an image or weights came from, and what came from it.

    Nodes have ``cid, type, issuer, time`` (an image's ``cid`` is its sha256 in hex), edges ``from, to,
    relation``, from what came later to what it came from. Both are empty if nothing knows this CID.
    """
    names, sha256 = _names(db, str(cid))
    edges = _kin(db, names, sha256)
    start = sha256 or str(cid)
    edges |= _generation(db, [start], up=True, relations=BESIDE) | _generation(db, [start], up=False, relations=BESIDE)
    known = _describe(db, {start, *(edge[0] for edge in edges), *(edge[1] for edge in edges)})
    if not edges and known[start]["type"] == "unknown":
        return [], []
    for _, target, relation in edges:
        if known[target]["type"] == "unknown":
            is_image = relation in {"labels", "holds", "excludes"} or (len(target) == 64 and relation == "withdraws")
            known[target]["type"] = "image" if is_image else CONTENT_TYPES.get(relation, "unknown")
    nodes = [{"cid": name, **known[name]} for name in sorted(known, key=lambda name: (known[name]["time"] or "", name))]
    return nodes, [{"from": edge[0], "to": edge[1], "relation": edge[2]} for edge in sorted(edges)]


def touched(db: sa.Connection, text: str) -> list[dict[str, str]]:
    """Every snapshot and release that rests on what ``text`` names: ``cid, type``, snapshots last.

    What merely replaces one of them, or excluded the image, does not rest on it.
    """
    names, sha256 = _names(db, text)
    held = {edge[0] for edge in _image_edges(db, sha256) if edge[2] == "holds"} if sha256 else set()
    edges = _walk(db, {*names, *held}, up=False, relations=DERIVED)
    found = held | {edge[0] for edge in edges}
    known = _describe(db, found)
    wanted = [{"cid": cid, "type": str(known[cid]["type"])} for cid in sorted(found)]
    return sorted((row for row in wanted if row["type"] in {"snapshot", "release"}), key=lambda row: row["type"])
