"""The tables of logs that are followed: whose, from where, how far, and what was refused of them.

Invariants: as of ``operational``: no record can refill them, and a rebuild does not touch them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, Table

from registry.catalog.schema.columns import json_value, metadata, text

followed = Table(
    "followed",
    metadata,
    text("issuer"),
    json_value("sources"),  # addresses, CIDs, "chain": in the order in which they are asked
    Column("seq", BigInteger, nullable=False),  # of the newest entry that was verified; -1: none yet
    text("entry", null=True),
    text("state"),
    text("added"),
    text("tried", null=True),
    text("succeeded", null=True),  # when a source last gave a head that holds, with nothing missing
    PrimaryKeyConstraint("issuer"),
)
follow_refusals = Table(
    "follow_refusals",
    metadata,
    text("issuer"),
    text("about"),  # an entry's CID, or the source that said it
    text("code"),
    text("reason"),
    text("seen"),
    Column("again", Boolean, nullable=False),  # whether it is tried again: it may be the source's fault, or time's
    PrimaryKeyConstraint("issuer", "about", "code"),
)
