"""Addresses of runs: start, list, read, follow, cancel, resume. Here runs are only queued; workers do the work.

Invariants: a recipe is named and base weights are a CID: a request can't name a path of this machine. Events have the
catalog's numbers, so an interrupted client continues after Last-Event-ID.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import anyio
from anyio import to_thread
from litestar import Request, Response, get, post
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from registry.api.answers.parts import Bytes, PageOf
from registry.api.answers.runs import Run, RunLine
from registry.api.auth import needs, sends_json
from registry.api.common import PREFIX, Document, Home, Page, Published, page, problems, record
from registry.api.gateway.public import Public
from registry.api.serving.followers import Events, stream
from registry.api.v1.wire import Cursor, Limit, RunPath
from registry.api.v1.wire_runs import NewRun
from registry.catalog.queries.training_runs import runs
from registry.content.unixfs import reader
from registry.core.errors import EmotionetError, InvalidInput
from registry.workflows.names.references import with_run_names
from registry.workflows.names.resolve import resolve, run_id
from registry.workflows.parts import Parts
from registry.workflows.runs import show_run as showing
from registry.workflows.runs.control_run import cancel, resume
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.withdrawals.withdrawn import withdrawals_of_snapshots

ENDED = frozenset({"completed", "failed", "cancelled"})
POLL_SECONDS = 0.5
PING_SECONDS = 15.0
MAX_DIGITS = 18  # of an event's number: fits into 64 bits
EventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", max_length=MAX_DIGITS, pattern="^[0-9]+$", description="continue after this event"
    ),
]
After = Annotated[int, QueryParameter(ge=0, le=10**MAX_DIGITS, description="an event's number")]


@post(
    "/runs",
    status_code=202,
    guards=[needs("runs:write"), sends_json],
    responses=problems(404, 410, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Run,
)
def create_run(home: Home, published: Published, data: JSONBody[NewRun]) -> Response[Document]:
    """Queue a training run on a snapshot; a worker takes it up. Follow it at `Location`."""
    method = home.method(data.method)
    known = method.recipes()
    if data.recipe is not None and data.recipe not in known:
        raise InvalidInput(
            f"no recipe is called {data.recipe!r}", code="unknown_recipe", hint=f"use one of {', '.join(known)}."
        )
    wanted = Wanted(
        recipe=data.recipe,
        method=data.method,
        overrides=data.overrides(),
        base=published_base(home, published, data.base, method.about().files) if data.base else None,
        claims=tuple(data.claims),
        final=data.final,
        unanchored=data.unanchored,
        correction=data.correction,
        name=data.name,
    )
    run = start_run(home, record(home, published, data.snapshot, "snapshot"), wanted)
    return Response(_document(home, run), headers={"Location": f"{PREFIX}/runs/{run}"})


def published_base(parts: Parts, published: Public, text: str, files: Sequence[str]) -> str:
    """The CID of base weights. They must be this registry's own or published.

    ``NotFound``, with the same text whether they are private or not held.
    """
    cid = resolve(parts, text)
    try:
        there = set(reader.list_directory(parts.store, cid))
    except EmotionetError:
        there = set()
    if not there >= set(files):
        published.check(cid)
    return str(cid)


def _document(parts: Parts, run: str) -> Document:
    return showing.show_run(parts, run)


@get("/runs", responses=problems(), sync_to_thread=True, answer=PageOf[RunLine])
def list_runs(home: Home, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Runs, newest first. `withdrawn`: what was taken back of the snapshot of each, and of its images."""
    with home.catalog.read() as db:
        found, following = runs.list_runs(db, cursor=cursor, limit=limit)
        named = with_run_names(home, db, found)
    back = withdrawals_of_snapshots(home, [one["snapshot"] for one in named])
    return page([{**one, "withdrawn": back.get(one["snapshot"], [])} for one in named], following)


@get("/runs/{run:str}", responses=problems(404, 422), sync_to_thread=True, answer=Run)
def show_run(home: Home, run: RunPath) -> Document:
    """A run, with its status, folds and figures."""
    return _document(home, run_id(home, run))


@get(
    "/runs/{run:str}/events",
    responses=problems(404, 422),
    sync_to_thread=True,
    answer=Bytes(("text/event-stream",), cached=False),
)
def follow_run(
    request: Request[Any, Any, Any], home: Home, run: RunPath, last_event_id: EventId = None, after: After = 0
) -> ServerSentEvent:
    """A run's events as server-sent events, from the first, behind `after`, or behind Last-Event-ID, which a browser
    sends by itself; ends when the run has ended."""
    run = run_id(home, run)
    return stream(request, _events(home, run, int(last_event_id or after)), "use GET /runs/{run} instead")


async def _events(parts: Parts, run: str, after: int) -> Events:
    """Polls the catalog in a thread and sleeps on the event loop, so that a follower holds no thread."""
    quiet = 0.0
    while True:
        ended, found = await to_thread.run_sync(_poll, parts, run, after)
        for event in found:
            after = event["seq"]
            data = json.dumps({"time": event["time"], **event["data"]}, ensure_ascii=False)
            yield ServerSentEventMessage(data=data, event=event["kind"], id=str(after))
        if ended and not found:
            return
        quiet = 0.0 if found else quiet + POLL_SECONDS
        if quiet >= PING_SECONDS:  # so that a proxy, or a client that is gone, is noticed
            quiet = 0.0
            yield ServerSentEventMessage(comment="still running")
        if not found:
            await anyio.sleep(POLL_SECONDS)


def _poll(parts: Parts, run: str, after: int) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the run has ended, and what is new; read in one state, so nothing is missed at the end."""
    with parts.catalog.read() as db:
        return runs.row(db, run)["status"] in ENDED, parts.queue.events(db, run, after, 500)


@post(
    "/runs/{run:str}/cancel",
    status_code=200,
    guards=[needs("runs:write")],
    responses=problems(404, 409, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Run,
)
def cancel_run(home: Home, run: RunPath) -> Document:
    """Cancel a run. Its finished steps stay."""
    run = run_id(home, run)
    cancel(home, run)
    return _document(home, run)


@post(
    "/runs/{run:str}/resume",
    status_code=202,
    guards=[needs("runs:write")],
    responses=problems(404, 409, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Run,
)
def resume_run(home: Home, run: RunPath) -> Document:
    """Queue the remaining steps of a run that was stopped, failed or cancelled. A worker takes them up."""
    run = run_id(home, run)
    resume(home, run)
    return _document(home, run)


HANDLERS = (create_run, list_runs, show_run, follow_run, cancel_run, resume_run)
