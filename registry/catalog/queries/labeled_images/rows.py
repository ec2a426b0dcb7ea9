"""Rows of contributions: every label that was given to an image, append-only.

Invariants: rows are never changed or deleted. Of each (image, issuer, contributor) the row with the latest place in the
issuer's log counts, so it does not matter when a log was indexed, and no issuer's row replaces another's. A snapshot
that names ``contributions_in_log_order`` can be computed again from these contributions alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.schema import derived, operational
from registry.catalog.schema.derived import contributions
from registry.catalog.schema.prepared import Prepared
from registry.catalog.schema.sql import chunks
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS, MAPS
from registry.core.snapshots.query import SPEAKERS, TEXTS, check_query, choices, matches

_ROWS = derived.contribution_rows


def is_newest(rows: sa.FromClause = _ROWS) -> sa.ColumnElement[bool]:
    """Whether its issuer has no later row of the same image and contributor."""
    later = _ROWS.alias("later")
    return ~sa.exists().where(
        later.c.sha256 == rows.c.sha256,
        later.c.issuer == rows.c.issuer,
        later.c.contributor == rows.c.contributor,
        later.c.ordinal > rows.c.ordinal,
    )


def _value(row: sa.RowMapping) -> dict[str, Any]:
    """The columns of CONTRIBUTION_ROWS as they stand in its table, ``issuer``, ``contribution`` and ``place``."""
    return {
        "sha256": bytes.fromhex(row["sha256"]),
        "issuer": row["issuer"],
        "contributor": row["contributor"],
        "cid": bytes(CID.parse(row["cid"])),
        "size": row["size"],
        **{name: row[name] for name in ANNOTATION_FIELDS},
        "replaces": bytes(CID.parse(row["replaces"])) if row["replaces"] else None,
        "signature": bytes.fromhex(row["signature"]) if row["signature"] else None,
        "contribution": CID.parse(row["contribution"]),
        "place": row["ordinal"],  # of one issuer's rows the later ones have greater ones
    }


def newest_rows(db: sa.Connection, issuer: str, sha256s: Iterable[bytes]) -> dict[tuple[bytes, str], dict[str, Any]]:
    """Of these images the newest row of each contributor of this issuer, by image and contributor, as ``current_rows``
    gives it.
    """
    found: dict[tuple[bytes, str], dict[str, Any]] = {}
    for part in chunks({sha256.hex() for sha256 in sha256s}):
        query = sa.select(_ROWS).where(_ROWS.c.sha256.in_(part), _ROWS.c.issuer == issuer).order_by(_ROWS.c.ordinal)
        for row in map(_value, db.execute(query).mappings()):
            found[row["sha256"], row["contributor"]] = row
    return found


def current_row(db: sa.Connection, sha256: bytes, issuer: str, contributor: str) -> dict[str, Any] | None:
    """One of them; None if there is none."""
    return newest_rows(db, issuer, [sha256]).get((sha256, contributor))


def current_rows(db: sa.Connection, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The newest row of every (image, issuer, contributor) that ``query`` matches, in rising order of these.

    A row is a dict of CONTRIBUTION_ROWS' columns (sha256 and cid are bytes), ``issuer``, ``contribution``, a CID, and
    ``place``, by which the rows of one issuer are in order.
    ``query`` is what ``registry.core.snapshots.query.matches`` takes; ``InvalidInput`` for any other.
    """
    from registry.core.snapshots.snapshot import ROW_IDENTITY  # with all records, which a list of images does without

    wanted = dict(query or {})
    check_query(wanted)
    found = sa.select(_ROWS).where(is_newest())
    for name in TEXTS:
        if name in wanted:
            found = found.where(_ROWS.c[name].in_(choices(wanted[name])))
    found = found.order_by(*(_ROWS.c[name] for name in ROW_IDENTITY)).execution_options(yield_per=1000)
    values = (_value(row) for row in db.execute(found).mappings())
    return (value for value in values if matches(value, wanted))


def rows_aside(db: sa.Connection, rows: Collection[Mapping[str, Any]]) -> dict[bytes, list[dict[str, Any]]]:
    """By sha256, the newest rows of these rows' images that are not among them, in order."""
    taken = {(row["sha256"], row["issuer"], row["contributor"]) for row in rows}
    found: dict[bytes, list[dict[str, Any]]] = {}
    for part in chunks({row["sha256"].hex() for row in rows}):
        ordered = sa.select(_ROWS).where(_ROWS.c.sha256.in_(part), is_newest()).order_by(_ROWS.c.sha256)
        for value in map(_value, db.execute(ordered).mappings()):
            if (value["sha256"], value["issuer"], value["contributor"]) not in taken:
                found.setdefault(value["sha256"], []).append(value)
    return found


