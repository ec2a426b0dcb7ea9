"""Changes of a log's keys, and which entries count no more because their key was revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("entries", sa.Column("revoked", sa.Text(), nullable=True))
    op.create_table(
        "key_changes",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.Column("recovery", sa.Text(), nullable=True),
        sa.Column("revoked_from", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_key_changes")),
    )
    op.create_index("ix_key_changes_issuer_seq", "key_changes", ["issuer", "seq"])
    op.create_index("ix_key_changes_successor", "key_changes", ["successor"])


def downgrade() -> None:
    op.drop_index("ix_key_changes_successor", "key_changes")
    op.drop_index("ix_key_changes_issuer_seq", "key_changes")
    op.drop_table("key_changes")
    with op.batch_alter_table("entries") as table:
        table.drop_column("revoked")
