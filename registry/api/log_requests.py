"""Every request in the log, with its status and duration.

Invariants: queries, headers and bodies are not logged, because they may hold a token or a name. A path is logged as it
was sent, percent-encoded and cut to a bounded length. Health checks (``/healthz``, ``/readyz``, ``/metrics``) are
logged as debug.
"""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import quote

from registry.api.pages.base.negotiate import Negotiating

_log = logging.getLogger("registry.api.requests")
_QUIET = ("/healthz", "/readyz", "/metrics")
_LONGEST = 500


class LoggedApp(Negotiating):
    """The application, which tells of each request when its answer has ended."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, then tell."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await super().__call__(scope, receive, watched)
        finally:
            _log_request(str(scope["method"]), quote(str(scope["path"]), safe="/:@!$&'()*+,;=~%"), status, begun)


def _log_request(method: str, path: str, status: int, begun: float) -> None:
    shown, ms = path[:_LONGEST], round((time.perf_counter() - begun) * 1000, 1)
    level = logging.DEBUG if path in _QUIET else logging.INFO
    fields = {"method": method, "path": shown, "status": status, "ms": ms}
    _log.log(level, "%s %s %s in %s ms", method, shown, status or "cut off", ms, extra=fields)
