"""The pages of runs: the list, one run with what of it is live, its log, what its cleaning dropped."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get
from litestar.params import QueryParameter
from markupsafe import Markup

from registry.api.common import Home, cursor_key
from registry.api.hints import with_way
from registry.api.pages.base.common import html, language, with_query
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import Tasks
from registry.api.v1.wire import Cursor, RunPath
from registry.catalog.queries.training_runs import run_events, runs
from registry.catalog.schema.operational import RUN_STATES
from registry.core.errors import Conflict, EmotionetError, UsageError
from registry.core.ipld.cid import CID
from registry.core.text.amounts import duration
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.pages.runs.dropped import dropped
from registry.web.pages.runs.log_lines import line
from registry.web.pages.runs.run_page import RunPage, run_list, run_page
from registry.workflows.names.resolve import resolve, run_id
from registry.workflows.parts import Parts

LOG_LINES = 200
Before = Annotated[int | None, QueryParameter(ge=0, le=10**18, description="an event's number")]


def drawn(drawing: Drawing) -> Markup:
    """A drawing for a template."""
    return Markup(drawing.svg)  # noqa: S704  our own: made and looked at in web


def publishing(tasks: Tasks, run: str) -> dict[str, Any]:
    """Whether a run is being published by this process, and why it could not be."""
    task = tasks.get(f"publish {run}")
    error = task.error() if task is not None and task.done else None
    told = with_way(error, page=True) if isinstance(error, EmotionetError) else type(error).__name__ if error else None
    return {"publishing": task is not None and not task.done, "publish_error": told}


@get("/runs", include_in_schema=False, sync_to_thread=True, reads=("status", "snapshot"))
def show_runs(request: AnyRequest, home: Home, cursor: Cursor = None) -> Response[str]:
    """Runs, newest first."""
    status, snapshot = (request.query_params.get(name) or None for name in ("status", "snapshot"))
    if status is not None and status not in RUN_STATES:
        raise UsageError(f"a run's status is one of {', '.join(RUN_STATES)}", hint="use one of these, or leave it out.")
    if snapshot is not None:
        snapshot = str(resolve(home, snapshot, "snapshot"))
    found, after = run_list(home, cursor=cursor, status=status, snapshot=snapshot)
    following = with_query(request, cursor=after) if after else None
    return html(
        request, "pages/runs.html", found=found, next=following, chosen=status, snapshot=snapshot, states=RUN_STATES
    )


@get("/runs/{run:str}", include_in_schema=False, sync_to_thread=True)
def show_run(request: AnyRequest, home: Home, run: RunPath) -> Response[str]:
    """A run: what it does, how it got there, what it planned."""
    found = run_page(home, Words(language(request)), run_id(home, run))
    return html(
        request,
        "pages/run.html",
        **publishing(request.app.state.tasks, found.row["id"]),
        **_live(request, home, found),
    )


@get("/runs/{run:str}/live", include_in_schema=False, sync_to_thread=True)
def show_live(request: AnyRequest, home: Home, run: RunPath) -> Response[str]:
    """The part of a run's page that changes while it is under way."""
    return html(
        request,
        "pages/run_live.html",
        **_live(request, home, run_page(home, Words(language(request)), run_id(home, run))),
    )


def _live(request: AnyRequest, parts: Parts, found: RunPage) -> dict[str, Any]:
    return {
        "found": found,
        "drawn": drawn,
        "amount": duration,
        "journal": not parts.settings.has_evidence_for_others,
        "dropped_bars": _bars(Words(language(request)), found),
    }


def _bars(t: Words, found: RunPage) -> list[dict[str, Any]]:
    listed = found.row["preprocessing"] is not None  # a run that failed before its plan has counts alone
    address = f"/runs/{found.row['id']}/dropped?reason="
    return [
        {
            "label": t.known("reason", name),
            "count": count,
            "href": address + name if listed else None,
            "current": False,
        }
        for name, count in found.dropped
    ]


@get("/runs/{run:str}/log", include_in_schema=False, sync_to_thread=True)
def show_log(request: AnyRequest, home: Home, run: RunPath, before: Before = None) -> Response[str]:
    """A run's events in words, newest first."""
    run = run_id(home, run)
    t = Words(language(request))
    with home.catalog.read() as db:
        runs.row(db, run)
        found = run_events.log(db, run, before, LOG_LINES)
    following = with_query(request, before=str(found[-1]["seq"])) if len(found) == LOG_LINES else None
    lines = [line(t, event) for event in found]
    return html(request, "pages/run_log.html", run=run, found=lines, next=following, later=before is not None)


@get("/runs/{run:str}/dropped", include_in_schema=False, sync_to_thread=True, reads=("reason",))
def show_dropped(request: AnyRequest, home: Home, run: RunPath, cursor: Cursor = None) -> Response[str]:
    """The images that a run's cleaning dropped, with the reason and what was measured."""
    run = run_id(home, run)
    with home.catalog.read() as db:
        row = runs.row(db, run)
    if row["preprocessing"] is None:
        raise Conflict(f"run {run} has not cleaned its images yet", code="too_early", hint="look again in a moment.")
    reason = request.query_params.get("reason") or None
    found, after = dropped(home, CID.parse(row["preprocessing"]), cursor_key(cursor), (reason,) if reason else ())
    following = with_query(request, cursor=after) if after else None
    return html(request, "pages/run_dropped.html", row=row, found=found, reason=reason, next=following)


HANDLERS = (show_runs, show_run, show_live, show_log, show_dropped)
