"""Rows of contributions: every label that was given to an image, append-only.

Invariants: rows are never changed or deleted. Of each (image, issuer, contributor) the row with the latest place in the
issuer's log counts, so it does not matter when a log was indexed, and no issuer's row replaces another's. A snapshot
that names ``contributions_in_log_order`` can be computed again from these contributions alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import CHUNK, among, chunks
from registry.catalog.schema import derived, operational
from registry.catalog.schema.derived import contributions
from registry.core.ipld.cid import CID
from registry.core.ipld.multibase import decode_base32
from registry.core.snapshots.query import SPEAKERS, TEXTS, choices, matcher

_ROWS = derived.contribution_rows
_identity = itemgetter("sha256", "issuer", "contributor")  # core.snapshots.snapshot's, without all records


def is_newest(rows: sa.FromClause = _ROWS) -> sa.ColumnElement[bool]:
    """Whether its issuer has no later row of the same image and contributor."""
    later = _ROWS.alias("later")
    return ~sa.exists().where(
        later.c.sha256 == rows.c.sha256,
        later.c.issuer == rows.c.issuer,
        later.c.contributor == rows.c.contributor,
        later.c.ordinal > rows.c.ordinal,
    )


def counts(rows: sa.FromClause = _ROWS) -> sa.ColumnElement[bool]:
    """Whether it says what its contributor says now: nothing newer corrects it, and nobody took it back."""
    return is_newest(rows) & rows.c.withdrawn.is_(None)


_JSON = tuple(column.name for column in _ROWS.c if isinstance(column.type, sa.JSON))
_PLAIN = tuple(column.name for column in _ROWS.c if column.name not in _JSON)
_AS_TEXT = (*(_ROWS.c[name] for name in _PLAIN), *(sa.cast(_ROWS.c[name], sa.Text).label(name) for name in _JSON))
_parsed = lru_cache(maxsize=1024)(CID.parse)  # of contributions: few, named by many rows
_decoded = lru_cache(maxsize=4096)(json.loads)  # most rows say the same few things; nobody changes what is given out


def _value(row: Sequence[Any]) -> dict[str, Any]:
    """The columns of CONTRIBUTION_ROWS as they stand in its table, ``issuer``, ``contribution`` and ``place``, by which
    the rows of one issuer are in order; ``row``: the values of ``_AS_TEXT``."""
    found = dict(zip(_PLAIN, row, strict=False))
    for name, text in zip(_JSON, row[len(_PLAIN) :], strict=True):
        found[name] = _decoded(text)
    found["sha256"] = bytes.fromhex(found["sha256"])
    found["cid"] = _bytes_of(found["cid"])
    if found["replaces"]:
        found["replaces"] = _bytes_of(found["replaces"])
    if found["signature"]:
        found["signature"] = bytes.fromhex(found["signature"])
    found["contribution"] = _parsed(found["contribution"])
    found["place"] = found.pop("ordinal")
    return found


def _bytes_of(text: str) -> bytes:
    """The bytes of a CID as the catalog writes it."""
    return decode_base32(text[1:]) if text[0] == "b" else bytes(CID.parse(text))


def newest_rows(db: sa.Connection, issuer: str, sha256s: Iterable[bytes]) -> dict[tuple[bytes, str], dict[str, Any]]:
    """Of these images the newest row of each contributor of this issuer, by image and contributor, as ``current_rows``
    gives it.
    """
    found: dict[tuple[bytes, str], dict[str, Any]] = {}
    mine = (among(db, _ROWS.c.sha256, {sha256.hex() for sha256 in sha256s}), _ROWS.c.issuer == issuer)
    for row in map(_value, db.execute(sa.select(*_AS_TEXT).where(*mine).order_by(_ROWS.c.ordinal))):
        found[row["sha256"], row["contributor"]] = row
    return found


def replaced_by(
    db: sa.Connection, contributions: Collection[CID], sha256s: Iterable[bytes]
) -> dict[tuple[bytes, str], str | None]:
    """What the rows of some contributions replace, by their image (of these) and contributor."""
    named = _ROWS.c.contribution.in_([str(cid) for cid in contributions])
    mine = among(db, _ROWS.c.sha256, {sha256.hex() for sha256 in sha256s})
    query = sa.select(_ROWS.c.sha256, _ROWS.c.contributor, _ROWS.c.replaces).where(named, mine)
    return {(bytes.fromhex(row.sha256), row.contributor): row.replaces for row in db.execute(query)}


def current_rows(
    db: sa.Connection, query: Mapping[str, Any] | None = None, chosen: Sequence[bytes] | None = None
) -> Iterator[dict[str, Any]]:
    """The newest row of every (image, issuer, contributor) that ``query`` matches, in rising order of these.

    A row is a dict of CONTRIBUTION_ROWS' columns (sha256 and cid are bytes), ``issuer``, ``contribution``, a CID,
    ``place``, and ``withdrawn``, the entry that takes it back, or None; several rows may share a value. ``query`` is
    what ``registry.core.snapshots.query.matcher`` takes; ``chosen``: only of these images, by rising sha256.
    ``InvalidInput`` for any other.
    """
    meets = matcher(query or {})
    for part in [None] if chosen is None else _parts(chosen):
        rows = map(_value, db.execute(_newest(query or {}, part)))
        yield from filter(meets, sorted(rows, key=_identity) if part else in_order(rows))


def _parts(chosen: Sequence[bytes]) -> Iterator[list[str]]:
    return ([one.hex() for one in chosen[start : start + CHUNK]] for start in range(0, len(chosen), CHUNK))


def _newest(query: Mapping[str, Any], images: Sequence[str] | None) -> sa.Select[Any]:
    found = sa.select(*_AS_TEXT).where(is_newest())
    for name in TEXTS:
        if name in query:
            found = found.where(_ROWS.c[name].in_(choices(query[name])))
    if images is not None:
        return found.where(_ROWS.c.sha256.in_(images))
    return found.order_by(_ROWS.c.sha256).execution_options(yield_per=1000)


def in_order(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows by rising identity, which come by rising sha256: databases compare names by rules of their own."""
    together: list[dict[str, Any]] = []  # of one image: one, nearly always
    for row in rows:
        if together and row["sha256"] != together[0]["sha256"]:
            yield from sorted(together, key=_identity) if len(together) > 1 else together
            together = []
        together.append(row)
    yield from sorted(together, key=_identity)


