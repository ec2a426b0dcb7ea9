"""The tables of who may write, and of who wrote: tokens, sessions, accounts of wallets, the log of writes.

Invariants: as of ``operational``: no record can refill them, and a rebuild does not touch them. No secret stands in
them, only digests; ``server_secrets`` is the exception, and worthless without the rest of the database.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from registry.catalog.schema.columns import json_value, metadata, text

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

tokens = Table(
    "tokens",
    metadata,
    text("id"),
    text("hash"),  # sha256 of the token, which has 256 random bits of its own
    json_value("scopes"),
    text("created"),
    text("expires", null=True),
    text("revoked", null=True),
    text("name", null=True),  # unique among those that are not revoked; None: made before tokens had names
    text("contributor", null=True),  # in whose name it writes; None: in that of this registry
    text("account", null=True),  # of a wallet's session: the address, whose account says the scopes
    text("used", null=True),  # last, to the minute
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
)
sessions = Table(  # of people who signed in to the pages with a token
    "sessions",
    metadata,
    text("hash"),  # sha256 of the secret that only the browser holds
    Column("token", Text, ForeignKey("tokens.id"), nullable=False),
    text("created"),
    text("expires"),
    PrimaryKeyConstraint("hash"),
)
accounts = Table(  # wallets that may sign in
    "accounts",
    metadata,
    text("address"),  # 0x and 40 lower-case hex digits
    json_value("scopes"),
    text("name", null=True),
    text("created"),
    PrimaryKeyConstraint("address"),
)
used_nonces = Table(  # of sign-ins that succeeded; kept until the nonce would have expired anyway
    "used_nonces",
    metadata,
    text("nonce"),
    text("expires"),
    PrimaryKeyConstraint("nonce"),
)
server_secrets = Table(  # random keys that all processes of this registry share
    "server_secrets",
    metadata,
    text("name"),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("name"),
)
writes = Table(  # the log of writes, noted before each began; triggers refuse to change or delete a row
    "writes",
    metadata,
    Column("id", _NUMBER, autoincrement=True),
    text("time"),
    text("token"),
    text("account", null=True),
    text("client"),  # the network address
    text("action"),  # method and route
    text("target"),  # the path
    text("request"),  # its id
    PrimaryKeyConstraint("id"),
    Index(None, "token", "id"),
)
write_outcomes = Table(  # a write without one was cut off, or is under way; append-only too
    "write_outcomes",
    metadata,
    Column("write", _NUMBER, ForeignKey("writes.id"), nullable=False, autoincrement=False),
    text("time"),
    Column("status", Integer, nullable=False),
    PrimaryKeyConstraint("write"),
)
