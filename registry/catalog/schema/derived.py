"""The tables that follow from records. SQL is only an index over them.

Invariants: ``registry.catalog.index.rebuild`` may empty and refill all of these tables. Tables that must not be emptied
are in ``registry.catalog.schema.operational``, and none of them has a foreign key to these. CIDs are canonical text,
sha256s 64 hex digits, times RFC 3339 text: readable in any SQL shell, but sortable only where their width is fixed.
Schema changes go through ``migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as condition

from registry.catalog.schema.columns import json_value, metadata, text
from registry.catalog.schema.withdrawn_rows import row_withdrawals
from registry.core.labeling.labeled_row import MAPS, TEXTS

# Conditions of indexes (``partial_indexes``): SQLite uses such an index only where a statement has the very same words.
DISPUTED = condition("labels > 1")
SAYS_RIGHTS = condition("CAST(rights AS TEXT) <> '{}'")
TAKEN_BACK = condition("withdrawn IS NOT NULL")

_BEFORE = frozenset(metadata.tables) - {row_withdrawals.name}  # of modules that came before: no rebuild touches them

# --- who says what: logs, records and what they name ---------------------------------------------
entries = Table(
    "entries",
    metadata,
    text("cid"),
    text("issuer"),
    Column("seq", BigInteger, nullable=False),
    text("prev", null=True),
    text("record"),
    text("record_type", null=True),  # None until the record itself was read
    text("issued_at"),
    text("revoked", null=True),  # the keys entry for which this one counts no more (``index.key_changes``)
    PrimaryKeyConstraint("cid"),
    UniqueConstraint("issuer", "seq"),  # two entries in one place are a fork
    Index(None, "record"),
)
key_changes = Table(  # the keys entries of logs
    "key_changes",
    metadata,
    text("entry"),
    text("issuer"),
    Column("seq", BigInteger, nullable=False),
    text("issued_at"),
    text("signer"),
    text("successor", null=True),
    text("recovery", null=True),
    Column("revoked_from", BigInteger, nullable=True),
    PrimaryKeyConstraint("entry"),
    Index(None, "issuer", "seq"),
    Index(None, "successor"),
)
records = Table("records", metadata, text("cid"), text("type"), PrimaryKeyConstraint("cid"))
mentions = Table(
    "mentions",
    metadata,
    text("record"),
    text("target"),  # a CID, a sha256 in hex, or "sha256:<hex>" of tensors
    text("relation"),
    PrimaryKeyConstraint("record", "target", "relation"),
    Index(None, "target"),
)
evidence = Table(
    "evidence",
    metadata,
    text("cid"),
    text("entry"),
    text("kind"),
    text("time", null=True),  # as it states itself
    PrimaryKeyConstraint("cid"),
    Index(None, "entry"),
)
withdrawals = Table(
    "withdrawals",
    metadata,
    text("cid"),
    text("target"),
    text("reason"),
    text("effective"),
    text("remedy"),
    PrimaryKeyConstraint("cid"),
    Index(None, "target"),
)
audits = Table(
    "audits",
    metadata,
    text("cid"),
    text("target"),
    json_value("levels"),
    json_value("checks"),
    PrimaryKeyConstraint("cid"),
    Index(None, "target"),
)
names = Table(  # what a name stands for is the newest entry that says one of its records
    "names",
    metadata,
    text("cid"),
    text("name"),
    text("target"),
    PrimaryKeyConstraint("cid"),
    Index(None, "name"),
    Index(None, "target"),
)

# --- images and what is said about them ----------------------------------------------------------
images = Table(
    "images",
    metadata,
    text("sha256"),
    Column("size", BigInteger, nullable=False),
    Column("stored", Boolean, nullable=False),  # False: named by somebody, its bytes not held here
    Column("labels", Integer, nullable=False, server_default="0"),  # different ones that its newest rows give; kept
    PrimaryKeyConstraint("sha256"),
    Index(None, "stored", "sha256"),
)
image_counts = Table(  # kept by ``registry.catalog.index.image_counts``, which says what is counted
    "image_counts",
    metadata,
    text("kind"),
    text("value"),
    Column("images", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "value"),
    Index(None, "kind", "images"),
)
image_cids = Table(
    "image_cids",
    metadata,
    Column("sha256", Text, ForeignKey("images.sha256"), nullable=False),
    text("cid"),
    PrimaryKeyConstraint("sha256", "cid"),
    Index(None, "cid"),
)
contributions = Table(
    "contributions",
    metadata,
    text("cid"),
    text("rows"),
    Column("count", BigInteger, nullable=False),
    text("ordinal"),  # its first place in the order of all logs: "<issuer> <seq, 20 digits>"
    PrimaryKeyConstraint("cid"),
    Index(None, "ordinal"),
)
contribution_rows = Table(
    "contribution_rows",
    metadata,
    Column("contribution", Text, ForeignKey("contributions.cid"), nullable=False),
    text("sha256"),
    text("issuer"),  # the contribution's: a contributor's name is this issuer's word for somebody
    text("contributor"),
    text("ordinal"),  # the contribution's; the greatest of an (image, issuer, contributor) is its newest row
    text("cid"),
    Column("size", BigInteger, nullable=False),
    text("label"),
    json_value("boxes"),
    *(json_value(name) for name in MAPS),
    *(text(name, null=True) for name in TEXTS),
    text("replaces", null=True),
    text("signature", null=True),  # in hex
    text("withdrawn", null=True),  # the entry that takes it back: it counts nowhere
    PrimaryKeyConstraint("contribution", "sha256", "contributor"),
    Index(None, "sha256", "issuer", "contributor", "ordinal"),
    # Each filter of a list finds its images in their order, and tells by the index alone which rows fit a second one.
    Index(None, "label", "sha256", "contributor", "licence"),
    Index(None, "contributor", "sha256", "label", "licence"),
    Index(None, "licence", "sha256", "label", "contributor"),
    Index(None, "subject", "sha256"),
)

# --- snapshots, plans, draws, releases -----------------------------------------------------------
snapshots = Table(
    "snapshots",
    metadata,
    text("cid"),
    Column("count", BigInteger, nullable=False),
    json_value("classes"),
    json_value("query"),
    text("rule"),
    text("items"),
    text("excluded"),
    text("supersedes", null=True),
    PrimaryKeyConstraint("cid"),
)
snapshot_members = Table(
    "snapshot_members",
    metadata,
    Column("snapshot", Text, ForeignKey("snapshots.cid"), nullable=False),
    text("sha256"),
    Column("excluded", Boolean, nullable=False),
    PrimaryKeyConstraint("snapshot", "sha256"),
    Index(None, "sha256"),
)
preprocessings = Table(
    "preprocessings",
    metadata,
    text("cid"),
    text("snapshot"),
    text("recipe"),
    text("output"),
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
plans = Table(
    "plans",
    metadata,
    text("cid"),
    text("preprocessing"),
    text("snapshot"),
    text("recipe"),
    text("recipe_name"),
    text("method"),
    text("final"),
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
draws = Table(
    "draws",
    metadata,
    text("cid"),
    text("plan"),
    Column("beacon", Boolean, nullable=False),
    PrimaryKeyConstraint("cid"),
    Index(None, "plan"),
)
releases = Table(
    "releases",
    metadata,
    text("cid"),
    text("plan"),
    text("plan_entry"),
    text("draw"),
    text("snapshot"),
    text("preprocessing"),
    text("evaluation"),
    text("recipe_name"),
    text("final"),
    text("licence"),
    text("card"),
    text("supersedes", null=True),
    PrimaryKeyConstraint("cid"),
    Index(None, "snapshot"),
)
weights = Table(
    "weights",
    metadata,
    Column("release", Text, ForeignKey("releases.cid"), nullable=False),
    Column("position", Integer, nullable=False, autoincrement=False),
    Column("fold", Integer, nullable=True),
    text("format"),
    text("cid"),
    text("tensors"),
    PrimaryKeyConstraint("release", "position"),
    Index(None, "cid"),
)

REBUILDABLE: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table.name not in _BEFORE)