def image_history(db: sa.Connection, sha256: bytes) -> list[dict[str, Any]]:
    """Everything that was said about an image, in the order of the logs; all values are text, lists or None.

    ``contributor``, what is said (``core.labeling.labeled_row``), ``replaces, signature`` (hex), ``contribution,
    issuer, issued_at, entry, current``.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _HISTORY.rows(db, sha256=sha256.hex()):
        said = row._asdict()
        loaded = {name: json.loads(said[name]) for name in _VALUES}
        found.setdefault((row.contribution, row.contributor), {**said, **loaded, "current": bool(row.current)})
    return list(found.values())


_VALUES = ("boxes", *MAPS)  # JSON


def _history() -> sa.Select[Any]:
    """An image's rows, each as often as entries sign its contribution: the one that gives it its place, the first by
    issuer and then by place, before the others."""
    e = derived.entries.c
    names = ("contributor", *ANNOTATION_FIELDS, "replaces", "signature", "contribution")
    said = (sa.cast(_ROWS.c[name], sa.Text).label(name) if name in _VALUES else _ROWS.c[name] for name in names)
    signed = sa.and_(e.record == _ROWS.c.contribution, e.record_type == "contribution")
    return (
        sa.select(*said, e.issuer, e.issued_at, e.cid.label("entry"), is_newest().label("current"))
        .join(derived.entries, signed)
        .where(_ROWS.c.sha256 == sa.bindparam("sha256"))
        .order_by(_ROWS.c.ordinal, _ROWS.c.contributor, e.issuer, e.seq)
    )


_HISTORY = Prepared(_history)


def contributions_in_log_order(db: sa.Connection, sha256s: Collection[bytes]) -> list[CID]:
    """Every contribution that bears on these images, oldest first, in the order in which rows are resolved.

    The set is transitive: it includes every contribution that shares an image with one already included. So these
    contributions alone hold the newest row of every image in them.
    """
    found: set[str] = set()
    for part in chunks(value.hex() for value in sha256s):
        found.update(db.scalars(sa.select(_ROWS.c.contribution).where(_ROWS.c.sha256.in_(part)).distinct()))
    frontier = set(found)
    mine, theirs = _ROWS.alias("mine"), _ROWS.alias("theirs")
    while frontier:
        reached: set[str] = set()
        for part in chunks(frontier):
            query = sa.select(theirs.c.contribution).join(mine, mine.c.sha256 == theirs.c.sha256)
            reached.update(db.scalars(query.where(mine.c.contribution.in_(part)).distinct()))
        frontier = reached - found
        found |= reached
    ordered = db.scalars(sa.select(contributions.c.cid).order_by(contributions.c.ordinal, contributions.c.cid))
    return [CID.parse(cid) for cid in ordered if cid in found]


def contributors_by_issuer(db: sa.Connection, *filters: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
    """Every (issuer, contributor) whose newest row of some image meets the filters, sorted."""
    found = sa.select(_ROWS.c.issuer, _ROWS.c.contributor).where(is_newest(), *filters).distinct()
    return sorted((row.issuer, row.contributor) for row in db.execute(found))


def contributors_named(db: sa.Connection, names: Collection[str]) -> list[tuple[str, str]]:
    """Every (issuer, contributor) with one of these names; under different issuers they are different people."""
    return contributors_by_issuer(db, _ROWS.c.contributor.in_(names))


def contributors_query(db: sa.Connection, source: CID) -> dict[str, Any]:
    """A query for the contributors who labelled images of a source; empty where there are no others."""
    names = operational.file_names
    mine = _ROWS.c.sha256.in_(sa.select(names.c.sha256).where(names.c.root == str(source)))
    found = contributors_by_issuer(db, mine)
    return {} if found == contributors_by_issuer(db) else {SPEAKERS: [list(one) for one in found]}


def labels_of_contribution(db: sa.Connection, contribution: str, most: int) -> list[str]:
    """The different labels of a contribution in their order, at most so many."""
    found = sa.select(_ROWS.c.label).where(_ROWS.c.contribution == contribution).distinct().order_by(_ROWS.c.label)
    return list(db.scalars(found.limit(most)))
