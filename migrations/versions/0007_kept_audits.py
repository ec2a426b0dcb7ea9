"""Audits that were made here are kept with their reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = ("running", "done", "failed")


def upgrade() -> None:
    op.create_table(
        "kept_audits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("checks", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("updated", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_audits")),
        sa.CheckConstraint(f"status IN ({', '.join(map(repr, STATES))})", name=op.f("ck_kept_audits_status")),
    )
    op.create_index("ix_kept_audits_target_id", "kept_audits", ["target", "id"])


def downgrade() -> None:
    op.drop_table("kept_audits")
