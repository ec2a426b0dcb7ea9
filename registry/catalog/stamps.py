"""Stamps in the catalog's database: implements ``registry.provenance.anchors.timestamp.kept.KeptStamps``.

Invariant: of a place, a publisher and a digest there is one row; a final one is never replaced, but by one that says
more (``attested`` by ``finalized``).
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from registry.catalog.database.database import Catalog, Connection
from registry.catalog.schema.operational import stamps
from registry.core.ports.anchor import FINAL
from registry.provenance.anchors.timestamp.kept import Stamp

_NAMES = ("place", "publisher", "digest", "status", "statement", "proof")
_BETTER = frozenset({("attested", "finalized")})


class CatalogStamps:
    """Stamps of all publishers. ``catalog`` gives the database, and makes it where it is not there; whoever only looks
    (``there``) makes none."""

    def __init__(self, catalog: Callable[[], Catalog], there: Callable[[], bool] = lambda: True) -> None:
        self._catalog, self._there = catalog, there

    def get(self, place: str, publisher: str, digest: bytes) -> Stamp | None:
        """What is kept of one."""
        if not self._there():
            return None
        with self._catalog().read() as db:
            return _row(db, place, publisher, digest)

    def keep(self, stamp: Stamp) -> Stamp:
        """Keep it; it is committed when this returns."""
        values = {name: getattr(stamp, name) for name in _NAMES} | {"statement": dict(stamp.statement)}
        with self._catalog().write() as db:
            kept = _row(db, stamp.place, stamp.publisher, stamp.digest)
            if kept is None:
                db.execute(sa.insert(stamps).values(values))
                return stamp
            if kept.status in FINAL and (kept.status, stamp.status) not in _BETTER:
                return kept
            db.execute(sa.update(stamps).where(_is(stamp.place, stamp.publisher, stamp.digest)).values(values))
            return stamp

    def of(self, place: str, publisher: str) -> list[Stamp]:
        """All of one publisher at one place, oldest first."""
        if not self._there():
            return []
        mine = (stamps.c.place == place) & (stamps.c.publisher == publisher)
        query = sa.select(*(stamps.c[name] for name in _NAMES)).where(mine).order_by(stamps.c.position)
        with self._catalog().read() as db:
            return [Stamp(**row) for row in db.execute(query).mappings()]


def _is(place: str, publisher: str, digest: bytes) -> sa.ColumnElement[bool]:
    return (stamps.c.place == place) & (stamps.c.publisher == publisher) & (stamps.c.digest == digest)


def _row(db: Connection, place: str, publisher: str, digest: bytes) -> Stamp | None:
    query = sa.select(*(stamps.c[name] for name in _NAMES)).where(_is(place, publisher, digest))
    found = db.execute(query).mappings().first()
    return None if found is None else Stamp(**found)


def waiting_places(catalog: Catalog) -> set[str]:
    """Where something waits that can still become more."""
    query = sa.select(stamps.c.place).where(stamps.c.status.in_(("pending", "attested"))).distinct()
    with catalog.read() as db:
        return set(db.execute(query).scalars())
