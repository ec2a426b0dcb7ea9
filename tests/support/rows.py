"""The row that counts of what one contributor says of one image, for tests to look at."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.catalog.queries.labeled_images.rows import newest_rows


def current_row(db: sa.Connection, sha256: bytes, issuer: str, contributor: str) -> dict[str, Any] | None:
    """None if there is none."""
    return newest_rows(db, issuer, [sha256]).get((sha256, contributor))
