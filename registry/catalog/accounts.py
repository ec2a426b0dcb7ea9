"""Wallets that may sign in, and nonces that they used.

Invariants: an address is 0x and 40 lower-case hex digits. A nonce is used once: the database's key refuses it again,
whichever process is asked. A wallet's tokens end with its account.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import insert_new
from registry.catalog.schema.identity import accounts, server_secrets, tokens, used_nonces
from registry.catalog.tokens import Configured, check_scopes
from registry.core.errors import NotFound
from registry.core.issuers import address_of, did_of
from registry.core.text import cleaning

_NONCE_KEY = "sign-in nonces"


def parse_address(text: str) -> str:
    """An address in any case, as the catalog holds it. ``InvalidInput`` if it is none."""
    return address_of(did_of(text.strip()))


def configured(given: Iterable[tuple[str, tuple[str, ...]]]) -> Configured:
    """The wallets that the settings name. ``UsageError`` for an unknown scope."""
    found: dict[str, tuple[str, ...]] = {}
    for address, scopes in given:
        found[parse_address(address)] = tuple(check_scopes(scopes))
    return found


def add(db: sa.Connection, address: str, scopes: Iterable[str], now: str, name: str | None = None) -> str:
    """Let a wallet sign in with these scopes, in place of those that it had. Returns the address."""
    known, wanted = parse_address(address), check_scopes(scopes)
    values = {"scopes": wanted, "name": cleaning.clean_given("name", name)}
    row = {"address": known, "created": now, **values}
    changed = sa.update(accounts).where(accounts.c.address == known).values(values).returning(accounts.c.address)
    if db.execute(changed).first() is None:
        db.execute(sa.insert(accounts).values(row))
    return known


def remove(db: sa.Connection, address: str, now: str) -> str:
    """Let a wallet in no longer; its sessions end. ``NotFound`` if it is not among the accounts."""
    known = parse_address(address)
    gone = sa.delete(accounts).where(accounts.c.address == known).returning(accounts.c.address)
    if db.execute(gone).first() is None:
        hint = "`emotionet accounts list` lists them; EMOTIONET_ACCOUNTS names others."
        raise NotFound(f"{known} is not an account here", hint=hint)
    ended = sa.update(tokens).where(tokens.c.account == known, tokens.c.revoked.is_(None)).values(revoked=now)
    db.execute(ended)
    return known


def scopes_of(db: sa.Connection, address: str, settings: Configured) -> tuple[str, ...]:
    """What a wallet may do; nothing where it is no account."""
    row = db.execute(sa.select(accounts.c.scopes).where(accounts.c.address == address)).first()
    return tuple(sorted({*(row.scopes if row else ()), *settings.get(address, ())}))


def list_accounts(db: sa.Connection) -> list[dict[str, Any]]:
    """All accounts of the catalog by address: ``address, name, scopes, created``."""
    columns = (accounts.c.address, accounts.c.name, accounts.c.scopes, accounts.c.created)
    return [dict(row) for row in db.execute(sa.select(*columns).order_by(accounts.c.address)).mappings()]


def last_uses(db: sa.Connection) -> dict[str, str]:
    """When each wallet's tokens were used last, of those that were."""
    query = sa.select(tokens.c.account, sa.func.max(tokens.c.used).label("used")).group_by(tokens.c.account)
    found = db.execute(query.where(tokens.c.account.is_not(None), tokens.c.used.is_not(None)))
    return {row.account: row.used for row in found}


def use_nonce(db: sa.Connection, nonce: str, now: str, expires: str) -> bool:
    """Whether a nonce is used for the first time; from now on it is not. Those that have expired are forgotten."""
    db.execute(sa.delete(used_nonces).where(used_nonces.c.expires <= now))
    if db.scalar(sa.select(used_nonces.c.nonce).where(used_nonces.c.nonce == nonce)) is not None:
        return False
    db.execute(sa.insert(used_nonces).values(nonce=nonce, expires=expires))
    return True


def known_nonce_key(db: sa.Connection) -> bytes | None:
    """The key that the server's nonces follow from; None before the first."""
    query = sa.select(server_secrets.c.value).where(server_secrets.c.name == _NONCE_KEY)
    found: bytes | None = db.scalar(query)
    return found


def make_nonce_key(db: sa.Connection) -> None:
    """Make that key if there is none. Needs a writing connection."""
    insert_new(db, server_secrets, [{"name": _NONCE_KEY, "value": secrets.token_bytes(32)}])
