"""Near-duplicates of a snapshot side by side: those that a run's cleaning found, or that are looked for on demand."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from registry.api.common import Home, Published, cursor_key
from registry.api.hints import with_way
from registry.api.pages.base.common import check_form, html, redirect, with_query, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import PATIENCE, Tasks
from registry.api.pages.snapshots.reading import snapshot_of
from registry.api.v1.wire import CidPath, Cursor
from registry.catalog.queries.signed_records import snapshots
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.web.pages.runs.dropped import dropped, of_row
from registry.workflows.parts import Parts
from registry.workflows.snapshots.near_duplicates import COPIES, keep_search, kept_search
from registry.workflows.snapshots.preview_cleaning import MOST, preview_cleaning
from registry.workflows.store.read_content import read_as

RUNS = 100  # whose preprocessings are called by them
SHOWN = 300  # rows of what was looked for on demand


@get("/snapshots/{cid:str}/copies", include_in_schema=False, sync_to_thread=True, reads=("by",))
def show_copies(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, cursor: Cursor = None
) -> Response[str]:
    """Copies and near-duplicates, each beside what is kept instead of it."""
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    with home.catalog.read() as db:
        known = snapshots.preprocessings_of(db, snapshot)
        of_runs, _ = runs.page_of_rows(db, None, RUNS, snapshot=str(snapshot))
    chosen = request.query_params.get("by") or next(iter(known), None)
    fields: dict[str, Any] = {"found": None, "others": (), "next": None, "looking": False, "error": None}
    if chosen in known:
        found, after = dropped(home, CID.parse(str(chosen)), cursor_key(cursor), COPIES)
        fields |= {"found": found, "next": with_query(request, cursor=after) if after else None}
    else:
        fields |= _looked(request.app.state.tasks, home, snapshot, record)
    return html(
        request,
        "pages/snapshot_copies.html",
        cid=str(snapshot),
        known=known,
        called={row["preprocessing"]: row for row in of_runs},
        chosen=chosen,
        may_look=record.count <= MOST,
        most=MOST,
        **fields,
    )


def _looked(tasks: Tasks, parts: Parts, snapshot: CID, record: records.Snapshot) -> dict[str, Any]:
    """What was found when copies were looked for, or how far that is."""
    task, found = tasks.get(f"look {snapshot}"), kept_search(parts, snapshot)
    if task is not None and not task.done:
        return {"looking": True}
    error = task.error() if task is not None else None
    if error is not None:
        return {"error": with_way(error, page=True) if isinstance(error, EmotionetError) else type(error).__name__}
    if found is None and task is not None:  # it could not be kept
        found = task.result()
    if found is None:
        return {}
    rows = [of_row(record, row, parts.store.get) for row in found[:SHOWN]]
    return {
        "found": [one for one in rows if one.reason in COPIES],
        "others": [one for one in rows if one.reason not in COPIES],
    }


@post("/snapshots/{cid:str}/copies", status_code=303, include_in_schema=False, sync_to_thread=True)
def look_for_copies(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Response[None]:
    """Clean the images only to see what would be dropped; no record is made, what was found is kept for pages."""
    writer(request, "runs:write")
    check_form(request)
    snapshot = snapshot_of(home, published, cid)
    task = request.app.state.tasks.begin(
        lambda: keep_search(home, snapshot, preview_cleaning(home, snapshot)), key=f"look {snapshot}"
    )
    task.ended_within(PATIENCE)
    return redirect(request, f"/snapshots/{snapshot}/copies")


HANDLERS = (show_copies, look_for_copies)
