"""Bearer tokens with scopes for writing; the catalog holds their hashes.

Invariants: reading needs no token. A token is checked before a body is read. No token's text is stored, logged or sent
back. ``admin`` allows everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from registry.api.access import write_log
from registry.api.access.limits import Limits
from registry.api.access.token_uses import TokenUses
from registry.api.problems import HttpProblem
from registry.catalog import tokens
from registry.catalog.tokens import FOR_ANYBODY, Caller
from registry.workflows.images.registering.speaker import Speaker
from registry.workflows.parts import Parts

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], None]
HOW = "make one with `emotionet token create` and send it as `Authorization: Bearer TOKEN`"


def _unauthorized(reason: str, code: str) -> HttpProblem:
    return HttpProblem(401, reason, code=code, headers={"WWW-Authenticate": 'Bearer realm="emotionet"'})


def _bearer(connection: Connection) -> str:
    """The token as it was sent. ``HttpProblem`` 401 if there is none."""
    scheme, _, plain = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 1 <= len(plain.strip()) <= 512:
        raise _unauthorized(f"this needs a token: {HOW}", "token_missing")
    return plain.strip()


def authorize(connection: Connection, parts: Parts, scope: str | None) -> Caller:
    """Whose token it is. ``HttpProblem`` 401 without a valid token, 403 without the scope (None: any), 429."""
    plain = _bearer(connection)
    with parts.catalog.read() as db:
        found = tokens.find(db, plain, parts.now(), connection.app.state.accounts)
    if found is None:
        raise _unauthorized(f"this token is unknown, expired or revoked: {HOW}", "token_invalid")
    used(connection, found)
    if scope is not None and not found.may(scope):
        raise lacking("this token", scope, found)
    return found


def lacking(which: str, scope: str, caller: Caller) -> HttpProblem:
    """403 for a caller without a scope; its hint names those that the caller has."""
    hint = f"it has {', '.join(caller.scopes) or 'none'}: ask this registry's operator for one that has {scope}."
    return HttpProblem(403, f"{which} lacks the scope {scope}", code="scope_missing", hint=hint)


def used(connection: Connection, caller: Caller) -> None:
    """Count and note a use of a token. ``HttpProblem`` 429 where it is used too often."""
    limits: Limits = connection.app.state.limits
    limits.tokens.check(caller.token)
    uses: TokenUses = connection.app.state.token_uses
    uses.note(caller.token)


def speaker(caller: Caller) -> Speaker:
    """In whose name a caller may register rows."""
    return Speaker(caller.contributor, caller.may(FOR_ANYBODY))


async def sends_json(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that takes no body but JSON. ``HttpProblem`` 415."""
    if connection.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpProblem(415, "send JSON, with `Content-Type: application/json`")


class Needs:
    """A guard that lets only tokens with ``scope`` pass (None: all that are valid), and notes the write that begins.

    The handler finds the token's id in ``request.auth`` and the ``Caller`` in ``request.user``.
    """

    def __init__(self, scope: str | None) -> None:
        self.scope = scope

    def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """``HttpProblem`` 401 without a valid token, 403 without the scope."""
        home = connection.app.state.home
        caller = authorize(connection, home, self.scope)
        connection.scope["auth"], connection.scope["user"] = caller.token, caller
        write_log.begin(connection, home, caller)


def needs(scope: str) -> Guard:
    """The guard for a scope."""
    return Needs(scope)
