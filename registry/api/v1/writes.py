"""The address of the log of writes. Only who administers reads it: it names tokens and network addresses."""

from __future__ import annotations

from litestar import get

from registry.api.answers.others import Write
from registry.api.answers.parts import PageOf
from registry.api.auth import needs
from registry.api.common import Home, Page, page, problems
from registry.api.v1.wire import Cursor, Limit, TokenFilter
from registry.catalog import tokens, writes


@get(
    "/writes", guards=[needs("admin")], responses=problems(404, scoped=True), sync_to_thread=True, answer=PageOf[Write]
)
def list_writes(home: Home, token: TokenFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Who wrote what through the API and the pages, newest first. One without a `status` was cut off, or is under way,
    and may have been carried out."""
    with home.catalog.read() as db:
        identity = tokens.resolve(db, token) if token is not None else None
        return page(*writes.list_writes(db, token=identity, cursor=cursor, limit=limit))


HANDLERS = (list_writes,)
