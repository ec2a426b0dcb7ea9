"""Pages of images by many filters at once, at a cost that does not grow with the catalog.

Invariants: images come by rising sha256. One filter, that which the fewest images meet by the kept counts, gives
candidates in the order of its index; the others are asked of these. No page looks at more than ``SCANNED`` candidates:
then it ends where it is, perhaps without an image, and its cursor goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from registry.catalog.database.sql import decode_cursor, encode_cursor, page_limit
from registry.catalog.queries.labeled_images import image_counts
from registry.catalog.queries.labeled_images.described import describe
from registry.catalog.queries.labeled_images.images import has_status
from registry.catalog.queries.labeled_images.rows import counts
from registry.catalog.schema import derived
from registry.core.errors import UsageError
from registry.core.labeling.labeled_row import PICTURE, SIGNALS, STATED

_ROWS, _IMAGES = derived.contribution_rows, derived.images
_TEXTS = ("label", "contributor", "issuer", "subject", "licence")
CHUNK = 450  # candidates that are asked about at once; at first only as many as a page has: most filters find it there
SCANNED = 2000
SCANNED_ROWS = 20_000  # of candidates that are given, most of which may be told not to fit before SQL is asked
MANY = 10_000  # up to which images are counted where no count is kept
ANY = "any"
Candidates = Callable[[str], Iterator[tuple[str, bool]]]  # the sha256s behind one, in order, and whether each may fit
_Query = Callable[[str], sa.Select[Any]]
_KEPT = ("label", "contributor", "licence")


@dataclass(frozen=True)
class Filters:
    """What is asked for; None asks nothing. ``label, contributor, issuer, subject, licence`` and ``right`` (one of
    ``SIGNALS``, or ``ANY``) must be met by one newest row."""

    label: str | None = None
    contributor: str | None = None
    issuer: str | None = None
    subject: str | None = None
    licence: str | None = None
    right: str | None = None
    status: str | None = None
    disputed: bool = False


_NOTHING = Filters()  # is asked for: every candidate fits


@dataclass(frozen=True)
class GridPage:
    """``images`` as ``list_images`` gives them; ``next``: a cursor, None at the end; ``searched``: the page ended
    because enough was looked at; ``count`` of images that meet the filters, exact, or ``about`` as many by the share of
    the candidates that were looked at; None where it is not known (on a later page)."""

    images: list[dict[str, Any]]
    next: str | None
    searched: bool
    count: int | None
    about: int | None


def page(
    db: sa.Connection, wanted: Filters, *, given: Candidates | None = None, cursor: str | None = None, limit: int = 60
) -> GridPage:
    """A page of the images that meet ``wanted``; ``given``: only of these. ``UsageError`` for what no image has."""
    _check(wanted)
    begin = decode_cursor(cursor, 1)[0] if cursor is not None else ""
    way = _driver(db, wanted)
    found: list[str] = []
    seen, last, ended = 0, begin, False
    first = min(page_limit(limit) + 1, CHUNK)
    source = (given or _chunked(db, way.query, first))(begin)
    most = SCANNED_ROWS if given else SCANNED
    while len(found) <= limit and seen < most and not ended:
        size = first if not seen else CHUNK
        part = list(islice(source, size))
        ended = len(part) < size
        seen, last = seen + len(part), part[-1][0] if part else last
        fitting = [sha256 for sha256, fits in part if fits]
        found += fitting if wanted == _NOTHING and given is None else _meeting(db, wanted, fitting)
    names = found[:limit]
    more = len(found) > limit
    following = names[-1] if more else None if ended else last
    count = about = None
    if cursor is None:
        count = len(found) if ended else _exact(db, wanted) if given is None else None
        if count is None and given is None and wanted.subject is None:
            about = round(way.images * len(found) / seen)  # sha256s are spread evenly
    searched = not more and following is not None
    return GridPage(describe(db, names), following and encode_cursor(following), searched, count, about)


def _check(wanted: Filters) -> None:
    if wanted.right not in (None, ANY, *SIGNALS):
        raise UsageError(
            f"a right is one of {', '.join(SIGNALS)}, not {wanted.right!r}", hint=f"use one of these, or {ANY}."
        )


class _Way(NamedTuple):
    """A filter's images by its index, and how many they are, at most."""

    images: int
    query: _Query


def _driver(db: sa.Connection, wanted: Filters) -> _Way:
    """The images that meet the rarest filter, perhaps in a row that counts no more."""
    listed = image_counts.images(db, "listed")
    ways = [_Way(listed, _of_images(_IMAGES.c.labels > 0))] if wanted.status != "withdrawn" else []
    for name in _KEPT:
        if (value := getattr(wanted, name)) is not None:
            counted = image_counts.images(db, name, value)
            ways.append(_Way(counted, _of_rows(wanted, _ROWS.c[name] == value, own=name)))
    if wanted.subject is not None:  # one person's images: few
        ways.append(_Way(0, _of_rows(wanted, _ROWS.c.subject == wanted.subject, own="subject")))
    if wanted.disputed:
        ways.append(_Way(image_counts.images(db, "disputed"), _of_images(derived.DISPUTED)))
    if wanted.right is not None:
        said = sum(one.images for one in image_counts.most(db, "right", len(SIGNALS)))
        ways.append(_Way(said, _of_rows(wanted, derived.SAYS_RIGHTS)))
    if wanted.status is not None:
        counted = count_up_to(db, has_status(wanted.status))
        known = counted < MANY or wanted.status == "withdrawn"
        ways.append(_Way(counted if known else listed, _of_status(wanted.status)))
    return min(ways, key=lambda way: way.images)


