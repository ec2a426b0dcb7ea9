"""Labelled images by whatever they are called: a sha256 in hex, or any of their CIDs."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from registry.catalog.database.sql import chunks
from registry.catalog.schema import derived

_SAID = sa.exists().where(derived.contribution_rows.c.sha256 == derived.images.c.sha256)
_LISTED = sa.or_(derived.images.c.labels > 0, _SAID)  # also where all of it was taken back


def labelled(db: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """The sha256 in hex of each name of a labelled image; nothing of other names."""
    images, aliases = derived.images.c, derived.image_cids.c
    found: dict[str, str] = {}
    for part in chunks(names):
        found |= {name: name for name in db.scalars(sa.select(images.sha256).where(_LISTED, images.sha256.in_(part)))}
        by_cid = sa.select(aliases.cid, aliases.sha256).join(derived.images, images.sha256 == aliases.sha256)
        found |= {row.cid: row.sha256 for row in db.execute(by_cid.where(_LISTED, aliases.cid.in_(part)))}
    return found
