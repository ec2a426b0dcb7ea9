"""API tokens: who may write, in whose name, until when.

Invariants: a token's text is shown once and never stored, only its sha256 (the token has 256 random bits, so it can't
be guessed); it begins with the token's id, so that one that leaked can be revoked. ``admin`` covers every scope. A name
is unique among the tokens that are not revoked. A token of a wallet's session is worth what its account is worth now.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from registry.catalog.schema.identity import accounts, tokens
from registry.core.errors import Conflict, NotFound, UsageError
from registry.core.text import cleaning

FOR_ANYBODY = "contribute-for"  # to write in any contributor's name
SCOPES = (
    *("images:write", "snapshots:write", "runs:write", "releases:write", "withdrawals:write"),
    *(FOR_ANYBODY, "admin"),
)
PREFIX = "emn_"  # so that a leaked token is recognised for what it is
SHOWN = ("id", "name", "scopes", "contributor", "account", "created", "expires", "used", "revoked")
Configured = Mapping[str, tuple[str, ...]]  # the scopes of wallets that the settings name, by address
NONE: Configured = {}


class Caller(NamedTuple):
    """Whose token it is. ``contributor``: in whose name it writes, None for the registry's own."""

    token: str
    name: str
    scopes: tuple[str, ...]
    contributor: str | None = None
    account: str | None = None

    def may(self, scope: str) -> bool:
        """Whether it has this scope; ``admin`` covers every one."""
        return scope in self.scopes or "admin" in self.scopes


def _digest(plaintext: str) -> str:
    return hashlib.sha256(plaintext.encode()).hexdigest()


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes in one order, each once. ``UsageError`` for an unknown one, and for none."""
    wanted = sorted(set(scopes))
    unknown = set(wanted) - set(SCOPES)
    if unknown or not wanted:
        raise UsageError(f"unknown scope {', '.join(sorted(unknown)) or '(none)'}", hint=f"use {', '.join(SCOPES)}.")
    return wanted


def create(
    db: sa.Connection,
    scopes: Iterable[str],
    now: str,
    expires: str | None = None,
    *,
    name: str | None = None,
    contributor: str | None = None,
    account: str | None = None,
) -> tuple[str, str]:
    """A new token: its id, and its text, which nobody can show again. Without a name its id is its name.

    ``UsageError`` for an unknown scope, ``Conflict`` for a name that a token has which still works.
    """
    wanted, identity = check_scopes(scopes), secrets.token_hex(6)
    name = cleaning.clean("name", name) if name is not None else identity
    contributor = cleaning.clean_given("contributor", contributor)
    _free_name(db, name, now)
    plaintext = f"{PREFIX}{identity}_{secrets.token_urlsafe(32)}"
    row = {"id": identity, "hash": _digest(plaintext), "scopes": wanted, "created": now, "expires": expires}
    db.execute(sa.insert(tokens).values({**row, "name": name, "contributor": contributor, "account": account}))
    return identity, plaintext


def _free_name(db: sa.Connection, name: str, now: str) -> None:
    """Take a name from a token that has expired. ``Conflict`` if one that works has it."""
    named = (tokens.c.name == name, tokens.c.revoked.is_(None))
    db.execute(sa.update(tokens).where(*named, tokens.c.expires <= now).values(revoked=tokens.c.expires))
    if db.scalar(sa.select(tokens.c.id).where(*named)) is not None:
        hint = "choose another name, or `emotionet token rotate` that one."
        raise Conflict(f"there is a token called {name!r} already", code="token_name_taken", hint=hint)


def find(db: sa.Connection, plaintext: str, now: str, configured: Configured = NONE) -> Caller | None:
    """Whose token this is; None unless it is known, not revoked and not expired. ``configured``: see ``worth``."""
    if len(plaintext) > 512:
        return None
    query = sa.select(tokens, accounts.c.scopes.label("account_scopes"))
    joined = query.select_from(sa.outerjoin(tokens, accounts, tokens.c.account == accounts.c.address))
    row = db.execute(joined.where(tokens.c.hash == _digest(plaintext))).mappings().first()
    if row is None or row["revoked"] is not None or (row["expires"] is not None and row["expires"] <= now):
        return None
    return caller_of(dict(row), configured)


def caller_of(row: Mapping[str, Any], configured: Configured) -> Caller | None:
    """What a token is worth now: a wallet's what its account, in the catalog or in the settings, may do."""
    scopes, account = row["scopes"], row["account"]
    if account is not None:
        scopes = {*(row["account_scopes"] or ()), *configured.get(account, ())}
    if not scopes:
        return None
    name = row["name"] or row["id"]
    return Caller(str(row["id"]), str(name), tuple(sorted(scopes)), row["contributor"], account)


