"""The table of what withdrawals take back of what was said of images: rows, and with an image its signer's rows."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from registry.catalog.schema.columns import metadata, text

row_withdrawals = Table(
    "row_withdrawals",
    metadata,
    text("cid"),
    text("sha256"),  # "": every row of the contributor
    text("issuer"),  # of the contribution; "": of any, where an image's withdrawal takes its signer's rows back
    text("contributor"),  # "": any, likewise
    text("reason"),
    text("effective"),
    text("remedy"),
    PrimaryKeyConstraint("cid", "sha256", "issuer", "contributor"),
    Index(None, "issuer", "contributor", "sha256"),
)
