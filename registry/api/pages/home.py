"""The home page and the search."""

from __future__ import annotations

from litestar import Response, get

from registry.api.common import Home
from registry.api.pages.common import html
from registry.api.pages.session import AnyRequest
from registry.web.pages.home import home_page


@get("/", include_in_schema=False, sync_to_thread=True)
def show_home(request: AnyRequest, home: Home) -> Response[str]:
    """What is here."""
    return html(request, "pages/home.html", **home_page(home))


HANDLERS = (show_home,)
