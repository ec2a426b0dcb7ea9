"""Notes each write of the API and of the pages in the catalog's log: before it begins, and how it ended.

Invariants: nothing is written by a token before its row is there. The outcome is there before the client has the last
of its answer. Refused requests (401, 403 for a scope) are no writes: they stand in the server's log alone, so that
nobody without a token makes the catalog grow.
"""

from __future__ import annotations

import logging
from typing import Any

from anyio import CapacityLimiter, to_thread
from litestar.connection import ASGIConnection
from litestar.types import Message, Scope

from registry.api.access.limits import address_of
from registry.api.access.request_id import request_id
from registry.catalog import writes
from registry.catalog.tokens import Caller
from registry.core.errors import EmotionetError
from registry.workflows.parts import Parts

READING = ("GET", "HEAD", "OPTIONS")
_WRITE, _STATUS = "emotionet.write", "emotionet.status"
THREADS = 4  # of their own: an outcome never waits for a thread that a handler holds
log = logging.getLogger("registry.api")


def begin(connection: ASGIConnection[Any, Any, Any, Any], parts: Parts, caller: Caller) -> None:
    """Note that a request begins to write; once, whoever asks again."""
    scope: Any = connection.scope
    if scope["method"] in READING or _WRITE in scope:
        return
    row = {"token": caller.token, "account": caller.account, "client": address_of(connection)}
    action = f"{scope['method']} {scope.get('path_template') or scope['path']}"
    with parts.catalog.write(serial=False) as db:
        scope[_WRITE] = writes.begin(
            db, time=parts.now(), **row, action=action, target=scope["path"], request=request_id(scope)
        )


class Outcomes:
    """A hook that notes how each write ended."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._limiter = parts, CapacityLimiter(THREADS)

    async def note(self, message: Message, scope: Scope) -> None:
        """Before the last part of an answer leaves."""
        kept: Any = scope
        if _WRITE not in kept:
            return
        if message["type"] == "http.response.start":
            kept[_STATUS] = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body") and _STATUS in kept:
            await to_thread.run_sync(self._write, kept[_WRITE], kept.pop(_STATUS), limiter=self._limiter)

    def _write(self, number: int, status: int) -> None:
        try:
            with self._parts.catalog.write(serial=False) as db:
                writes.end(db, number, status, self._parts.now())
        except EmotionetError as error:
            log.error("the outcome %d of write %d could not be noted: %s", status, number, error)
