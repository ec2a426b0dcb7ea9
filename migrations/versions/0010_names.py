"""An index of the names that issuers give.

Before this revision nothing wrote a name, so no entry's row is missing; a rebuild fills the table from whatever the
store holds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "names",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_names"),
    )
    op.create_index("ix_names_name", "names", ["name"])
    op.create_index("ix_names_target", "names", ["target"])


def downgrade() -> None:
    op.drop_table("names")
