"""Bearer tokens with scopes for writing; the catalog holds their hashes.

Invariants: reading needs no token. A token is checked before a body is read. No token's text is stored, logged or sent
back. ``admin`` allows everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from registry.api.problems import HttpProblem
from registry.catalog import tokens
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


def authorize(connection: Connection, parts: Parts, scope: str) -> str:
    """The id of the caller's token. ``HttpProblem`` 401 without a valid token, 403 without the scope."""
    plain = _bearer(connection)
    with parts.catalog.read() as db:
        known = tokens.check(db, plain, None, parts.now())
        allowed = tokens.check(db, plain, scope, parts.now())
    if known is None:
        raise _unauthorized(f"this token is unknown, expired or revoked: {HOW}", "token_invalid")
    if allowed is None:
        raise HttpProblem(403, f"this token lacks the scope {scope}: make one that has it", code="scope_missing")
    return allowed


def sends_json(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that takes no body but JSON. ``HttpProblem`` 415."""
    if connection.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpProblem(415, "send JSON, with `Content-Type: application/json`")


def sends_plain(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that refuses compressed bodies: their size is known only after decompression. ``HttpProblem`` 415."""
    coding = connection.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        headers = {"Accept-Encoding": "identity"}  # RFC 9110, section 15.5.16
        raise HttpProblem(415, "send the body as it is, without `Content-Encoding`", headers=headers)


class Needs:
    """A guard that lets only tokens with ``scope`` pass; the handler finds the token's id in ``request.auth``."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """``HttpProblem`` 401 without a valid token, 403 without the scope."""
        connection.scope["auth"] = authorize(connection, connection.app.state.home, self.scope)


def needs(scope: str) -> Guard:
    """The guard for a scope."""
    return Needs(scope)
