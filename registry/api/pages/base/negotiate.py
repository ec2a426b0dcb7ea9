"""Page or document: which of two answers an address gives, by what the request's ``Accept`` names.

Invariants: only ``GET`` and ``HEAD`` are negotiated. Who names text/html at least as much as application/json gets a
page where there is one; everybody else gets what the API gives at the same noun. ``format=json`` in the query asks for
the document whatever ``Accept`` says. The tables follow from the application's routes, so nothing is kept in step by
hand. An address that answers both ways says ``Vary: Accept``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Litestar

from registry.api.common import PREFIX

LOOP = "emotionet.loop"  # the scope's key of the event loop, for handlers that run in threads
_READING = ("GET", "HEAD")
_HTML = ("text/html", "application/xhtml+xml")
_OF_ISSUER = re.compile(
    rf"^((?:{PREFIX})?/(?:snapshots|runs|releases|lineage)/(?:did:pkh:eip155:1:)?0x[0-9a-fA-F]{{40}})/([^/]+)"
)
_MACHINES = ("/ipfs/", "/log/", "/witness/", "/schema", "/healthz", "/readyz", "/metrics")


def weight(accept: str, *types: str) -> float:
    """The largest weight that ``Accept`` gives one of these types by name; 0.0 where it names none of them."""
    return max([0.0, *(found for media, found in accepted_types(accept) if media in types)])


def accepted_types(header: str) -> Iterator[tuple[str, float]]:
    """What an ``Accept`` header names, in lower case, each with its weight from 0.0 to 1.0; 0.0 for what is none."""
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        given = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            found = float(given)
        except ValueError:
            found = 0.0
        yield name, min(max(0.0, found), 1.0)  # in this order no number ("nan") is 0.0


def wants_page(accept: str) -> bool:
    """Whether a person with a browser asks."""
    page = weight(accept, *_HTML)
    return page > 0 and page >= weight(accept, "application/json", "application/problem+json")


def accept_of(scope: Any) -> str:
    """The request's ``Accept``, all its lines."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")


def is_for_people(scope: Any) -> bool:
    """Whether an error is answered by a page: the request asks for one, and not at an address made for machines."""
    if scope["path"].startswith(_MACHINES) or "format=json" in scope["query_string"].decode("latin-1").split("&"):
        return False
    return wants_page(accept_of(scope))


def _shape(template: str) -> str:
    return re.sub(r"{[^}]*}", "{}", template).rstrip("/") or "/"


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{[^}]*}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))


class Address(NamedTuple):
    """A page's address: its pattern, and whether the API has the same noun."""

    pattern: re.Pattern[str]
    twin: bool


class Negotiating(Litestar):
    """The application, which chooses between page and document before it looks for the route."""

    addresses: tuple[Address, ...] = ()

    def negotiate(self, pages: Iterable[str]) -> None:
        """Learn the pages' addresses, as their routes name them."""
        known = {_shape(route.path) for route in self.routes if "GET" in getattr(route, "methods", ())}
        literal_first = sorted(pages, key=lambda one: one.count("{"))
        self.addresses = tuple(Address(_pattern(one), _shape(PREFIX + one) in known) for one in literal_first)

    def has_page(self, path: str) -> bool:
        """Whether people get a page at this address, or at addresses of this template."""
        return self._page_at(path) is not None

    def _page_at(self, path: str) -> Address | None:
        return next((one for one in self.addresses if one.pattern.fullmatch(path)), None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Choose, then answer."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope = _at({**scope, LOOP: asyncio.get_running_loop()}, _joined(scope["path"]), scope["query_string"])
        if scope["method"] not in _READING:
            await super().__call__(scope, receive, send)
            return
        chosen, both, page = self._choose(scope)
        if page and chosen["method"] == "HEAD":
            chosen, send = {**chosen, "method": "GET"}, _without_body(send)
        await super().__call__(chosen, receive, _varying(send) if both else send)

    def _choose(self, scope: Any) -> tuple[Any, bool, bool]:
        """The request as it is routed, whether its address answers both ways, and whether it gets a page."""
        path = scope["path"]
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        plain = [pair for pair in pairs if pair != ("format", "json")]
        machine = len(plain) < len(pairs) or not wants_page(accept_of(scope))
        below = path.removeprefix(PREFIX) if path.startswith(PREFIX + "/") else path
        found = self._page_at(below)
        if found is None:
            return scope, False, False
        if machine and found.twin:
            query = urlencode(plain).encode("latin-1") if len(plain) < len(pairs) else scope["query_string"]
            return _at(scope, PREFIX + below, query), True, False
        if machine and below != path:
            return scope, False, False
        return _at(scope, below, scope["query_string"]), found.twin, True


def _joined(path: str) -> str:
    """``/releases/0x.../faces`` with what another issuer calls a thing as one part, as its routes take any name."""
    return _OF_ISSUER.sub(r"\1%2F\2", path)


def _at(scope: Any, path: str, query: bytes) -> Any:
    if path == scope["path"] and query == scope["query_string"]:
        return scope
    return {**scope, "path": path, "raw_path": path.encode("utf-8"), "query_string": query}


def _varying(send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start" and not any(
            one[0].lower() == b"vary" for one in message["headers"]
        ):
            message = {**message, "headers": [*message["headers"], (b"vary", b"Accept")]}
        await send(message)

    return sending


def _without_body(send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending
