"""What left this registry in files, so that a withdrawal can say where its thing went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "exports",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("cid", "form", "time")),
        sa.PrimaryKeyConstraint("cid", "form", "time", name="pk_exports"),
    )


def downgrade() -> None:
    op.drop_table("exports")
