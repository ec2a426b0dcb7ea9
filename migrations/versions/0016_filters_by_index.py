"""The indexes by label, contributor and licence hold the other two: of two filters that few images meet together, those
that do are found in the index, without a look at every row of one.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

_TABLE = "contribution_rows"
_FIELDS = ("label", "contributor", "licence")


def _columns(field: str) -> list[str]:
    return [field, "sha256", *(one for one in _FIELDS if one != field)]


def upgrade() -> None:
    for field in _FIELDS:
        op.drop_index(f"ix_{_TABLE}_{field}_sha256", _TABLE)
        columns = _columns(field)
        op.create_index(f"ix_{_TABLE}_{'_'.join(columns)}", _TABLE, columns)


def downgrade() -> None:
    for field in _FIELDS:
        op.drop_index(f"ix_{_TABLE}_{'_'.join(_columns(field))}", _TABLE)
        op.create_index(f"ix_{_TABLE}_{field}_sha256", _TABLE, [field, "sha256"])