def check(db: sa.Connection, plaintext: str, scope: str | None, now: str) -> str | None:
    """The id of a token that is known, not revoked, not expired and has ``scope`` (None: any); else None."""
    found = find(db, plaintext, now)
    return found.token if found is not None and (scope is None or found.may(scope)) else None


def list_tokens(db: sa.Connection) -> list[dict[str, Any]]:
    """All tokens, oldest first, as ``SHOWN`` names; never their text or its hash."""
    columns = (tokens.c[name] for name in SHOWN)
    found = db.execute(sa.select(*columns).order_by(tokens.c.created, tokens.c.id)).mappings()
    return [{**row, "name": row["name"] or row["id"]} for row in found]


def resolve(db: sa.Connection, text: str) -> str:
    """The id of the token that a text names: its name, its text (or what that begins with), its id or the id's
    beginning. ``NotFound`` for none, ``UsageError`` for several.
    """
    part = text.strip().removeprefix(PREFIX).partition("_")[0]
    known = [one for one in list_tokens(db) if text in (one["name"], one["id"])]
    live = [one for one in known if one["revoked"] is None]
    if not known and len(part) >= 4:
        known = live = [one for one in list_tokens(db) if one["id"].startswith(part)]
    found = [str(one["id"]) for one in (live or known)]
    if not found:
        raise NotFound(f"there is no token {part[:12]!r}", hint="`emotionet token list` lists them.")
    if len(found) > 1:
        raise UsageError(f"{part[:12]!r} begins several tokens' ids: {', '.join(found)}", hint="give more of it.")
    return found[0]


def revoke(db: sa.Connection, named: str, now: str) -> str:
    """Make a token worthless from now on; again is a no-op. Returns its id; ``named`` as in ``resolve``."""
    identity = resolve(db, named)
    when = sa.func.coalesce(tokens.c.revoked, now)
    db.execute(sa.update(tokens).where(tokens.c.id == identity).values(revoked=when))
    return identity


def overlapping(db: sa.Connection, identity: str, now: str) -> list[str]:
    """The ids of earlier tokens that still work because this one took their place with an overlap (``rotate``)."""
    name = db.scalar(sa.select(tokens.c.name).where(tokens.c.id == identity))
    if name is None:
        return []
    works = (tokens.c.revoked.is_(None), sa.or_(tokens.c.expires.is_(None), tokens.c.expires > now))
    found = db.execute(sa.select(tokens.c.id, tokens.c.name).where(*works, tokens.c.name.is_not(None))).all()
    return sorted(str(one.id) for one in found if one.name == _name_of_old(name, one.id))


def _name_of_old(name: str, identity: str) -> str:
    """What a token is called once another one has its name."""
    return f"{name} ({identity}, old)"


def rotate(db: sa.Connection, named: str, now: str, expires: str | None, until: str | None = None) -> tuple[str, str]:
    """A new token in the place of one, with its name and rights; the old one ends now, or at ``until``.

    ``Conflict`` for one that is revoked or a wallet's.
    """
    row = db.execute(sa.select(tokens).where(tokens.c.id == resolve(db, named))).mappings().one()
    if row["revoked"] is not None or row["account"] is not None:
        what = "is revoked" if row["revoked"] is not None else "belongs to a wallet, which signs in again"
        raise Conflict(f"the token {row['id']} {what}", code="token_ended", hint="create a new one.")
    old = {"revoked": now}
    if until is not None:  # for a while both work, and the name is the new one's
        old = {
            "expires": min(until, row["expires"] or until),
            "name": _name_of_old(row["name"] or row["id"], row["id"]),
        }
    db.execute(sa.update(tokens).where(tokens.c.id == row["id"]).values(old))
    return create(db, row["scopes"], now, expires, name=row["name"], contributor=row["contributor"])


def note_use(db: sa.Connection, used: Mapping[str, str]) -> None:
    """When tokens were last used, by id; an earlier time than what is there is left out."""
    for identity, when in used.items():
        older = tokens.c.used.is_(None) | (tokens.c.used < when)
        db.execute(sa.update(tokens).where(tokens.c.id == identity, older).values(used=when))


def known(db: sa.Connection, identities: Collection[str]) -> dict[str, str]:
    """Names of tokens by id."""
    query = sa.select(tokens.c.id, tokens.c.name).where(tokens.c.id.in_(identities))
    return {row.id: row.name or row.id for row in db.execute(query)}
