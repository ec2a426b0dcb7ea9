"""Which parameters the query of an address may have; a request with any other is refused.

Invariants: what an address knows follows from its handler: the parameters that it declares and those that it says it
reads by itself (``reads=`` of the decorator; one that ends with a dot begins a family, ``map.``). A page also takes
``lang`` and what the document at its address takes, because a link to either opens both. Nothing is looked up for a
request without a query.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from registry.api.common import PREFIX
from registry.api.problems import HttpProblem

LANG = "lang"
DOCUMENT = ("format", "json")  # asks for the document instead of the page, at every address
_SHOWN = 60  # characters of a name, which may be of any length
Known = frozenset[str]


def _shape(template: str) -> str:
    return re.sub(r"{[^}]*}", "{}", template)


def _fits(name: str, known: Known) -> bool:
    return name in known or any(one.endswith(".") and name.startswith(one) for one in known)


class Parameters:
    """Of one application, whose routes never change."""

    def __init__(self, app: Litestar) -> None:
        self._known: dict[tuple[str, str], Known] = {
            (str(method), _shape(route.path_format)): _declared(route, method)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method in route.route_handler_map
        }
        for route in app.routes:
            if isinstance(route, HTTPRoute) and not route.path_format.startswith(PREFIX):
                self._join_documents(route)

    def _join_documents(self, route: HTTPRoute) -> None:
        for method, (handler, _) in route.route_handler_map.items():
            if not handler.resolve_include_in_schema():  # a page
                twin = self.of(str(method), PREFIX + route.path_format)
                self._known[str(method), _shape(route.path_format)] |= twin | {LANG}

    def of(self, method: str, template: str) -> Known:
        """What an address takes; nothing where there is none."""
        return self._known.get((method, _shape(template)), frozenset())

    def of_document(self, template: str) -> Known:
        """What the document at a page's address takes."""
        return self.of("GET", PREFIX + template)

    def check(self, method: str, template: str, query: bytes) -> None:
        """``HttpProblem`` 400 for a query with a parameter that is not known there."""
        known = self.of(method, template)
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            if not _fits(name, known) and (name, value) != DOCUMENT:
                raise HttpProblem(400, f"{_refused(name)}: {_told(known)}", code="unknown_parameter")


def _declared(route: HTTPRoute, method: str) -> Known:
    handler, model = route.route_handler_map[method]  # type: ignore[index]  # its key is a Literal of methods
    return frozenset({one.field_alias for one in model.expected_query_params} | set(_reads(handler)))


def _reads(handler: HTTPRouteHandler) -> tuple[str, ...]:
    return tuple(handler.opt.get("reads", ()))


def _refused(name: str) -> str:
    return f"this address takes no parameter {name[:_SHOWN]!r}"


def _told(known: Known) -> str:
    return (
        f"it takes {', '.join(f'{one}…' if one.endswith('.') else one for one in sorted(known))}"
        if known
        else ("it takes none")
    )
