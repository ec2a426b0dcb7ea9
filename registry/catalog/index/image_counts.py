"""Counts of images that are kept while rows are indexed, so that pages need not count a million images.

``image_counts`` has for each kind and value how many images have it in a row that counts: the kinds ``label``,
``contributor``, ``licence`` and ``right`` (a signal of ``core.labeling.labeled_row.SIGNALS``), and two without a
value: ``listed`` (the image has a row) and ``disputed`` (its rows that count give different labels). ``labels`` of
an image is how many different ones they give.

Invariant: every change of contribution rows goes through ``kept_counts`` or ``count_fresh``, or ends with ``recount``;
so all counts are exact, and what no image has has no row. A row that was taken back counts nowhere; an image that was
withdrawn as a whole is counted by the rows that others gave it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import chunks, insert_new
from registry.catalog.queries.labeled_images.rows import counts as counting
from registry.catalog.schema import derived
from registry.core.labeling.labeled_row import LabeledRow

_ROWS = derived.contribution_rows
_COUNTS = derived.image_counts
_IMAGES = derived.images
_Key = tuple[str, str]
_PLAIN = ("label", "contributor", "licence")


@contextmanager
def kept_counts(db: sa.Connection, sha256s: Iterable[str]) -> Iterator[None]:
    """Keep the counts right over a change of these images' rows."""
    names = sorted(set(sha256s))
    before, _ = _counted(db, names)
    yield
    after, labels = _counted(db, names)
    after.subtract(before)
    _add(db, {key: change for key, change in after.items() if change})
    _set_labels(db, labels)


def count_fresh(
    db: sa.Connection, contribution: str, rows: Sequence[LabeledRow], put: Collection[str] = frozenset()
) -> None:
    """Count the rows that a contribution has just brought of images that had none before: nothing is read for it.

    ``put``: those of the images whose ``labels`` are right already.
    """
    counts, labels = _tally((row.sha256.hex(), row) for row in rows)
    _add(db, dict(counts))
    rest = {name: many for name, many in labels.items() if name not in put}
    if rest:
        mine = sa.select(_ROWS.c.sha256).where(_ROWS.c.contribution == contribution)
        db.execute(sa.update(_IMAGES).where(_IMAGES.c.sha256.in_(mine), _IMAGES.c.labels == 0).values(labels=1))
        _set_labels(db, {name: many for name, many in rest.items() if many != 1})


def labels_by_image(rows: Iterable[LabeledRow]) -> dict[str, int]:
    """How many different labels rows give to each image."""
    return Counter(name for name, _ in {(row.sha256.hex(), row.label) for row in rows})


def recount(db: sa.Connection) -> None:
    """Count everything again."""
    db.execute(sa.delete(_COUNTS))
    db.execute(sa.update(_IMAGES).values(labels=_labels_of_image()))
    for kind in _PLAIN:
        column = _ROWS.c[kind]
        images = sa.func.count(_ROWS.c.sha256.distinct())
        found = sa.select(sa.literal(kind), column, images).where(counting(), column.is_not(None)).group_by(column)
        db.execute(sa.insert(_COUNTS).from_select(["kind", "value", "images"], found))
    _add(db, _rights(db))
    counted = {"listed": _IMAGES.c.labels > 0, "disputed": _IMAGES.c.labels > 1}
    totals = {
        (kind, ""): db.scalar(sa.select(sa.func.count()).select_from(_IMAGES).where(met)) or 0
        for kind, met in counted.items()
    }
    _add(db, {key: images for key, images in totals.items() if images})


def _labels_of_image() -> sa.ScalarSelect[int]:
    different = sa.func.count(_ROWS.c.label.distinct())
    mine = sa.select(different).where(_ROWS.c.sha256 == _IMAGES.c.sha256, counting())
    return mine.correlate(_IMAGES).scalar_subquery()


def _rights(db: sa.Connection) -> Counter[_Key]:
    said = sa.select(_ROWS.c.sha256, _ROWS.c.rights).where(derived.SAYS_RIGHTS, counting()).order_by(_ROWS.c.sha256)
    seen = {(row.sha256, signal) for row in db.execute(said) for signal in row.rights}
    return Counter(("right", signal) for _, signal in seen)


def _counted(db: sa.Connection, sha256s: Iterable[str]) -> tuple[Counter[_Key], dict[str, int]]:
    """How many of these images have each kind and value, and how many different labels each has."""
    wanted = (_ROWS.c.sha256, _ROWS.c.label, _ROWS.c.contributor, _ROWS.c.licence, _ROWS.c.rights)
    counts, labels = Counter[_Key](), dict[str, int]()
    for part in chunks(sha256s):
        found = db.execute(sa.select(*wanted).where(_ROWS.c.sha256.in_(part), counting()))
        more, those = _tally((row.sha256, row) for row in found)
        counts.update(more)
        labels |= dict.fromkeys(part, 0) | those
    return counts, labels


def _tally(rows: Iterable[tuple[str, Any]]) -> tuple[Counter[_Key], dict[str, int]]:
    """The same of rows, which are all newest, each with its image."""
    by_image: dict[str, list[Any]] = {}
    for name, row in rows:
        by_image.setdefault(name, []).append(row)
    counts, labels = Counter[_Key](), dict.fromkeys(by_image, 1)
    alone = [group[0] for group in by_image.values() if len(group) == 1]
    for kind in _PLAIN:
        counts.update(
            {(kind, value): many for value, many in Counter(getattr(row, kind) for row in alone).items() if value}
        )
    counts.update(("right", signal) for row in alone if row.rights for signal in row.rights)
    for name, group in by_image.items():
        if len(group) > 1:
            counts.update({(kind, value) for row in group for kind in _PLAIN if (value := getattr(row, kind))})
            counts.update({("right", signal) for row in group for signal in row.rights})
            labels[name] = len({row.label for row in group})
    if by_image:
        counts["listed", ""] = len(by_image)
    if several := sum(many > 1 for many in labels.values()):
        counts["disputed", ""] = several
    return counts, labels


def _add(db: sa.Connection, changes: dict[_Key, int]) -> None:
    if not changes:
        return
    ordered = sorted(changes.items())
    insert_new(db, _COUNTS, [{"kind": kind, "value": value, "images": 0} for (kind, value), _ in ordered])
    mine = (_COUNTS.c.kind == sa.bindparam("of")) & (_COUNTS.c.value == sa.bindparam("called"))
    more = sa.update(_COUNTS).where(mine).values(images=_COUNTS.c.images + sa.bindparam("change"))
    db.execute(more, [{"of": kind, "called": value, "change": change} for (kind, value), change in ordered])
    if min(changes.values()) < 0:
        db.execute(sa.delete(_COUNTS).where(_COUNTS.c.images == 0))


def _set_labels(db: sa.Connection, labels: dict[str, int]) -> None:
    if not labels:
        return
    mine = sa.update(_IMAGES).where(_IMAGES.c.sha256 == sa.bindparam("name"), _IMAGES.c.labels != sa.bindparam("many"))
    db.execute(mine.values(labels=sa.bindparam("many")), [{"name": one, "many": many} for one, many in labels.items()])
