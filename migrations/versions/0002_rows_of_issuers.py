"""Rows have an issuer, each filter of the images an index of its own, and new entries wait in the database.

The issuer of a row that is there is the one in its contribution's ordinal ("<issuer> <seq>").
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROWS = "contribution_rows"
NEWEST = ["sha256", "issuer", "contributor", "ordinal"]
NEWEST_BEFORE = ["sha256", "contributor", "ordinal"]
FILTERS = ("label", "contributor", "subject")


def _index(columns: list[str]) -> str:
    return f"ix_{ROWS}_{'_'.join(columns)}"


def upgrade() -> None:
    op.add_column(ROWS, sa.Column("issuer", sa.Text(), nullable=True))
    rows = sa.table(ROWS, sa.column("issuer"), sa.column("ordinal"))
    op.execute(sa.update(rows).values(issuer=sa.func.substr(rows.c.ordinal, 1, sa.func.length(rows.c.ordinal) - 21)))
    with op.batch_alter_table(ROWS) as batch:
        batch.alter_column("issuer", existing_type=sa.Text(), nullable=False)
    op.drop_index(_index(NEWEST_BEFORE), ROWS)
    op.drop_index(_index(["label"]), ROWS)
    op.create_index(_index(NEWEST), ROWS, NEWEST)
    for name in FILTERS:
        op.create_index(_index([name, "sha256"]), ROWS, [name, "sha256"])
    op.create_table(
        "pending_entries",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_pending_entries"),
    )
    op.create_index("ix_pending_entries_issuer_seq", "pending_entries", ["issuer", "seq"])


def downgrade() -> None:
    op.drop_table("pending_entries")
    for columns in (NEWEST, *([name, "sha256"] for name in FILTERS)):
        op.drop_index(_index(columns), ROWS)
    with op.batch_alter_table(ROWS) as batch:
        batch.drop_column("issuer")
    op.create_index(_index(NEWEST_BEFORE), ROWS, NEWEST_BEFORE)
    op.create_index(_index(["label"]), ROWS, ["label"])
