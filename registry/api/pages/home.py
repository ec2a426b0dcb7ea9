"""The home page and the search."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from registry.api.common import Home
from registry.api.pages.base.common import html, redirect
from registry.api.pages.base.session import AnyRequest
from registry.api.v1.search import Searched
from registry.web.pages.home import home_page, search_page


@get("/", include_in_schema=False, sync_to_thread=True)
def show_home(request: AnyRequest, home: Home) -> Response[str]:
    """What is here."""
    return html(request, "pages/home.html", **home_page(home))


@get("/search", include_in_schema=False, sync_to_thread=True)
def search(request: AnyRequest, home: Home, q: Searched = "") -> Response[Any]:
    """What a text finds; the page of the one thing that it names."""
    found = search_page(home, q)
    if len(found["exact"]) == 1 and not found["words"]:
        return redirect(request, found["exact"][0]["address"])
    return html(request, "pages/search.html", **found)


HANDLERS = (show_home, search)
