"""Who writes: named tokens, accounts of wallets, nonces that were used, and the log of writes.

A token that existed could write in any contributor's name, so it keeps that as the scope ``contribute-for``. The log of
writes is append-only: triggers refuse to change or delete its rows.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LOGS = ("writes", "write_outcomes")
_TOKENS = sa.table(
    "tokens",
    sa.column("scopes", sa.JSON),
    *(sa.column(name, sa.Text) for name in ("id", "created", "revoked", "account", "contributor")),
)
_FOR_ANYBODY = "contribute-for"
_AGAIN = {  # INSERT OR REPLACE fires no trigger of SQLite but this
    "writes": "WHEN EXISTS (SELECT 1 FROM writes WHERE id = NEW.id)",
    "write_outcomes": 'WHEN EXISTS (SELECT 1 FROM write_outcomes WHERE "write" = NEW."write")',
}


def upgrade() -> None:
    for name in ("name", "contributor", "account", "used"):
        op.add_column("tokens", sa.Column(name, sa.Text(), nullable=True))
    _change_scopes(lambda scopes: [*scopes, _FOR_ANYBODY] if "images:write" in scopes else scopes)
    live = sa.text("revoked IS NULL")
    op.create_index("uq_tokens_name", "tokens", ["name"], unique=True, sqlite_where=live, postgresql_where=live)
    _create_tables()
    _create_logs()
    for log in LOGS:
        (_protect_on_postgresql if op.get_bind().dialect.name == "postgresql" else _protect_on_sqlite)(log)


def _create_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_accounts"),
    )
    op.create_table(
        "used_nonces",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="pk_used_nonces"),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_server_secrets"),
    )


def _create_logs() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    texts = ("token", "account", "client", "action", "target", "request")
    op.create_table(
        "writes",
        sa.Column("id", number, nullable=False, autoincrement=True),
        sa.Column("time", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=name == "account") for name in texts),
        sa.PrimaryKeyConstraint("id", name="pk_writes"),
    )
    op.create_index("ix_writes_token_id", "writes", ["token", "id"])
    op.create_table(
        "write_outcomes",
        sa.Column("write", number, nullable=False, autoincrement=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("write", name="pk_write_outcomes"),
        sa.ForeignKeyConstraint(["write"], ["writes.id"], name="fk_write_outcomes_write_writes"),
    )


def _protect_on_sqlite(log: str) -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the log of writes is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {log}_no_{verb.lower()} BEFORE {verb} ON {log} {refuse}")
    op.execute(f"CREATE TRIGGER {log}_no_replace BEFORE INSERT ON {log} {_AGAIN[log]} {refuse}")


def _protect_on_postgresql(log: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change_of_writes() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the log of writes is append-only'; END $$"
    )
    for verbs, name in (("UPDATE OR DELETE", "change"), ("TRUNCATE", "truncate")):
        op.execute(
            f"CREATE TRIGGER {log}_no_{name} BEFORE {verbs} ON {log} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_writes()"
        )


def _change_scopes(changed: Callable[[list[str]], list[str]]) -> None:
    db = op.get_bind()
    for row in db.execute(sa.select(_TOKENS.c.id, _TOKENS.c.scopes)).all():
        scopes = changed(row.scopes)
        if scopes != row.scopes:
            db.execute(sa.update(_TOKENS).where(_TOKENS.c.id == row.id).values(scopes=scopes))


def downgrade() -> None:
    for log in reversed(LOGS):
        op.drop_table(log)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_writes()")
    for table in ("server_secrets", "used_nonces", "accounts"):
        op.drop_table(table)
    op.drop_index("uq_tokens_name", "tokens")
    # a token whose account is forgotten, or that is bound to a name, would be worth more without them
    bound = _TOKENS.c.account.is_not(None) | _TOKENS.c.contributor.is_not(None)
    op.execute(sa.update(_TOKENS).where(_TOKENS.c.revoked.is_(None), bound).values(revoked=_TOKENS.c.created))
    _change_scopes(lambda scopes: [one for one in scopes if one != _FOR_ANYBODY])
    for name in ("used", "account", "contributor", "name"):
        op.drop_column("tokens", name)
