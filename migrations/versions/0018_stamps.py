"""Stamps of timestamp authorities and calendars are kept from when they are asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "stamps",
        sa.Column("position", sa.Integer, autoincrement=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("publisher", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("statement", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("proof", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("position", name="pk_stamps"),
        sa.UniqueConstraint("place", "publisher", "digest", name="uq_stamps_place_publisher_digest"),
    )


def downgrade() -> None:
    op.drop_table("stamps")
