"""The pages' own files: style sheets, modules, the mark.

Invariants: only files of the package are sent, by name; nothing is read from a path. What carries the current version
may be kept for ever, anything else is asked for again.
"""

from __future__ import annotations

from litestar import HttpMethod, Response, route
from litestar.params import FromPath

from registry.core.errors import NotFound
from registry.web.base import static

_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


def _send(name: str, caching: str) -> Response[bytes]:
    data = static.contents().get(name)
    if data is None:
        raise NotFound(f"there is no file {name!r} here")
    headers = {
        "Cache-Control": caching,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Response(data, media_type=static.TYPES[name.rpartition(".")[2]], headers=headers)


@route("/static/{version:str}/{name:str}", http_method=_METHODS, include_in_schema=False, sync_to_thread=False)
def get_file(version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file."""
    current = version == static.version()
    return _send(name, "public, max-age=31536000, immutable" if current else "no-cache")


@route("/favicon.ico", http_method=_METHODS, include_in_schema=False, sync_to_thread=False)
def get_favicon() -> Response[bytes]:
    """The mark, for browsers that ask without being told."""
    return _send("mark.svg", "public, max-age=86400")


HANDLERS = (get_file, get_favicon)
