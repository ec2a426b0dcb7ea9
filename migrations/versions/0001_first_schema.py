"""The first schema: what records say, indexed, and what no record holds, kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "entries",
    "records",
    "mentions",
    "evidence",
    "withdrawals",
    "audits",
    "images",
    "image_cids",
    "contributions",
    "contribution_rows",
    "snapshots",
    "snapshot_members",
    "preprocessings",
    "plans",
    "draws",
    "releases",
    "weights",
    "runs",
    "run_folds",
    "jobs",
    "job_events",
    "subjects",
    "file_names",
    "places",
    "sources",
    "tokens",
    "idempotency",
)
_RUN_STATES = "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')"
_JOB_STATES = "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _json(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=null)


def upgrade() -> None:
    _logs()
    _images()
    _releases()
    _runs()
    _private()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _logs() -> None:
    """Who says what: logs, records, what they name, what proves when."""
    op.create_table(
        "entries",
        _text("cid"),
        _text("issuer"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _text("prev", null=True),
        _text("record"),
        _text("record_type", null=True),
        _text("issued_at"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_entries")),
        sa.UniqueConstraint("issuer", "seq", name=op.f("uq_entries_issuer_seq")),
    )
    op.create_index(op.f("ix_entries_record"), "entries", ["record"])
    op.create_table("records", _text("cid"), _text("type"), sa.PrimaryKeyConstraint("cid", name=op.f("pk_records")))
    op.create_table(
        "mentions",
        _text("record"),
        _text("target"),
        _text("relation"),
        sa.PrimaryKeyConstraint("record", "target", "relation", name=op.f("pk_mentions")),
    )
    op.create_index(op.f("ix_mentions_target"), "mentions", ["target"])
    op.create_table(
        "evidence",
        _text("cid"),
        _text("entry"),
        _text("chain"),
        _text("contract"),
        _text("transaction"),
        _text("block_hash"),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        _text("time"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_entry"), "evidence", ["entry"])
    op.create_table(
        "withdrawals",
        _text("cid"),
        _text("target"),
        _text("reason"),
        _text("effective"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_withdrawals")),
    )
    op.create_index(op.f("ix_withdrawals_target"), "withdrawals", ["target"])
    op.create_table(
        "audits",
        _text("cid"),
        _text("target"),
        _json("levels"),
        _json("checks"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_audits")),
    )
    op.create_index(op.f("ix_audits_target"), "audits", ["target"])


def _images() -> None:
    """Images and what contributions say of them."""
    op.create_table(
        "images",
        _text("sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_images")),
    )
    op.create_table(
        "image_cids",
        _text("sha256"),
        _text("cid"),
        sa.PrimaryKeyConstraint("sha256", "cid", name=op.f("pk_image_cids")),
        sa.ForeignKeyConstraint(["sha256"], ["images.sha256"], name=op.f("fk_image_cids_sha256_images")),
    )
    op.create_index(op.f("ix_image_cids_cid"), "image_cids", ["cid"])
    op.create_table(
        "contributions",
        _text("cid"),
        _text("rows"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        _text("ordinal"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_contributions")),
    )
    op.create_index(op.f("ix_contributions_ordinal"), "contributions", ["ordinal"])
    op.create_table(
        "contribution_rows",
        _text("contribution"),
        _text("sha256"),
        _text("contributor"),
        _text("ordinal"),
        _text("cid"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _text("label"),
        _json("boxes"),
        _json("attributes"),
        _text("subject", null=True),
        _text("licence", null=True),
        _text("consent", null=True),
        _text("replaces", null=True),
        sa.PrimaryKeyConstraint("contribution", "sha256", "contributor", name=op.f("pk_contribution_rows")),
        sa.ForeignKeyConstraint(
            ["contribution"], ["contributions.cid"], name=op.f("fk_contribution_rows_contribution_contributions")
        ),
    )
    op.create_index(op.f("ix_contribution_rows_label"), "contribution_rows", ["label"])
    op.create_index(
        op.f("ix_contribution_rows_sha256_contributor_ordinal"),
        "contribution_rows",
        ["sha256", "contributor", "ordinal"],
    )


def _releases() -> None:
    """Snapshots, plans, draws and releases."""
    op.create_table(
        "snapshots",
        _text("cid"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        _json("classes"),
        _json("query"),
        _text("rule"),
        _text("items"),
        _text("excluded"),
        _text("supersedes", null=True),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "snapshot_members",
        _text("snapshot"),
        _text("sha256"),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot", "sha256", name=op.f("pk_snapshot_members")),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.cid"], name=op.f("fk_snapshot_members_snapshot_snapshots")),
    )
    op.create_index(op.f("ix_snapshot_members_sha256"), "snapshot_members", ["sha256"])
    op.create_table(
        "preprocessings",
        _text("cid"),
        _text("snapshot"),
        _text("recipe"),
        _text("output"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_preprocessings")),
    )
    op.create_index(op.f("ix_preprocessings_snapshot"), "preprocessings", ["snapshot"])
    op.create_table(
        "plans",
        _text("cid"),
        _text("preprocessing"),
        _text("snapshot"),
        _text("recipe"),
        _text("recipe_name"),
        _text("method"),
        _text("final"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_snapshot"), "plans", ["snapshot"])
    op.create_table(
        "draws",
        _text("cid"),
        _text("plan"),
        sa.Column("beacon", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_draws")),
    )
    op.create_index(op.f("ix_draws_plan"), "draws", ["plan"])
    op.create_table(
        "releases",
        _text("cid"),
        _text("plan"),
        _text("plan_entry"),
        _text("draw"),
        _text("snapshot"),
        _text("preprocessing"),
        _text("evaluation"),
        _text("recipe_name"),
        _text("final"),
        _text("licence"),
        _text("card"),
        _text("supersedes", null=True),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_releases")),
    )
    op.create_index(op.f("ix_releases_snapshot"), "releases", ["snapshot"])
    op.create_table(
        "weights",
        _text("release"),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("fold", sa.Integer(), nullable=True),
        _text("format"),
        _text("cid"),
        _text("tensors"),
        sa.PrimaryKeyConstraint("release", "position", name=op.f("pk_weights")),
        sa.ForeignKeyConstraint(["release"], ["releases.cid"], name=op.f("fk_weights_release_releases")),
    )
    op.create_index(op.f("ix_weights_cid"), "weights", ["cid"])


def _runs() -> None:
    """Runs and jobs."""
    op.create_table(
        "runs",
        _text("id"),
        _text("snapshot"),
        _text("plan", null=True),
        _text("plan_entry", null=True),
        _text("preprocessing", null=True),
        _text("draw", null=True),
        _text("evaluation", null=True),
        _text("release", null=True),
        _text("recipe_name"),
        _text("engine", null=True),
        _text("status"),
        sa.Column("kept", sa.Integer(), nullable=True),
        _json("dropped", null=True),
        _json("options"),
        _text("error", null=True),
        _text("created"),
        _text("updated"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.CheckConstraint(_RUN_STATES, name=op.f("ck_runs_status")),
    )
    op.create_index(op.f("ix_runs_created"), "runs", ["created"])
    op.create_index(op.f("ix_runs_plan"), "runs", ["plan"])
    op.create_table(
        "run_folds",
        _text("run"),
        sa.Column("fold", sa.Integer(), nullable=False, autoincrement=False),
        _text("status"),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("epochs", sa.Integer(), nullable=True),
        _text("training", null=True),
        _text("predictions", null=True),
        _text("tensors", null=True),
        _text("error", null=True),
        sa.PrimaryKeyConstraint("run", "fold", name=op.f("pk_run_folds")),
        sa.CheckConstraint(_RUN_STATES, name=op.f("ck_run_folds_status")),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_run_folds_run_runs")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        _text("run"),
        _text("kind"),
        _json("payload"),
        _text("state"),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        _text("worker", null=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        _text("error", null=True),
        _text("created"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.CheckConstraint(_JOB_STATES, name=op.f("ck_jobs_state")),
    )
    op.create_index(op.f("ix_jobs_run"), "jobs", ["run"])
    op.create_index(op.f("ix_jobs_state_id"), "jobs", ["state", "id"])
    op.create_table(
        "job_events",
        _text("run"),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        _text("kind"),
        _json("data"),
        _text("time"),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("pk_job_events")),
    )


def _private() -> None:
    """What no record may hold, and access."""
    op.create_table(
        "subjects",
        _text("name"),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        _text("pseudonym"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_subjects")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_subjects_pseudonym")),
    )
    op.create_table(
        "file_names",
        _text("sha256"),
        _text("root"),
        _text("name"),
        sa.PrimaryKeyConstraint("sha256", "root", "name", name=op.f("pk_file_names")),
    )
    op.create_table("places", _text("sha256"), sa.PrimaryKeyConstraint("sha256", name=op.f("pk_places")))
    op.create_table(
        "sources",
        _text("root"),
        _text("kind"),
        sa.Column("private", sa.Boolean(), nullable=False),
        _text("imported_at"),
        sa.PrimaryKeyConstraint("root", name=op.f("pk_sources")),
    )
    op.create_table(
        "tokens",
        _text("id"),
        _text("hash"),
        _json("scopes"),
        _text("created"),
        _text("expires", null=True),
        _text("revoked", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
    )
    op.create_table(
        "idempotency",
        _text("key"),
        _text("token"),
        _text("request"),
        _json("response"),
        _text("created"),
        sa.PrimaryKeyConstraint("token", "key", name=op.f("pk_idempotency")),
    )
