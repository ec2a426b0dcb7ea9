"""The tables that no record can refill: runs in progress, jobs, private names, tokens.

Invariants: a rebuild does not touch these tables. Data that only they hold is lost with the database, so a backup must
include it. They name images and records by text and have no foreign key to ``registry.catalog.schema.derived``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from registry.catalog.schema import arriving as arriving  # whose tables belong to those that are not rebuilt
from registry.catalog.schema import followed as followed  # so do these
from registry.catalog.schema import identity as identity  # so do these
from registry.catalog.schema.columns import json_value, metadata, text
from registry.catalog.schema.derived import REBUILDABLE

RUN_STATES = ("queued", "running", "completed", "failed", "cancelled")
AUDIT_STATES = ("running", "done", "failed")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


runs = Table(
    "runs",
    metadata,
    text("id"),
    text("snapshot"),
    text("plan", null=True),
    text("plan_entry", null=True),
    text("preprocessing", null=True),
    text("draw", null=True),
    text("evaluation", null=True),
    text("release", null=True),
    text("recipe_name"),
    text("issuer", null=True),  # who signs its plan and its release; None where the run was made without one
    text("engine", null=True),  # None where the run was derived from its release
    text("status"),
    Column("kept", Integer, nullable=True),
    json_value("dropped", null=True),
    json_value("options"),
    text("error", null=True),
    text("created"),
    text("updated"),
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
    text("status"),
    Column("epoch", Integer, nullable=True),
    Column("epochs", Integer, nullable=True),
    text("training", null=True),
    text("predictions", null=True),
    text("tensors", null=True),
    text("checkpoint", null=True),  # of a fold in training, where machines share the blocks: a folder's CID
    text("error", null=True),
    PrimaryKeyConstraint("run", "fold"),
    _one_of("status", RUN_STATES),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, autoincrement=True),
    text("run"),
    text("kind"),
    json_value("payload"),
    text("state"),
    Column("token", Integer, nullable=False),  # fencing: one higher at every claim
    Column("attempt", Integer, nullable=False),
    Column("cancel", Boolean, nullable=False),
    text("worker", null=True),
    Column("lease_until", Double, nullable=True),  # seconds since 1970
    Column("not_before", Double, nullable=True),  # the same: nobody takes it earlier
    text("error", null=True),
    text("created"),
    PrimaryKeyConstraint("id"),
    _one_of("state", JOB_STATES),
    Index(None, "state", "id"),
    Index(None, "run"),
)
job_events = Table(
    "job_events",
    metadata,
    text("run"),
    Column("seq", Integer, nullable=False, autoincrement=False),
    text("kind"),
    json_value("data"),
    text("time"),
    PrimaryKeyConstraint("run", "seq"),
)
subjects = Table(
    "subjects",
    metadata,
    text("name"),
    Column("key", LargeBinary, nullable=False),  # 32 random bytes; destroying it unlinks the pseudonym
    text("pseudonym"),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("pseudonym"),
)
file_names = Table(
    "file_names",
    metadata,
    text("sha256"),
    text("root"),
    text("name"),
    PrimaryKeyConstraint("sha256", "root", "name"),
)
sources = Table(
    "sources",
    metadata,
    text("root"),
    text("kind"),
    Column("private", Boolean, nullable=False),
    text("imported_at"),
    PrimaryKeyConstraint("root"),
)
idempotency = Table(
    "idempotency",
    metadata,
    text("key"),
    text("token"),
    text("request"),
    json_value("contributions"),  # what was registered for it so far
    json_value("response", null=True),  # counts; None until the answer is whole
    text("created"),
    PrimaryKeyConstraint("token", "key"),
    Index(None, "created"),
)
answer_parts = Table(  # the lines of the answers to them
    "answer_parts",
    metadata,
    text("token"),
    text("key"),
    Column("part", Integer, nullable=False, autoincrement=False),
    Column("data", LargeBinary, nullable=False),  # packed by zlib
    PrimaryKeyConstraint("token", "key", "part"),
)
log_heads = Table(  # of the logs that are written here; who appends locks its row
    "log_heads",
    metadata,
    text("issuer"),
    Column("seq", BigInteger, nullable=False),  # -1: nothing was appended yet
    text("entry", null=True),
    PrimaryKeyConstraint("issuer"),
)
pending_entries = Table(  # signed and indexed; their blocks are not in the store yet, or were not known to be
    "pending_entries",
    metadata,
    text("cid"),
    text("issuer"),
    Column("seq", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("cid"),
    Index(None, "issuer", "seq"),
)
transactions = Table(  # the outbox: signed, and kept before they are sent
    "transactions",
    metadata,
    Column("position", Integer, autoincrement=True),
    text("chain"),
    text("sender"),
    Column("nonce", BigInteger, nullable=False),
    text("purpose"),
    text("transaction"),
    text("raw"),
    PrimaryKeyConstraint("position"),
    UniqueConstraint("chain", "transaction"),
    Index(None, "chain", "sender", "nonce"),
)
stamps = Table(  # what was asked of timestamp authorities and calendars, and the proofs that came
    "stamps",
    metadata,
    Column("position", Integer, autoincrement=True),
    text("place"),
    text("publisher"),
    Column("digest", LargeBinary, nullable=False),
    text("status"),
    json_value("statement"),
    Column("proof", LargeBinary, nullable=True),  # None while it is pending
    PrimaryKeyConstraint("position"),
    UniqueConstraint("place", "publisher", "digest"),
)
kept_audits = Table(  # audits that were made here, for whoever reads their reports later
    "kept_audits",
    metadata,
    text("id"),  # begins with its time
    text("target"),  # a record's CID; of a file's that could not be read, and until it was, ""
    text("name"),  # as it was asked for: a CID, a name, a file's name
    Column("held", Boolean, nullable=False),  # of what this home holds; False: of a file that was sent
    Column("level", Integer, nullable=True),  # as asked for; None: 1 to 4 and 6
    text("status"),
    json_value("checks"),  # those that were made so far
    json_value("report", null=True),  # None until it is whole
    text("error", null=True),
    text("created"),
    text("updated"),
    PrimaryKeyConstraint("id"),
    _one_of("status", AUDIT_STATES),
    Index(None, "target", "id"),
)
exports = Table(  # files that were made here of a record's content, to be given away
    "exports",
    metadata,
    text("cid"),  # of the record, or of content
    text("form"),  # car, or a data set's format
    text("time"),
    PrimaryKeyConstraint("cid", "form", "time"),
)
log_forks = Table(  # pairs of entries that an issuer signed and that exclude each other
    "log_forks",
    metadata,
    text("issuer"),
    text("held"),
    text("refused"),  # not in the catalog, because the other is; its block may be here
    text("seen"),
    PrimaryKeyConstraint("held", "refused"),
    Index(None, "issuer"),
)

NOT_REBUILDABLE: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table not in REBUILDABLE)
