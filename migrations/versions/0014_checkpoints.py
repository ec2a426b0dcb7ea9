"""The newest checkpoint of a fold in training, where machines share the blocks.

Before this revision none was kept there: a fold that was lost with its machine begins anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_folds", sa.Column("checkpoint", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("run_folds", "checkpoint")
