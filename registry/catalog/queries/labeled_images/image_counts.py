"""How many images have a label, a contributor, a licence or a right: exact counts, kept while rows are indexed
(``registry.catalog.index.image_counts`` says what is counted)."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from registry.catalog.schema.derived import image_counts as _counts


class Count(NamedTuple):
    """A value, and how many images have it."""

    value: str
    images: int


def images(db: sa.Connection, kind: str, value: str = "") -> int:
    """How many images have this value; ``listed`` and ``disputed`` have none."""
    found = sa.select(_counts.c.images).where(_counts.c.kind == kind, _counts.c.value == value)
    return db.scalar(found) or 0


def most(db: sa.Connection, kind: str, limit: int) -> list[Count]:
    """The values that most images have, the most frequent first, equal ones by the alphabet."""
    query = sa.select(_counts.c.value, _counts.c.images).where(_counts.c.kind == kind)
    ordered = query.order_by(_counts.c.images.desc(), _counts.c.value).limit(limit)
    return [Count(row.value, row.images) for row in db.execute(ordered)]
