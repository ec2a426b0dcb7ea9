"""The id of a request, by which its lines in the log, its row in the log of writes and its answer are found.

Invariant: what a client sends as ``X-Request-ID`` is taken only where it is a short plain word.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from litestar.types import Message, Scope

HEADER = "X-Request-ID"
_NAME = HEADER.lower().encode()
_KEY = "emotionet.request_id"
_TAKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(scope: Any) -> str:
    """The request's id: the client's, else a new one; always the same for a request."""
    if _KEY not in scope:
        sent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        scope[_KEY] = sent if _TAKEN.fullmatch(sent) else secrets.token_hex(8)
    found: str = scope[_KEY]
    return found


async def tell(message: Message, scope: Scope) -> None:
    """A hook that puts it on every answer."""
    if message["type"] == "http.response.start":
        headers = list(message["headers"])
        if not any(name.lower() == _NAME for name, _ in headers):
            message["headers"] = [*headers, (_NAME, request_id(scope).encode())]
