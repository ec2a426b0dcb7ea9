"""A withdrawal says what is asked for. Those that are there asked for nothing more than that it is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("withdrawals", sa.Column("remedy", sa.Text(), nullable=False, server_default="notice"))
    with op.batch_alter_table("withdrawals") as batch:
        batch.alter_column("remedy", existing_type=sa.Text(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("withdrawals") as batch:
        batch.drop_column("remedy")
