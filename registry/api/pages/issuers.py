"""The page of issuers of other registries whose logs are followed here."""

from __future__ import annotations

from litestar import Response, get

from registry.api.common import Home
from registry.api.pages.base.common import html
from registry.api.pages.base.session import AnyRequest
from registry.workflows.follow.keep_up import documents


@get("/issuers", include_in_schema=False, sync_to_thread=True)
def list_followed(request: AnyRequest, home: Home) -> Response[str]:
    """Each with its state, and what was refused."""
    return html(request, "pages/issuers.html", items=documents(home))


HANDLERS = (list_followed,)
