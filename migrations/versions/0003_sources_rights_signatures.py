"""Rows say where an attribute comes from and what the picture says of its use, and carry their contributor's signature.

Rows that are there say nothing of these.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROWS = "contribution_rows"
MAPS = ("sources", "rights")


def upgrade() -> None:
    for name in MAPS:
        op.add_column(ROWS, sa.Column(name, sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table(ROWS) as batch:
        for name in MAPS:
            batch.alter_column(name, existing_type=sa.JSON(), existing_nullable=False, server_default=None)
    op.add_column(ROWS, sa.Column("signature", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table(ROWS) as batch:
        for name in (*MAPS, "signature"):
            batch.drop_column(name)
