"""The book at /docs, as ``make docs`` built it: each language below its own address.

Invariants: the same for everybody; no cookie is set; whatever is not a file of the book is 404.
"""

from __future__ import annotations

from hashlib import sha256

from litestar import HttpMethod, Response, get, route
from litestar.params import FromPath
from litestar.response import Redirect

from registry.api.pages.base.common import language as preferred
from registry.api.pages.base.session import AnyRequest
from registry.core.errors import NotFound
from registry.web import book

_METHODS = [HttpMethod.GET, HttpMethod.HEAD]
_SEARCH = ("q", "check_keywords", "area", "highlight")  # of the page that searches; its script reads them
_VERSION = "v"  # by which a page names its styles and scripts


@get("/docs", include_in_schema=False, sync_to_thread=True)
def show_book(request: AnyRequest) -> Redirect:
    """To the first page, in the reader's language where the book has it."""
    there = book.languages(book.BUILT)
    if not there:
        raise NotFound(
            "the documentation is not built here",
            hint="`make docs` in this service's code builds it; until then read the files in its folder docs/.",
        )
    wanted = preferred(request)
    return Redirect(f"/docs/{wanted if wanted in there else there[0]}/index.html", status_code=302)


@route(
    "/docs/{language:str}/{name:path}",
    http_method=_METHODS,
    include_in_schema=False,
    sync_to_thread=True,
    reads=(*_SEARCH, _VERSION),
)
def get_page(request: AnyRequest, language: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file of the book."""
    data = book.read(book.BUILT, language, name.lstrip("/"))
    if data is None:
        raise NotFound(f"there is no page {name.lstrip('/')!r} in the documentation", hint="/docs leads to its first.")
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {
        "Content-Security-Policy": book.policy(book.BUILT),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(data, media_type=book.TYPES[name.rpartition(".")[2]], headers=headers)


HANDLERS = (show_book, get_page)
