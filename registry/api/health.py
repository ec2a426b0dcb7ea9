"""Addresses for the operator: is the process alive, is it ready, what has it done.

Invariant: no value is estimated: a count comes from the catalog or from this process's own answers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.types import Message, Scope

from registry.api.answers.others import Alive
from registry.api.answers.parts import Bytes
from registry.api.common import Document, Home, problems
from registry.catalog.queries import counts
from registry.workflows.parts import Parts


class Answers:
    """How often this process answered, by method and status. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()

    async def count(self, message: Message, scope: Scope) -> None:
        """A hook that sees every message on its way out."""
        if message["type"] == "http.response.start":
            with self._lock:
                self._counts[(str(scope.get("method")), message["status"])] += 1

    def lines(self) -> Iterator[str]:
        """In Prometheus' text format."""
        with self._lock:
            counts = sorted(self._counts.items())
        yield "# HELP emotionet_http_responses_total Answers of this process."
        yield "# TYPE emotionet_http_responses_total counter"
        for (method, status), count in counts:
            yield f'emotionet_http_responses_total{{method="{method}",status="{status}"}} {count}'


@get("/healthz", sync_to_thread=False, answer=Alive)
def healthz() -> Document:
    """This process answers."""
    return {"ok": True}


@get("/readyz", responses=problems(), sync_to_thread=True, answer=Alive)
def readyz(home: Home) -> Document:
    """Catalog and store can be read; 503 if not."""
    with home.catalog.read() as db:
        counts.entries(db)
    next(iter(home.store.pins()), None)
    return {"ok": True}


@get("/metrics", media_type=MediaType.TEXT, sync_to_thread=True, answer=Bytes(("text/plain",), cached=False))
def metrics(request: Request[Any, Any, Any], home: Home) -> Response[str]:
    """Counts of what the catalog knows and of this process's answers, in Prometheus' text format."""
    lines = [*_catalog_lines(home), *request.app.state.answers.lines()]
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _catalog_lines(parts: Parts) -> Iterator[str]:
    with parts.catalog.read() as db:
        known, runs = counts.known(db), counts.runs_by_status(db)
    for name, count in known.items():
        yield f"# HELP emotionet_{name} How many {name} the catalog knows."
        yield f"# TYPE emotionet_{name} gauge"
        yield f"emotionet_{name} {count}"
    yield "# HELP emotionet_runs Runs by status."
    yield "# TYPE emotionet_runs gauge"
    for status, count in runs.items():
        yield f'emotionet_runs{{status="{status}"}} {count}'


ROOT_HANDLERS = (healthz, readyz, metrics)
