"""One JSON-RPC call over HTTP, to a chain's node or to a signer, which may lie, stall or send without end.

Source: the JSON-RPC 2.0 specification. Invariants: those of ``registry.provenance.asking``, which bounds bytes and
seconds; what comes back is an object, or it is ``Unavailable``: what it says is the caller's to judge.
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.core.errors import NotFound, Unavailable
from registry.provenance.asking import ask

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def call(url: str, body: bytes, *, name: str, limit: int, seconds: float, hint: str) -> dict[str, Any]:
    """The answer to a request. ``name``: as messages call whoever answers; ``hint``: the way out that they name."""
    try:
        data = ask("POST", url, body=body, headers=_HEADERS, limit=limit, seconds=seconds, name=name)
        return msgspec.json.decode(data, type=dict[str, Any])
    except NotFound as error:
        raise Unavailable(f"{name} answers with status 404", hint=hint) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unavailable(f"{name} answers with something that is no JSON-RPC", hint=hint) from error
