"""The heads of logs and the outbox of transactions stand in the database; a run has an issuer.

The table of images with a place in their EXIF goes: nothing filled it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_heads",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("issuer", name="pk_log_heads"),
    )
    op.create_table(
        "transactions",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("transaction", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_transactions"),
        sa.UniqueConstraint("chain", "transaction", name="uq_transactions_chain_transaction"),
    )
    op.create_index("ix_transactions_chain_sender_nonce", "transactions", ["chain", "sender", "nonce"])
    op.add_column("runs", sa.Column("issuer", sa.Text(), nullable=True))
    op.drop_table("places")


def downgrade() -> None:
    op.create_table(
        "places", sa.Column("sha256", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("sha256", name="pk_places")
    )
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("issuer")
    op.drop_table("transactions")
    op.drop_table("log_heads")
