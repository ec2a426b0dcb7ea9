"""The indexes that are of some rows alone, for whoever compares the schema with the migrations.

They stand apart from their tables because SQLAlchemy loads the dialects of both databases for them, which costs every
command more than all of the catalog's own modules. No query needs them: the migrations make them.
"""

from __future__ import annotations

from sqlalchemy import Index

from registry.catalog.schema.derived import DISPUTED, SAYS_RIGHTS, TAKEN_BACK, contribution_rows, images
from registry.catalog.schema.identity import tokens

_LIVE = tokens.c.revoked.is_(None)

PARTIAL = (
    Index("ix_images_disputed", images.c.sha256, sqlite_where=DISPUTED, postgresql_where=DISPUTED),
    Index(
        "ix_contribution_rows_rights",
        contribution_rows.c.sha256,
        sqlite_where=SAYS_RIGHTS,
        postgresql_where=SAYS_RIGHTS,
    ),
    Index(
        "ix_contribution_rows_withdrawn",
        contribution_rows.c.sha256,
        sqlite_where=TAKEN_BACK,
        postgresql_where=TAKEN_BACK,
    ),
    Index("uq_tokens_name", tokens.c.name, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)
