"""What a request's outermost layer and its handler tell each other. A scope is copied on its way, this is not."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
from litestar import MediaType, Request, Response

from registry.api.gateway import ranges

_KEY = "emotionet.seen"
RECORDS, WITHHELD = "records", "withheld"  # the marks (``catalog.marks``) by which an answer may be kept


class Seen:
    """``route``: the address's template; ``keep``: the mark by which the answer may be given again, None: it may not;
    ``route`` is None where no route was found."""

    __slots__ = ("keep", "route")

    def __init__(self) -> None:
        self.route: str | None = None
        self.keep: str | None = None


def begin(scope: Any) -> tuple[Any, Seen]:
    """The scope of a request that begins, and what is seen of it."""
    seen = Seen()
    return {**scope, _KEY: seen}, seen


async def note(message: Any, scope: Any) -> None:
    """A hook that notes which route answers."""
    seen = scope.get(_KEY)
    if seen is not None and message["type"] == "http.response.start":
        seen.route = scope.get("path_template")


def keep(request: Request[Any, Any, Any], mark: str) -> None:
    """Say that this answer may be given again while ``mark`` stays as it is."""
    seen: Any = request.scope.get(_KEY)
    if seen is not None:
        seen.keep = mark


def document(request: Request[Any, Any, Any], value: Any, *, kept: bool = True) -> Response[Any]:
    """A document that follows from records alone, with an ETag of its bytes; ``kept`` unless something else may change
    it, such as the state of an anchor."""
    body = msgspec.json.encode(value)
    etag = sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache"}
    if ranges.etag_matches(request.headers.get("if-none-match"), etag):
        return ranges.not_modified(headers)
    if kept:
        keep(request, RECORDS)
    return Response(body, media_type=MediaType.JSON, headers=headers)