def rows_aside(db: sa.Connection, rows: Collection[Mapping[str, Any]]) -> dict[bytes, list[dict[str, Any]]]:
    """By sha256, the newest rows of these rows' images that are not among them, in order."""
    taken = {(row["sha256"], row["issuer"], row["contributor"]) for row in rows}
    found: dict[bytes, list[dict[str, Any]]] = {}
    for part in chunks({row["sha256"].hex() for row in rows}):
        ordered = sa.select(*_AS_TEXT).where(_ROWS.c.sha256.in_(part), is_newest()).order_by(_ROWS.c.sha256)
        for value in map(_value, db.execute(ordered)):
            if (value["sha256"], value["issuer"], value["contributor"]) not in taken:
                found.setdefault(value["sha256"], []).append(value)
    return found


def rights_of(db: sa.Connection, sha256s: Collection[str]) -> dict[str, dict[str, Any]]:
    """Of images by sha256 in hex: ``rights``, all that rows say that count, {signal: different values}, and what that
    means together (``standing``: no, yes, not_read or silent)."""
    from registry.core.snapshots.use import all_given, standing

    said: dict[str, list[dict[str, str]]] = {sha256: [] for sha256 in sha256s}
    for part in chunks(said):
        query = sa.select(_ROWS.c.sha256, _ROWS.c.rights).where(_ROWS.c.sha256.in_(part), counts())
        for row in db.execute(query):
            said[row.sha256].append(row.rights)
    given = {sha256: all_given(maps) for sha256, maps in said.items()}
    return {sha256: {"standing": standing(rights), "rights": rights} for sha256, rights in given.items()}


def contributions_in_log_order(db: sa.Connection, named: Collection[str]) -> list[CID]:
    """Every contribution that bears on the images of these contributions, oldest first, in the order in which rows are
    resolved.

    The set is transitive: it includes every contribution that shares an image with one already included. So these
    contributions alone hold the newest row of every image in them.
    """
    known = list(db.execute(sa.select(contributions.c.cid, contributions.c.ordinal, contributions.c.count)))
    found = _reached(db, {row.cid: row[2] for row in known}, set(named))
    ordered = sorted((row.ordinal, row.cid) for row in known if row.cid in found)
    return [CID.parse(cid) for _, cid in ordered]


def _reached(db: sa.Connection, counts: Mapping[str, int], found: set[str]) -> set[str]:
    """``found`` and all that shares an image with what was found, at last. Asked from the side that has fewer rows."""
    rest = counts.keys() - found
    frontier = set(found)
    while frontier and rest:
        if sum(counts[one] for one in rest) < sum(counts.get(one, 0) for one in frontier):
            shared = _sharing(db, rest)
            reached = {one for one in rest if not shared.get(one, set()).isdisjoint(found)}
        else:
            reached = set[str]().union(*_sharing(db, frontier).values()) & rest
        found |= reached
        rest -= reached
        frontier = reached
    return found


def _sharing(db: sa.Connection, these: Collection[str]) -> dict[str, set[str]]:
    """By contribution, those that have an image with it in common."""
    mine, theirs = _ROWS.alias("mine"), _ROWS.alias("theirs")
    found: dict[str, set[str]] = {}
    for part in chunks(these):
        query = sa.select(mine.c.contribution, theirs.c.contribution).join(theirs, mine.c.sha256 == theirs.c.sha256)
        for one, other in db.execute(query.where(mine.c.contribution.in_(part)).distinct()):
            found.setdefault(one, set()).add(other)
    return found


def contributors_by_issuer(db: sa.Connection, *filters: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
    """Every (issuer, contributor) with a row that counts, of some image, and meets the filters, sorted."""
    found = sa.select(_ROWS.c.issuer, _ROWS.c.contributor).where(counts(), *filters).distinct()
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
