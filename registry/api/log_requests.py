"""The application's outermost layer: a request's id, its kind of work, answers that are kept; and at its end its line
in the log and its place in the metrics.

Invariants: queries, headers and bodies are not logged, because they may hold a token or a name. A path is logged as it
was sent, percent-encoded and cut to a bounded length. Health checks (``/healthz``, ``/readyz``, ``/metrics``) are
logged as debug.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from urllib.parse import quote

from registry.api.access.request_id import request_id
from registry.api.common import PREFIX
from registry.api.pages.base.negotiate import Negotiating
from registry.api.problems import HttpProblem, give_up
from registry.api.serving import kept, pools, seen
from registry.api.serving.trace import traced
from registry.catalog.marks import Marks, Watch
from registry.core.errors import EmotionetError

_log = logging.getLogger("registry.api.requests")
_QUIET = ("/healthz", "/readyz", "/metrics")
_LONGEST = 500
_KEPT_AT = ("/ipfs/", *(f"{PREFIX}/{noun}/" for noun in ("releases", "lineage")))


class LoggedApp(Negotiating):
    """The application, which tells of each request when its answer has ended."""

    watch: Watch
    kept: kept.Kept

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, then tell."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        scope, noted = seen.begin(scope)
        request_id(scope)
        pools.begin(scope)

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with traced(scope, noted, lambda: status):
                await self._answer(scope, receive, watched, noted)
        except asyncio.CancelledError:  # the server stops, and has waited as long as it does
            if status:
                raise
            await give_up(scope, watched)
        finally:
            seconds = time.perf_counter() - begun
            self.state["answers"].count(str(scope["method"]), noted.route, status, seconds)
            _log_request(scope, status, seconds)

    async def _answer(self, scope: Any, receive: Any, send: Any, noted: seen.Seen) -> None:
        key = kept.key_of(scope) if scope["path"].startswith(_KEPT_AT) else None
        marks = None if key is None else await self._marks()
        if key is None or marks is None:
            await super().__call__(scope, receive, send)
            return
        known = await self.kept.found(key, marks)
        if known is not None and self.state["limits"].lets(scope):
            noted.route = known.route
            await kept.give(known, scope, send, request_id(scope))
            return

        def keep(recorder: kept.Recorder) -> None:
            answer = None if noted.keep is None else recorder.answer(noted.keep, marks, noted.route)
            if answer is not None:
                self.kept.put(key, answer)
            made()

        with self.kept.making(key) as made:
            recorder = kept.Recorder(send, keep)
            await super().__call__(scope, receive, recorder)
            if not recorder.came_whole:
                keep(recorder)

    async def _marks(self) -> Marks | None:
        """None where the catalog can't be asked: then nothing is kept, and the handler says what is wrong."""
        try:
            return self.watch.known() or await asyncio.wrap_future(pools.pools.read(self.watch.marks))
        except (EmotionetError, HttpProblem):
            return None


def _log_request(scope: Any, status: int, seconds: float) -> None:
    level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
    if not _log.isEnabledFor(level):
        return
    path = quote(str(scope["path"]), safe="/:@!$&'()*+,;=~%")
    method, shown, ms = str(scope["method"]), path[:_LONGEST], round(seconds * 1000, 1)
    fields = {"method": method, "path": shown, "status": status, "ms": ms, "request": request_id(scope)}
    _log.log(level, "%s %s %s in %s ms", method, shown, status or "cut off", ms, extra=fields)
