"""What every request is asked before its handler: one guard for all of it, because Litestar 2.25 copies the handler for
each.

Invariants: nothing here waits, so it needs no thread; a request without a query or a body pays for its address alone.
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from registry.api.access.limits import Limits
from registry.api.access.parameters import Parameters
from registry.api.problems import HttpProblem

_READING = ("GET", "HEAD")


class Gate:
    """Of one application, whose routes it learns when they are known (``know``)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parameters: Parameters | None = None

    def know(self, app: Litestar) -> Parameters:
        """Learn what each address takes."""
        self._parameters = Parameters(app)
        return self._parameters

    async def check(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """The guard. ``HttpProblem`` 429 beyond an address's limit, 400 for a parameter that is not known, 415 for a
        compressed body."""
        scope: Any = connection.scope
        self._limits.check(scope)
        method, query = scope["method"], scope["query_string"]
        if query and method != "OPTIONS" and self._parameters is not None:
            self._parameters.check(method, scope["path_template"], query)
        if method not in _READING:
            sends_plain(connection, handler)


def sends_plain(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse compressed bodies: their size is known only after decompression. ``HttpProblem`` 415.

    A handler that bounds what they unpack to says so (``opt={"unpacks": True}``); what only reads reads no body.
    """
    if handler.opt.get("unpacks"):
        return
    coding = connection.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        headers = {"Accept-Encoding": "identity"}  # RFC 9110, section 15.5.16
        raise HttpProblem(415, "send the body as it is, without `Content-Encoding`", headers=headers)
