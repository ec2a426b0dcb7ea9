"""Keep that an issuer's log forks: the entry that is held, and the one that was refused because of it.

What was refused before this revision left no trace, so there is nothing to fill in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = [sa.Column(name, sa.Text(), nullable=False) for name in ("issuer", "held", "refused", "seen")]
    op.create_table("log_forks", *columns, sa.PrimaryKeyConstraint("held", "refused", name="pk_log_forks"))
    op.create_index("ix_log_forks_issuer", "log_forks", ["issuer"])


def downgrade() -> None:
    op.drop_table("log_forks")
