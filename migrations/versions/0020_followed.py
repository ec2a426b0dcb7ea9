"""Issuers of other registries whose logs are followed here, and what was refused of what they said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "followed",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("tried", "succeeded")),
        sa.PrimaryKeyConstraint("issuer", name="pk_followed"),
    )
    op.create_table(
        "follow_refusals",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("issuer", "about", "code", "reason", "seen")),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "about", "code", name="pk_follow_refusals"),
    )


def downgrade() -> None:
    op.drop_table("follow_refusals")
    op.drop_table("followed")
