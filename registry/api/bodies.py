"""Bodies that come in pieces, from clients that may fall silent.

Invariant: a client that sends nothing for ``SILENCE`` seconds, or less than ``PACE`` bytes a second after ``GRACE``
seconds, is answered 408 and cut off, so that whatever waits for its body (a slot, a file) is given back.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
from litestar import Request

from registry.api.problems import HttpProblem

SILENCE = 30.0
GRACE = 60.0
PACE = 4096


async def pieces(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes. ``HttpProblem`` 408 (``body_stalled``) for one that does not."""
    begun, came, stream = time.monotonic(), 0, request.stream()
    while True:
        try:
            with anyio.fail_after(SILENCE):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise _stalled(f"no byte of the body came for {SILENCE:g} seconds") from error
        came += len(piece)
        taken = time.monotonic() - begun
        if taken > GRACE and came < PACE * taken:
            raise _stalled(f"the body came with less than {PACE} bytes a second")
        yield piece


def _stalled(reason: str) -> HttpProblem:
    return HttpProblem(408, f"{reason}: send it again", code="body_stalled", headers={"Connection": "close"})
