"""API tokens, and the answers to requests that may be repeated.

Invariants: a token's text is shown once and never stored, only its sha256 (the token has 256 random bits, so it can't
be guessed). ``admin`` covers every scope. An idempotency key belongs to one token and one request: the same request
again gets the same answer, a different request is a conflict.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from registry.catalog.schema.operational import idempotency, tokens
from registry.core.errors import Conflict, NotFound, UsageError

SCOPES = ("images:write", "snapshots:write", "runs:write", "releases:write", "withdrawals:write", "admin")
PREFIX = "emn_"  # so that a leaked token is recognised for what it is


def _digest(plaintext: str) -> str:
    return hashlib.sha256(plaintext.encode()).hexdigest()


def create(db: sa.Connection, scopes: Iterable[str], now: str, expires: str | None = None) -> tuple[str, str]:
    """A new token: its id, and its text, which nobody can show again. ``UsageError`` for an unknown scope."""
    wanted = sorted(set(scopes))
    unknown = set(wanted) - set(SCOPES)
    if unknown or not wanted:
        raise UsageError(f"unknown scope {', '.join(sorted(unknown)) or '(none)'}", hint=f"use {', '.join(SCOPES)}.")
    identity, plaintext = secrets.token_hex(6), PREFIX + secrets.token_urlsafe(32)
    row = {"id": identity, "hash": _digest(plaintext), "scopes": wanted, "created": now, "expires": expires}
    db.execute(sa.insert(tokens).values(row))
    return identity, plaintext


def check(db: sa.Connection, plaintext: str, scope: str | None, now: str) -> str | None:
    """The id of a token that is known, not revoked, not expired and has ``scope`` (None: any); else None."""
    query = sa.select(tokens).where(tokens.c.hash == _digest(plaintext), tokens.c.revoked.is_(None))
    row = db.execute(query).mappings().first()
    if row is None or (row["expires"] is not None and row["expires"] <= now):
        return None
    allowed = scope is None or scope in row["scopes"] or "admin" in row["scopes"]
    return str(row["id"]) if allowed else None


def list_tokens(db: sa.Connection) -> list[dict[str, Any]]:
    """All tokens, oldest first: ``id, scopes, created, expires, revoked``; never their text or its hash."""
    columns = (tokens.c[name] for name in ("id", "scopes", "created", "expires", "revoked"))
    return [dict(row) for row in db.execute(sa.select(*columns).order_by(tokens.c.created, tokens.c.id)).mappings()]


def revoke(db: sa.Connection, identity: str, now: str) -> None:
    """Make a token worthless from now on; again is a no-op. ``NotFound`` if there is none by this id."""
    when = sa.func.coalesce(tokens.c.revoked, now)
    changed = sa.update(tokens).where(tokens.c.id == identity).values(revoked=when).returning(tokens.c.id)
    if db.execute(changed).first() is None:
        raise NotFound(f"there is no token {identity!r}", hint="`emotionet token list` lists them.")


def recall(db: sa.Connection, token: str, key: str, request: str) -> Any | None:
    """What was answered to this key before, or None. ``Conflict`` if it was used for another request.

    ``request`` is a digest of everything the answer depends on.
    """
    query = sa.select(idempotency).where(idempotency.c.token == token, idempotency.c.key == key)
    row = db.execute(query).mappings().first()
    if row is None:
        return None
    if row["request"] != request:
        raise Conflict(
            "this Idempotency-Key was used for a different request",
            code="idempotency_key_reused",
            hint="use a new one.",
        )
    return row["response"]


def remember(db: sa.Connection, token: str, key: str, request: str, response: Any, now: str) -> None:
    """Keep an answer. ``Conflict`` if the key has one already."""
    row = {"token": token, "key": key, "request": request, "response": response, "created": now}
    db.execute(sa.insert(idempotency).values(row))
