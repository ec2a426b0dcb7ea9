"""Evidence of any kind has a row; what is particular to a kind stands in the record alone.

The rows that are there are of a chain.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXTS = ("chain", "contract", "transaction", "block_hash")


def upgrade() -> None:
    with op.batch_alter_table("evidence") as batch:
        batch.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="evm"))
        batch.alter_column("time", existing_type=sa.Text(), nullable=True)
        for name in (*TEXTS, "block_number"):
            batch.drop_column(name)
    with op.batch_alter_table("evidence") as batch:
        batch.alter_column("kind", existing_type=sa.Text(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    op.execute(sa.delete(sa.table("evidence")))  # a rebuild finds it again in the store
    with op.batch_alter_table("evidence") as batch:
        batch.drop_column("kind")
        batch.alter_column("time", existing_type=sa.Text(), nullable=False)
        for name in TEXTS:
            batch.add_column(sa.Column(name, sa.Text(), nullable=False))
        batch.add_column(sa.Column("block_number", sa.BigInteger(), nullable=False))
