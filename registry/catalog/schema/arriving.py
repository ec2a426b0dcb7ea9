"""Tables of what is on its way here: what tokens sent, and images that were named before their bytes came.

Invariant: nothing here is signed or public. A row of ``referenced_rows`` becomes a contribution's row once the image's
bytes were fetched and verified, and is deleted in the same transaction.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from registry.catalog.schema.columns import json_value, metadata, text

REFERENCE_STATES = ("waiting", "given_up")

sent_roots = Table(  # roots of CARs that were taken whole: their sender may ask whether they are here
    "sent_roots",
    metadata,
    text("token"),
    text("root"),
    PrimaryKeyConstraint("token", "root"),
)
referenced_images = Table(
    "referenced_images",
    metadata,
    text("cid"),
    text("state"),
    Column("job", Integer, nullable=True),  # which will fetch it; None: given up
    Column("attempts", Integer, nullable=False),
    text("code", null=True),  # why the last attempt failed
    text("created"),
    text("updated"),
    PrimaryKeyConstraint("cid"),
    CheckConstraint("state IN ('waiting', 'given_up')", name="state"),
    Index(None, "job"),
    Index(None, "state", "cid"),
)
referenced_rows = Table(
    "referenced_rows",
    metadata,
    Column("position", Integer, autoincrement=True),
    text("cid"),
    text("issuer"),  # who will sign it
    text("digest"),  # of all that it says, so that the same row is kept once
    text("subject", null=True),  # a name: beside the rest, so that it can be forgotten
    json_value("row"),
    PrimaryKeyConstraint("position"),
    UniqueConstraint("cid", "issuer", "digest"),
)
