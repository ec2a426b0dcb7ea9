"""Several runs on one page; the address says which, and whether all values are shown."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import Response, get

from registry.api.common import Home
from registry.api.pages.base.common import html, language, with_query
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.runs.reading import drawn
from registry.api.serving import heavy
from registry.api.serving.computing import computation_slot, computing
from registry.web.pages.runs.compared import MOST
from registry.workflows.names.resolve import run_id


@get("/runs/compare", include_in_schema=False, sync_to_thread=True, reads=("run", "all"), several=("run",))
def show_comparison(request: AnyRequest, home: Home) -> Response[str]:
    """Two to ten runs side by side."""
    names = [run_id(home, one[:200]) for one in request.query_params.getall("run", [])[: MOST + 1]]
    with computation_slot():
        found = computing.run(home, heavy.compared_runs, language(request), names)
    whole = bool(request.query_params.get("all"))
    kept = [row["id"] for row in found.heads]
    without = {
        name: f"/runs/compare?{urlencode([('run', one) for one in kept if one != name] + [('all', '1')] * whole)}"
        for name in kept
        if len(kept) > 2
    }
    return html(
        request,
        "pages/run_compare.html",
        found=found,
        lines=[line for line in found.lines if whole or line.differs],
        whole=whole,
        other_view=with_query(request, all=None if whole else "1"),
        without=without,
        drawn=drawn,
    )


HANDLERS = (show_comparison,)
