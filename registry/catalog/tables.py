"""The catalog's tables. SQL is only an index: what matters is in records.

Invariants: REBUILDABLE follows from records alone, so it may be dropped and filled again by
``registry.catalog.rebuild``; nothing else refers to it by a foreign key, so that the rest outlives
a rebuild. What is in KEPT alone is lost with the database: that is what a backup is for. CIDs are
canonical text, sha256s 64 hex digits, times RFC 3339 text: readable in any SQL shell, and compared
only for equality or in one fixed width. Schema changes go through ``migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

RUN_STATES = ("queued", "running", "completed", "failed", "cancelled")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _json(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, JSON(none_as_null=True), nullable=null)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


# --- who says what: logs, records and what they name ---------------------------------------------
entries = Table(
    "entries",
    metadata,
    _text("cid"),
    _text("issuer"),
    Column("seq", BigInteger, nullable=False),
    _text("prev", null=True),
    _text("record"),
    _text("record_type", null=True),  # None until the record itself was read
    _text("issued_at"),
    PrimaryKeyConstraint("cid"),
    UniqueConstraint("issuer", "seq"),  # two entries in one place are a fork
    Index(None, "record"),
)
records = Table("records", metadata, _text("cid"), _text("type"), PrimaryKeyConstraint("cid"))
mentions = Table(
    "mentions",
    metadata,
    _text("record"),
    _text("target"),  # a CID, a sha256 in hex, or "sha256:<hex>" of tensors
    _text("relation"),
    PrimaryKeyConstraint("record", "target", "relation"),
    Index(None, "target"),
)
evidence = Table(
    "evidence",
    metadata,
    _text("cid"),
    _text("entry"),
    _text("chain"),
    _text("contract"),
    _text("transaction"),
    _text("block_hash"),
    Column("block_number", BigInteger, nullable=False),
    _text("time"),
    PrimaryKeyConstraint("cid"),
    Index(None, "entry"),
)
withdrawals = Table(
    "withdrawals",
    metadata,
    _text("cid"),
    _text("target"),
    _text("reason"),
    _text("effective"),
    PrimaryKeyConstraint("cid"),
    Index(None, "target"),
)
audits = Table(
    "audits",
    metadata,
    _text("cid"),
    _text("target"),
    _json("levels"),
    _json("checks"),
    PrimaryKeyConstraint("cid"),
    Index(None, "target"),
)

# --- images and what is said about them ----------------------------------------------------------
images = Table(
    "images",
    metadata,
    _text("sha256"),
    Column("size", BigInteger, nullable=False),
    Column("stored", Boolean, nullable=False),  # False: named by somebody, its bytes not held here
    PrimaryKeyConstraint("sha256"),
)
image_cids = Table(
    "image_cids",
    metadata,
    Column("sha256", Text, ForeignKey("images.sha256"), nullable=False),
    _text("cid"),
    PrimaryKeyConstraint("sha256", "cid"),
    Index(None, "cid"),
)
contributions = Table(
    "contributions",
    metadata,
    _text("cid"),
    _text("rows"),
    Column("count", Integer, nullable=False),
    _text("ordinal"),  # its first place in the order of all logs: "<issuer> <seq, 20 digits>"
    PrimaryKeyConstraint("cid"),
    Index(None, "ordinal"),
)
contribution_rows = Table(
    "contribution_rows",
    metadata,
    Column("contribution", Text, ForeignKey("contributions.cid"), nullable=False),
    _text("sha256"),
    _text("contributor"),
    _text("ordinal"),  # the contribution's; the greatest of an (image, contributor) is its newest row
    _text("cid"),
    Column("size", BigInteger, nullable=False),
    _text("label"),
    _json("boxes"),
    _json("attributes"),
    _text("subject", null=True),
    _text("licence", null=True),
    _text("consent", null=True),
    _text("replaces", null=True),
    PrimaryKeyConstraint("contribution", "sha256", "contributor"),
    Index(None, "sha256", "contributor", "ordinal"),
    Index(None, "label"),
)

# --- snapshots, plans, draws, releases -----------------------------------------------------------
snapshots = Table(
    "snapshots",
    metadata,
    _text("cid"),
    Column("count", Integer, nullable=False),
    _json("classes"),
    _json("query"),
    _text("rule"),
    _text("items"),
    _text("excluded"),
    _text("supersedes", null=True),
    PrimaryKeyConstraint("cid"),
)
snapshot_members = Table(
    "snapshot_members",
    metadata,
    Column("snapshot", Text, ForeignKey("snapshots.cid"), nullable=False),
    _text("sha256"),
    Column("excluded", Boolean, nullable=False),
    PrimaryKeyConstraint("snapshot", "sha256"),
    Index(None, "sha256"),
)
preprocessings = Table(
    "preprocessings",
    metadata,
    _text("cid"),
    _text("snapshot"),
    _text("recipe"),
    _text("output"),
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
plans = Table(
    "plans",
    metadata,
    _text("cid"),
    _text("preprocessing"),
    _text("snapshot"),
    _text("recipe"),
    _text("recipe_name"),
    _text("method"),
    _text("final"),
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
draws = Table(
    "draws",
    metadata,
    _text("cid"),
    _text("plan"),
    Column("beacon", Boolean, nullable=False),
    PrimaryKeyConstraint("cid"),
    Index(None, "plan"),
)
releases = Table(
    "releases",
    metadata,
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
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
weights = Table(
    "weights",
    metadata,
    Column("release", Text, ForeignKey("releases.cid"), nullable=False),
    Column("position", Integer, nullable=False, autoincrement=False),
    Column("fold", Integer, nullable=True),
    _text("format"),
    _text("cid"),
    _text("tensors"),
    PrimaryKeyConstraint("release", "position"),
    Index(None, "cid"),
)

# --- kept: what no record holds ------------------------------------------------------------------
runs = Table(
    "runs",
    metadata,
    _text("id"),
    _text("snapshot"),
    _text("plan", null=True),
    _text("plan_entry", null=True),
    _text("preprocessing", null=True),
    _text("draw", null=True),
    _text("evaluation", null=True),
    _text("release", null=True),
    _text("recipe_name"),
    _text("engine", null=True),  # None where the run was derived from its release
    _text("status"),
    Column("kept", Integer, nullable=True),
    _json("dropped", null=True),
    _json("options"),
    _text("error", null=True),
    _text("created"),
    _text("updated"),
    PrimaryKeyConstraint("id"),
    _one_of("status", RUN_STATES),
    Index(None, "plan"),
    Index(None, "created"),
)
run_folds = Table(
    "run_folds",
    metadata,
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("fold", Integer, nullable=False, autoincrement=False),  # -1: the refit on all
    _text("status"),
    Column("epoch", Integer, nullable=True),
    Column("epochs", Integer, nullable=True),
    _text("training", null=True),
    _text("predictions", null=True),
    _text("tensors", null=True),
    _text("error", null=True),
    PrimaryKeyConstraint("run", "fold"),
    _one_of("status", RUN_STATES),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, autoincrement=True),
    _text("run"),
    _text("kind"),
    _json("payload"),
    _text("state"),
    Column("token", Integer, nullable=False),  # fencing: one higher at every claim
    Column("attempt", Integer, nullable=False),
    Column("cancel", Boolean, nullable=False),
    _text("worker", null=True),
    Column("lease_until", Double, nullable=True),  # seconds since 1970
    _text("error", null=True),
    _text("created"),
    PrimaryKeyConstraint("id"),
    _one_of("state", JOB_STATES),
    Index(None, "state", "id"),
    Index(None, "run"),
)
job_events = Table(
    "job_events",
    metadata,
    _text("run"),
    Column("seq", Integer, nullable=False, autoincrement=False),
    _text("kind"),
    _json("data"),
    _text("time"),
    PrimaryKeyConstraint("run", "seq"),
)
subjects = Table(
    "subjects",
    metadata,
    _text("name"),
    Column("key", LargeBinary, nullable=False),  # 32 random bytes; destroying it unlinks the pseudonym
    _text("pseudonym"),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("pseudonym"),
)
file_names = Table(
    "file_names",
    metadata,
    _text("sha256"),
    _text("root"),
    _text("name"),
    PrimaryKeyConstraint("sha256", "root", "name"),
)
places = Table("places", metadata, _text("sha256"), PrimaryKeyConstraint("sha256"))  # a place in the EXIF
sources = Table(
    "sources",
    metadata,
    _text("root"),
    _text("kind"),
    Column("private", Boolean, nullable=False),
    _text("imported_at"),
    PrimaryKeyConstraint("root"),
)
tokens = Table(
    "tokens",
    metadata,
    _text("id"),
    _text("hash"),  # sha256 of the token, which has 256 random bits of its own
    _json("scopes"),
    _text("created"),
    _text("expires", null=True),
    _text("revoked", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
)
idempotency = Table(
    "idempotency",
    metadata,
    _text("key"),
    _text("token"),
    _text("request"),
    _json("response"),
    _text("created"),
    PrimaryKeyConstraint("token", "key"),
)

KEPT: tuple[Table, ...] = (
    runs,
    run_folds,
    jobs,
    job_events,
    subjects,
    file_names,
    places,
    sources,
    tokens,
    idempotency,
)
REBUILDABLE: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table not in KEPT)
