"""Names that issuers gave, and records whose CID or id begins in a certain way.

Invariants: a name's number counts what its issuer called so, in the order of that issuer's log; a name stands for the
target with the greatest number. Every row here follows from a signed entry, so what is found is public.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.prepared import Prepared
from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, page_limit
from registry.catalog.schema import derived, operational

FOUND = 50  # things that begin alike, at most: more than anybody reads
_LAST = "z" * 60  # no CID, no id and no digest goes on with anything greater
_COLUMNS = ("issuer", "name", "number", "target", "type", "entry", "issued_at", "current", "withdrawn")
_SIGNED = {"snapshot": derived.snapshots, "release": derived.releases}


def _taken_back(target: sa.ColumnElement[str], issuer: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an issuer withdrew a target itself: a stranger's withdrawal moves no name."""
    said, w = derived.entries.alias("said"), derived.withdrawals.c
    mine = sa.select(said.c.cid).join(derived.withdrawals, w.cid == said.c.record)
    return mine.where(w.target == target, said.c.issuer == issuer).exists()


def _signer(target: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    signed = derived.entries.alias("signed")
    first = sa.select(signed.c.issuer).where(signed.c.record == target)
    return first.order_by(signed.c.issued_at, signed.c.issuer, signed.c.seq).limit(1).scalar_subquery()


def _numbered() -> sa.Subquery:
    """Every name in every log, with its number and whether it is what the name stands for now."""
    e, n, r = derived.entries.c, derived.names.c, derived.records.c
    mine: Any = {"partition_by": (e.issuer, n.name), "order_by": e.seq}
    last = sa.func.max(e.seq).over(partition_by=(e.issuer, n.name))
    columns = (e.issuer, n.name, sa.func.row_number().over(**mine).label("number"), n.target, r.type)
    query = sa.select(*columns, e.cid.label("entry"), e.issued_at, (last == e.seq).label("current"))
    joined = query.join(derived.names, n.cid == e.record).outerjoin(derived.records, r.cid == n.target)
    return joined.subquery("numbered")


def _asked(numbered: sa.Subquery) -> sa.Select[Any]:
    """``_COLUMNS`` of every name."""
    c = numbered.c
    taken_back = sa.or_(_taken_back(c.target, c.issuer), _taken_back(c.target, _signer(c.target)))
    return sa.select(*(c[name] for name in _COLUMNS[:-1]), taken_back.label("withdrawn"))


def _document(row: Sequence[Any]) -> dict[str, Any]:
    found = dict(zip(_COLUMNS, row, strict=True))
    return {**found, "current": bool(found["current"]), "withdrawn": bool(found["withdrawn"])}


def _of_targets() -> sa.Select[Any]:
    numbered = _numbered()
    targets: sa.BindParameter[str] = sa.bindparam("targets", expanding=True)
    c, named = numbered.c, derived.names.c
    wanted = sa.select(named.name).where(named.target.in_(targets))  # few: the numbers of these alone are counted
    query = _asked(numbered).where(c.target.in_(targets), c.name.in_(wanted))
    return query.order_by(c.name, c.issuer, c.number)


_OF_TARGETS = Prepared(_of_targets)


def history(db: sa.Connection, name: str, issuers: Collection[str] | None = None) -> list[dict[str, Any]]:
    """What these issuers (None: all) called so, by issuer and number.

    ``issuer, name, number, target, type`` (None for a record that is not known here), ``entry, issued_at, current``,
    and ``withdrawn``: by who gave the name, or by who signed the target.
    """
    numbered = _numbered()
    query = _asked(numbered).where(numbered.c.name == name).order_by(numbered.c.issuer, numbered.c.number)
    if issuers is not None:
        query = query.where(numbered.c.issuer.in_(sorted(issuers)))
    return list(map(_document, db.execute(query)))


def list_names(
    db: sa.Connection, issuers: Collection[str] | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what names stand for now, as ``history`` gives it, by name and issuer; the next page's cursor."""
    numbered = _numbered()
    c = numbered.c
    query = _asked(numbered).where(c.current).order_by(c.name, c.issuer)
    if issuers is not None:
        query = query.where(c.issuer.in_(sorted(issuers)))
    if cursor is not None:
        name, issuer = decode_cursor(cursor, 2)
        query = query.where(sa.or_(c.name > name, sa.and_(c.name == name, c.issuer > issuer)))
    found = list(map(_document, db.execute(query.limit(page_limit(limit) + 1))))
    page = found[:limit]
    return page, encode_cursor(page[-1]["name"], page[-1]["issuer"]) if len(found) > limit else None


def of_targets(db: sa.Connection, targets: Collection[str]) -> list[dict[str, Any]]:
    """Every name that was given to any of these records, as ``history`` gives it, by name, issuer and number."""
    return [_document(row) for part in chunks(targets) for row in _OF_TARGETS.rows(db, targets=list(part))]


def latest(db: sa.Connection, kind: str, issuers: Collection[str]) -> str | None:
    """The newest snapshot or release that these issuers signed and did not withdraw."""
    e, table = derived.entries.c, _SIGNED[kind]
    query = sa.select(table.c.cid).join(derived.entries, e.record == table.c.cid)
    query = query.where(e.issuer.in_(sorted(issuers)), ~_taken_back(table.c.cid, e.issuer))
    return db.scalar(query.order_by(e.issued_at.desc(), e.seq.desc(), e.cid).limit(1))


def latest_run(db: sa.Connection, issuers: Collection[str]) -> str | None:
    """The run that was started last of those that have completed, of these issuers or of none."""
    r = operational.runs.c
    query = sa.select(r.id).where(r.status == "completed", sa.or_(r.issuer.in_(sorted(issuers)), r.issuer.is_(None)))
    return db.scalar(query.order_by(r.created.desc(), r.id.desc()).limit(1))


def _begins(column: sa.ColumnElement[str], start: str) -> sa.ColumnElement[bool]:
    """In a form that an index answers; ``start`` is of lower-case letters and digits alone."""
    return sa.and_(column >= start, column <= start + _LAST)


def records_begun(db: sa.Connection, start: str, kinds: Sequence[str] = ()) -> list[dict[str, str]]:
    """Records, entries, and with no ``kinds`` all else that records name: ``cid, record, type``, at most ``FOUND``.

    ``record`` and ``type`` are of what an entry signs, ``content`` of what is no record.
    """
    e, r, m = derived.entries.c, derived.records.c, derived.mentions.c
    signed = derived.records.alias("signed")
    query = (
        sa.select(r.cid, sa.func.coalesce(e.record, r.cid).label("record"))
        .add_columns(sa.func.coalesce(signed.c.type, r.type).label("type"))
        .outerjoin(derived.entries, e.cid == r.cid)
        .outerjoin(signed, signed.c.cid == e.record)
        .where(_begins(r.cid, start))
    )
    if kinds:
        query = query.where(sa.func.coalesce(signed.c.type, r.type).in_(kinds))
    found = [dict(row) for row in db.execute(query.order_by(r.cid).limit(FOUND)).mappings()]
    if not kinds:
        known = {row["cid"] for row in found}
        content = sa.select(m.target).where(_begins(m.target, start)).distinct().order_by(m.target).limit(FOUND)
        found += [{"cid": one, "record": one, "type": "content"} for one in db.scalars(content) if one not in known]
    return found


def runs_begun(db: sa.Connection, start: str) -> list[str]:
    """Ids of runs that begin so, at most ``FOUND``."""
    r = operational.runs.c
    return list(db.scalars(sa.select(r.id).where(_begins(r.id, start)).order_by(r.id).limit(FOUND)))


def runs_to_be_named(db: sa.Connection, name: str) -> list[str]:
    """Runs that were started to be called so and have no plan yet, oldest first."""
    r = operational.runs.c
    query = sa.select(r.id).where(r.plan.is_(None), r.options["name"].as_string() == name)
    return list(db.scalars(query.order_by(r.created, r.id)))


def names_to_come(db: sa.Connection, runs: Collection[str]) -> dict[str, str]:
    """Of these runs, what each that has no plan yet was started to be called."""
    r = operational.runs.c
    found: dict[str, str] = {}
    for part in chunks(runs):
        query = sa.select(r.id, r.options["name"].as_string()).where(r.id.in_(part), r.plan.is_(None))
        found |= {run: name for run, name in db.execute(query) if name}
    return found


def images_begun(db: sa.Connection, start: str) -> list[str]:
    """The sha256s of labeled images of which the sha256, or a CID, begins so, at most ``FOUND``."""
    aliases, rows = derived.image_cids.c, derived.contribution_rows.c.sha256
    by_digest = sa.select(rows).where(_begins(rows, start)).distinct().limit(FOUND)
    labeled = sa.exists().where(rows == aliases.sha256)
    by_cid = sa.select(aliases.sha256).where(_begins(aliases.cid, start), labeled).limit(FOUND)
    return sorted({*db.scalars(by_digest), *db.scalars(by_cid)})[:FOUND]


def images_called(db: sa.Connection, file_name: str) -> list[str]:
    """The sha256s of images that were imported under this file name, with or without its folder."""
    n = operational.file_names.c
    below = n.name.endswith(f"/{file_name}", autoescape=True)
    return sorted(db.scalars(sa.select(n.sha256).where(sa.or_(n.name == file_name, below)).distinct()))