def _of_images(*met: sa.ColumnElement[bool] | sa.TextClause) -> _Query:
    return lambda after: sa.select(_IMAGES.c.sha256).where(*met, _IMAGES.c.sha256 > after)


def _of_rows(wanted: Filters, met: sa.ColumnElement[bool] | sa.TextClause, own: str | None = None) -> _Query:
    """Images with such a row; with a second column that says whether one of these rows is all else that is wanted of
    rows, where that is anything: most candidates that do not fit are told there."""
    others = _said(wanted, own)
    if not others:
        return lambda after: sa.select(_ROWS.c.sha256).where(met, _ROWS.c.sha256 > after).distinct()
    fits = sa.func.max(sa.case((sa.and_(*others), 1), else_=0))
    return lambda after: sa.select(_ROWS.c.sha256, fits).where(met, _ROWS.c.sha256 > after).group_by(_ROWS.c.sha256)


def _said(wanted: Filters, own: str | None = None) -> list[sa.ColumnElement[bool]]:
    """What is wanted of a row's texts, but for ``own``."""
    asked = {name: value for name in _TEXTS if name != own and (value := getattr(wanted, name)) is not None}
    return [_ROWS.c[name] == value for name, value in asked.items()]


def _of_status(status: str) -> _Query:
    if status == "withdrawn":
        return _of_images(has_status(status))
    return _of_images(_IMAGES.c.stored if status == "stored" else ~_IMAGES.c.stored)


def _chunked(db: sa.Connection, query: _Query, first: int) -> Candidates:
    def walk(after: str) -> Iterator[tuple[str, bool]]:
        size = first
        while True:
            asked = query(after)
            sha256 = asked.selected_columns[0]
            part = db.execute(asked.order_by(sha256).limit(size)).all()
            yield from ((row[0], bool(row[-1])) for row in part)  # a sha256 alone fits
            if len(part) < size:
                return
            after, size = part[-1][0], CHUNK

    return walk


def _meeting(db: sa.Connection, wanted: Filters, part: Sequence[str]) -> list[str]:
    """Those of a few images that meet all filters, in order."""
    met: list[sa.ColumnElement[bool] | sa.TextClause] = [*_said(wanted)]
    if wanted.right is not None:
        said = [_ROWS.c.rights[signal].as_string().is_not(None) for signal in _signals(wanted.right)]
        met.append(derived.SAYS_RIGHTS if wanted.right == ANY else sa.or_(*said))
    if not part:
        return []
    query = sa.select(_IMAGES.c.sha256).where(_IMAGES.c.sha256.in_(part), _listed(wanted))
    if met:
        rows = sa.select(_ROWS.c.sha256).where(_ROWS.c.sha256.in_(part), *met, counts())
        query = query.where(_IMAGES.c.sha256.in_(rows))
    if wanted.disputed:
        query = query.where(derived.DISPUTED)
    if wanted.status is not None:
        query = query.where(has_status(wanted.status))
    return list(db.scalars(query.order_by(_IMAGES.c.sha256)))


def _listed(wanted: Filters) -> sa.ColumnElement[bool]:
    """Of which something is said that counts; where withdrawn ones are asked for, of which anything was said."""
    if wanted.status != "withdrawn":
        return _IMAGES.c.labels > 0
    return sa.exists().where(_ROWS.c.sha256 == _IMAGES.c.sha256)


def count_up_to(db: sa.Connection, *met: sa.ColumnElement[bool], most: int = MANY) -> int:
    """How many images meet this, listed or not, counted no further than ``most``."""
    some = sa.select(_IMAGES.c.sha256).where(*met).limit(most).subquery()
    return db.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _exact(db: sa.Connection, wanted: Filters) -> int | None:
    """The kept count of what is asked for, where there is one."""
    asked = {name: value for name, value in vars(wanted).items() if value}
    if not asked:
        return image_counts.images(db, "listed")
    ((name, value), *more) = asked.items()
    if more or name not in (*_KEPT, "right", "disputed") or value == ANY:
        return None
    if name == "right":
        counted = [image_counts.images(db, name, signal) for signal in _signals(value)]
        return max(counted) if counted.count(0) >= len(counted) - 1 else None  # else some images may say both
    return image_counts.images(db, name, "" if wanted.disputed else value)


def _signals(right: str) -> tuple[str, ...]:
    """A signal as rows give it, and as it was read out of the picture itself; of one that names the picture that."""
    return (right, PICTURE + right) if right in STATED else (right,)
