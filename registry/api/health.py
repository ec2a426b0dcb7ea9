"""Addresses for the operator: is the process alive, is it ready, what has it done.

Invariants: no value is estimated: a count comes from the catalog or from this process's own answers. What is asked of
the disk for strangers is asked once in ``ASKED_SECONDS``.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import MediaType, Request, Response, get

from registry import assembly
from registry.api.answers.others import Alive
from registry.api.answers.parts import Bytes
from registry.api.common import Document, Home, problems
from registry.api.serving.metrics import Gauge, Values
from registry.api.serving.pools import pools
from registry.catalog.queries import counts
from registry.catalog.queries.labeled_images import referenced
from registry.core.errors import EmotionetError, Unavailable
from registry.files import check_writable
from registry.workflows.parts import Parts

ASKED_SECONDS = 1.0


class Once:
    """What a check said is said again for a while. Threads may share it."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check, self._lock = check, threading.Lock()
        self._said: tuple[float, EmotionetError | None] | None = None

    def __call__(self) -> None:
        """Check, or raise again what was raised."""
        with self._lock:
            if self._said is None or time.monotonic() - self._said[0] > ASKED_SECONDS:
                self._said = (time.monotonic(), self._ask())
            error = self._said[1]
        if error is not None:
            raise error

    def _ask(self) -> EmotionetError | None:
        try:
            self._check()
        except EmotionetError as error:
            return error
        return None


def check_writes(home: assembly.Home) -> None:
    """Whether this registry can write, and sign as itself; raises what keeps it from that."""
    settings = home.settings
    home.catalog.check_writable()
    if settings.key is None and not home.key.path.is_file():  # after a restart it would be another issuer
        hint = "its operator puts the folder keys back before anything restarts."
        raise Unavailable("the publishing key's file is gone", code="key_missing", hint=hint)
    check_writable(settings.home)
    if settings.store == "embedded":  # it may lie on a disk of its own
        check_writable(settings.blocks)


@get("/healthz", responses=problems(), sync_to_thread=False, answer=Alive)
def healthz() -> Document:
    """This process answers."""
    return {"ok": True}


@get("/readyz", responses=problems(), sync_to_thread=True, answer=Alive)
def readyz(request: Request[Any, Any, Any], home: Home) -> Document:
    """Catalog and store can be read, and written: 503 where the disk is full or read-only, the database takes no
    writes, or the publishing key's file is gone."""
    with home.catalog.read() as db:
        counts.entries(db)
    next(iter(home.store.pins()), None)
    request.app.state.writes()
    return {"ok": True}


@get(
    "/metrics",
    media_type=MediaType.TEXT,
    responses=problems(),
    sync_to_thread=True,
    answer=Bytes(("text/plain",), cached=False),
)
def metrics(request: Request[Any, Any, Any], home: Home) -> Response[bytes]:
    """What the catalog holds, the queue, the disk and this server's answers, in Prometheus' text format."""
    body = request.app.state.answers.text([*_catalog(home), *_queue(home), *_references(home), *_machine(home)])
    return Response(body, media_type="text/plain; version=0.0.4")


def _catalog(parts: Parts) -> list[Gauge]:
    with parts.catalog.read() as db:
        known, runs = counts.known(db), counts.runs_by_status(db)
    found: list[Gauge] = [
        (f"emotionet_{name}", f"How many {name} the catalog knows.", {(): count}) for name, count in known.items()
    ]
    by_status: Values = {(("status", status),): float(count) for status, count in runs.items()}
    return [*found, ("emotionet_runs", "Runs by status.", by_status)]


def _queue(parts: Parts) -> list[Gauge]:
    with parts.catalog.read() as db:
        jobs = counts.queue(db, time.time())
    age = 0.0 if jobs.oldest is None else max(0.0, time.time() - datetime.fromisoformat(jobs.oldest).timestamp())
    by_state: Values = {(("state", state),): float(count) for state, count in jobs.by_state.items()}
    return [
        ("emotionet_jobs", "Jobs by state.", by_state),
        ("emotionet_queue_age_seconds", "How long the oldest job that could begin has waited.", {(): age}),
        ("emotionet_workers", "Workers that hold a job now.", {(): float(jobs.workers)}),
    ]


def _references(parts: Parts) -> list[Gauge]:
    with parts.catalog.read() as db:
        counted, oldest = referenced.counted(db), referenced.oldest_waiting(db)
    age = 0.0 if oldest is None else max(0.0, time.time() - datetime.fromisoformat(oldest).timestamp())
    values: Values = {(("code", code), ("state", state)): float(count) for (state, code), count in counted.items()}
    about = "Images whose bytes have yet to come, by state and by why it failed last."
    return [
        ("emotionet_references", about, values),
        ("emotionet_references_age_seconds", "How long the image that waits longest has waited.", {(): age}),
    ]


def _machine(parts: Parts) -> list[Gauge]:
    disk = shutil.disk_usage(parts.settings.home)
    waiting: Values = {(("kind", kind),): float(count) for kind, count in pools.under_way().items()}
    return [
        ("emotionet_disk_free_bytes", "Free on the disk of this home.", {(): float(disk.free)}),
        ("emotionet_disk_bytes", "The size of the disk of this home.", {(): float(disk.total)}),
        ("emotionet_requests_under_way", "Requests in this process's threads, or waiting for one.", waiting),
    ]


ROOT_HANDLERS = (healthz, readyz, metrics)
