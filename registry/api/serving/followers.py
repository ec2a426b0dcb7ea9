"""Streams of events to those who follow something: so many at once, and no more.

Invariant: a stream that has begun counts until it ends, or until who follows it has left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
from litestar import Request
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from registry.api.problems import HttpProblem

FOLLOWERS = 100  # streams at once, of a process
Events = AsyncIterator[ServerSentEventMessage]


def stream(request: Request[Any, Any, Any], events: Events, instead: str) -> ServerSentEvent:
    """``events`` as server-sent events; 503 (``instead``: what to do then) where as many follow already as may."""
    limiter: anyio.CapacityLimiter = request.app.state.followers
    if limiter.available_tokens < 1:
        raise HttpProblem(503, f"too many clients follow now: {instead}", headers={"Retry-After": "30"})
    return ServerSentEvent(_counted(events, limiter))


async def _counted(events: Events, limiter: anyio.CapacityLimiter) -> Events:
    async with limiter:
        async for event in events:
            yield event
