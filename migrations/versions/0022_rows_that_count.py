"""Each row says by which withdrawal's entry it was taken back, and what was counts nowhere any more.

An image's withdrawal takes its signer's rows back, too. The counts of images are made again where any row is taken
back, or where an older schema had none.
"""

from __future__ import annotations

import json
from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_KEY = ("cid", "sha256", "issuer", "contributor")
_COLUMNS = (*_KEY, "reason", "effective", "remedy")
_TAKEN_BACK = sa.text("withdrawn IS NOT NULL")
_TAKER = """
UPDATE contribution_rows SET withdrawn = (
  SELECT e.cid FROM row_withdrawals w JOIN entries e ON e.record = w.cid
  WHERE e.revoked IS NULL AND e.issuer IN (w.issuer, w.contributor)
    AND w.issuer IN ('', contribution_rows.issuer) AND w.contributor IN ('', contribution_rows.contributor)
    AND w.sha256 IN ('', contribution_rows.sha256)
  ORDER BY CASE WHEN w.remedy = 'remove_bytes' THEN 0 ELSE 1 END, w.effective, e.cid LIMIT 1)
WHERE EXISTS (
  SELECT 1 FROM row_withdrawals w WHERE w.issuer IN ('', contribution_rows.issuer)
    AND w.contributor IN ('', contribution_rows.contributor) AND w.sha256 IN ('', contribution_rows.sha256))
"""
_OF_IMAGES = """
INSERT INTO row_withdrawals (cid, sha256, issuer, contributor, reason, effective, remedy)
SELECT DISTINCT w.cid, COALESCE(a.sha256, w.target), {issuer}, {contributor}, w.reason, w.effective, w.remedy
FROM withdrawals w JOIN entries e ON e.record = w.cid LEFT JOIN image_cids a ON a.cid = w.target
WHERE a.sha256 IS NOT NULL OR LENGTH(w.target) = 64
"""
_COUNTED = """withdrawn IS NULL AND NOT EXISTS (SELECT 1 FROM contribution_rows later
WHERE later.sha256 = r.sha256 AND later.issuer = r.issuer AND later.contributor = r.contributor
  AND later.ordinal > r.ordinal)"""


def upgrade() -> None:
    db = op.get_bind()
    op.add_column("contribution_rows", sa.Column("withdrawn", sa.Text(), nullable=True))
    _new_table(_KEY)
    for issuer, contributor in (("e.issuer", "''"), ("''", "e.issuer")):
        db.execute(sa.text(_OF_IMAGES.format(issuer=issuer, contributor=contributor)))
    db.execute(sa.text(_TAKER))
    some = {"sqlite_where": _TAKEN_BACK, "postgresql_where": _TAKEN_BACK}
    op.create_index("ix_contribution_rows_withdrawn", "contribution_rows", ["sha256"], **some)
    marked = db.scalar(sa.text("SELECT 1 FROM contribution_rows WHERE withdrawn IS NOT NULL LIMIT 1"))
    if marked or db.scalar(sa.text("SELECT 1 FROM image_counts LIMIT 1")) is None:
        _recount(db)


def downgrade() -> None:
    op.drop_index("ix_contribution_rows_withdrawn", "contribution_rows")
    op.execute("DELETE FROM row_withdrawals WHERE issuer = '' OR contributor = ''")
    _new_table(("cid",))
    with op.batch_alter_table("contribution_rows") as table:
        table.drop_column("withdrawn")


def _new_table(key: tuple[str, ...]) -> None:
    op.drop_index("ix_row_withdrawals_issuer_contributor_sha256", "row_withdrawals")
    op.rename_table("row_withdrawals", "row_withdrawals_before")
    if op.get_bind().dialect.name == "postgresql":  # the constraint kept its name
        op.execute("ALTER TABLE row_withdrawals_before DROP CONSTRAINT pk_row_withdrawals")
    op.create_table(
        "row_withdrawals",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _COLUMNS),
        sa.PrimaryKeyConstraint(*key, name="pk_row_withdrawals"),
    )
    op.execute("INSERT INTO row_withdrawals SELECT " + ", ".join(_COLUMNS) + " FROM row_withdrawals_before")  # noqa: S608  # names of our own
    op.drop_table("row_withdrawals_before")
    op.create_index(
        "ix_row_withdrawals_issuer_contributor_sha256", "row_withdrawals", ["issuer", "contributor", "sha256"]
    )


def _recount(db: sa.Connection) -> None:
    """All counts of images, and of each how many different labels its rows give that count."""
    rows = f"FROM contribution_rows r WHERE {_COUNTED}"
    db.execute(sa.text("DELETE FROM image_counts"))
    mine = f"SELECT COUNT(DISTINCT r.label) {rows} AND r.sha256 = images.sha256"  # no text of others
    db.execute(sa.text(f"UPDATE images SET labels = ({mine})"))  # noqa: S608
    for kind in ("label", "contributor", "licence"):
        counted = f"SELECT '{kind}', r.{kind}, COUNT(DISTINCT r.sha256) {rows} AND r.{kind} IS NOT NULL"
        db.execute(sa.text(f"INSERT INTO image_counts (kind, value, images) {counted} GROUP BY r.{kind}"))
    said = f"SELECT r.sha256, CAST(r.rights AS TEXT) {rows} AND CAST(r.rights AS TEXT) <> '{{}}'"
    pairs = {(sha256, signal) for sha256, rights in db.execute(sa.text(said)) for signal in _signals(rights)}
    found = [("right", signal, images) for signal, images in Counter(signal for _, signal in pairs).items()]
    for kind, met in (("listed", "labels > 0"), ("disputed", "labels > 1")):
        total = db.scalar(sa.text(f"SELECT COUNT(*) FROM images WHERE {met}"))  # noqa: S608
        found += [(kind, "", total)] if total else []
    table = sa.table("image_counts", sa.column("kind"), sa.column("value"), sa.column("images"))
    if found:
        names = ("kind", "value", "images")
        db.execute(sa.insert(table), [dict(zip(names, one, strict=True)) for one in found])


def _signals(rights: str) -> list[str]:
    said = json.loads(rights)
    return list(said) if isinstance(said, dict) else []
