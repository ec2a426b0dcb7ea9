"""Sessions of people who signed in to the pages with a token.

Invariants: only the sha256 of a session's secret is stored (the secret has 256 random bits). A session is worth what
its token is worth now: a token that is revoked or has expired ends its sessions.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

import sqlalchemy as sa

from registry.catalog.schema.identity import accounts, sessions, tokens
from registry.catalog.tokens import NONE, Caller, Configured, caller_of


class SignedIn(NamedTuple):
    """Whose token somebody signed in with, and when the session ends (RFC 3339)."""

    caller: Caller
    until: str

    @property
    def token(self) -> str:
        """The token's id."""
        return self.caller.token

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the token may do."""
        return self.caller.scopes

    def may(self, scope: str) -> bool:
        """Whether the token has this scope; ``admin`` covers every one."""
        return self.caller.may(scope)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(db: sa.Connection, token: str, now: str, expires: str) -> str:
    """A new session of a token, by its id; returns the secret. Sessions that have expired are deleted on the way."""
    db.execute(sa.delete(sessions).where(sessions.c.expires <= now))
    secret = secrets.token_urlsafe(32)
    row = {"hash": _digest(secret), "token": token, "created": now, "expires": expires}
    db.execute(sa.insert(sessions).values(row))
    return secret


def find(db: sa.Connection, secret: str, now: str, configured: Configured = NONE) -> SignedIn | None:
    """Whose session this is; None where it is unknown or over, or its token is."""
    joined = sa.join(sessions, tokens, sessions.c.token == tokens.c.id)
    joined = sa.outerjoin(joined, accounts, tokens.c.account == accounts.c.address)
    query = (
        sa.select(tokens, accounts.c.scopes.label("account_scopes"), sessions.c.expires.label("until"))
        .select_from(joined)
        .where(
            sessions.c.hash == _digest(secret),
            sessions.c.expires > now,
            tokens.c.revoked.is_(None),
            tokens.c.expires.is_(None) | (tokens.c.expires > now),
        )
    )
    row = db.execute(query).mappings().first()
    caller = caller_of(dict(row), configured) if row is not None else None
    return None if row is None or caller is None else SignedIn(caller, str(row["until"]))


def end(db: sa.Connection, secret: str) -> None:
    """Forget a session; again is a no-op."""
    db.execute(sa.delete(sessions).where(sessions.c.hash == _digest(secret)))
