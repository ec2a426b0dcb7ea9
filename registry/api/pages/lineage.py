"""The page of a lineage: what a record or an image came from, and what came from it."""

from __future__ import annotations

from litestar import Response, get

from registry.api.common import Home
from registry.api.pages.base.common import html, language
from registry.api.pages.base.session import AnyRequest
from registry.api.v1.wire import CidPath
from registry.web.base.words import Words
from registry.web.pages.lineage.drawing import drawn
from registry.web.pages.lineage.layers import lineage_of
from registry.workflows.names.resolve import resolve


@get("/lineage/{cid:str}", include_in_schema=False, sync_to_thread=True)
def show_lineage(request: AnyRequest, home: Home, cid: CidPath) -> Response[str]:
    """A lineage as a drawing, with a list beside it."""
    found = lineage_of(home, resolve(home, cid))
    drawing = drawn(Words(language(request)), found)
    return html(request, "pages/lineage.html", found=found, drawing=drawing)


HANDLERS = (show_lineage,)
