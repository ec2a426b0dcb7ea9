"""Counts of images are kept, and what a grid of images is filtered by has indexes.

The counts of the rows that are there are made by 0022, once it is known which rows count.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DISPUTED = sa.text("labels > 1")
SAYS_RIGHTS = sa.text("CAST(rights AS TEXT) <> '{}'")


def upgrade() -> None:
    op.add_column("images", sa.Column("labels", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "image_counts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_image_counts")),
    )
    op.create_index(op.f("ix_image_counts_kind_images"), "image_counts", ["kind", "images"])
    op.create_index(op.f("ix_images_stored_sha256"), "images", ["stored", "sha256"])
    op.create_index(op.f("ix_contribution_rows_licence_sha256"), "contribution_rows", ["licence", "sha256"])
    some = {"sqlite_where": DISPUTED, "postgresql_where": DISPUTED}
    op.create_index("ix_images_disputed", "images", ["sha256"], **some)
    some = {"sqlite_where": SAYS_RIGHTS, "postgresql_where": SAYS_RIGHTS}
    op.create_index("ix_contribution_rows_rights", "contribution_rows", ["sha256"], **some)


def downgrade() -> None:
    op.drop_index("ix_contribution_rows_rights", "contribution_rows")
    op.drop_index(op.f("ix_contribution_rows_licence_sha256"), "contribution_rows")
    op.drop_index("ix_images_disputed", "images")
    op.drop_index(op.f("ix_images_stored_sha256"), "images")
    op.drop_table("image_counts")
    op.drop_column("images", "labels")
