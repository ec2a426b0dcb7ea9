"""Images that are named before their bytes come, what tokens sent, and jobs that wait for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sent_roots",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token", "root", name="pk_sent_roots"),
    )
    op.create_table(
        "referenced_images",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("job", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("updated", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_referenced_images"),
        sa.CheckConstraint("state IN ('waiting', 'given_up')", name=op.f("ck_referenced_images_state")),
    )
    op.create_index("ix_referenced_images_job", "referenced_images", ["job"])
    op.create_index("ix_referenced_images_state_cid", "referenced_images", ["state", "cid"])
    op.create_table(
        "referenced_rows",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_referenced_rows"),
        sa.UniqueConstraint("cid", "issuer", "digest", name="uq_referenced_rows_cid_issuer_digest"),
    )
    op.add_column("jobs", sa.Column("not_before", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "not_before")
    op.drop_table("referenced_rows")
    op.drop_table("referenced_images")
    op.drop_table("sent_roots")
