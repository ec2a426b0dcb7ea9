"""Withdrawals of rows, and of all rows of a contributor. Older programs could say none, so nothing has to be filled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_COLUMNS = ("cid", "sha256", "issuer", "contributor", "reason", "effective", "remedy")


def upgrade() -> None:
    op.create_table(
        "row_withdrawals",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _COLUMNS),
        sa.PrimaryKeyConstraint("cid", name="pk_row_withdrawals"),
    )
    columns = ["issuer", "contributor", "sha256"]
    op.create_index("ix_row_withdrawals_issuer_contributor_sha256", "row_withdrawals", columns)


def downgrade() -> None:
    op.drop_index("ix_row_withdrawals_issuer_contributor_sha256", "row_withdrawals")
    op.drop_table("row_withdrawals")
