"""The table of withdrawn rows: what somebody who may took back of what was said of images, not the images."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from registry.catalog.schema.columns import metadata, text

row_withdrawals = Table(
    "row_withdrawals",
    metadata,
    text("cid"),
    text("sha256"),  # "": every row of the contributor
    text("issuer"),  # of the contribution
    text("contributor"),
    text("reason"),
    text("effective"),
    text("remedy"),
    PrimaryKeyConstraint("cid"),
    Index(None, "issuer", "contributor", "sha256"),
)
