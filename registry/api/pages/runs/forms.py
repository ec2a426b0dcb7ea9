"""What is done with a run from its page: cancel, resume, publish.

Invariant: each is a form of ours, sent by who is signed in with the scope for it, and answers with a page to see.
"""

from __future__ import annotations

from functools import partial

from litestar import Response, post

from registry.api.common import Home
from registry.api.pages.base.common import check_form, redirect, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import PATIENCE
from registry.api.v1.wire import RunPath
from registry.catalog.queries.training_runs import runs
from registry.workflows.names.resolve import run_id
from registry.workflows.names.set_name import check_new_name
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.control_run import cancel, resume


@post("/runs/{run:str}/cancel", status_code=303, include_in_schema=False, sync_to_thread=True)
def cancel_run(request: AnyRequest, home: Home, run: RunPath) -> Response[None]:
    """Stop a run. Its finished folds stay."""
    writer(request, "runs:write")
    check_form(request)
    run = run_id(home, run)
    cancel(home, run)
    return redirect(request, f"/runs/{run}", "runs.said_cancelled")


@post("/runs/{run:str}/resume", status_code=303, include_in_schema=False, sync_to_thread=True)
def resume_run(request: AnyRequest, home: Home, run: RunPath) -> Response[None]:
    """Queue what is left of a run."""
    writer(request, "runs:write")
    check_form(request)
    run = run_id(home, run)
    resume(home, run)
    return redirect(request, f"/runs/{run}", "runs.said_resumed")


@post("/runs/{run:str}/publish", status_code=303, include_in_schema=False, sync_to_thread=True)
def publish_run(request: AnyRequest, home: Home, run: RunPath) -> Response[None]:
    """Publish a completed run: mostly done at once, else in the background, which its page shows.

    ``name``: what the release is called (may be empty); ``onnx``: checked where it shall be published as ONNX too.
    """
    writer(request, "releases:write")
    form, run = check_form(request), run_id(home, run)
    name, onnx = form.get("name", "").strip() or None, bool(form.get("onnx"))
    if name is not None:
        check_new_name(name)
    with home.catalog.read() as db:
        runs.row(db, run)
    work = partial(publish_release, home, run, wait=0, onnx=onnx, name=name)
    task = request.app.state.tasks.begin(work, key=f"publish {run}")
    if not task.ended_within(PATIENCE):
        return redirect(request, f"/runs/{run}")
    return redirect(request, f"/runs/{run}", "runs.said_published" if task.error() is None else None)


HANDLERS = (cancel_run, resume_run, publish_run)
