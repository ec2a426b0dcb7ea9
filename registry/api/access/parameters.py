"""Which parameters the query of an address may have; a request with any other, or with one twice, is refused.

Invariants: what an address knows follows from its handler: the parameters that it declares and those that it says it
reads by itself (``reads=`` of the decorator; one that ends with a dot begins a family, ``map.``). A page also takes
``lang`` and what the document at its address takes, because a link to either opens both; what it leaves to the document
must be right all the same. A parameter comes once, unless its type is a list or the handler reads it as one
(``several=``). Nothing is looked up for a request without a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec
from litestar import Litestar
from litestar.exceptions import ValidationException
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
        self._left: dict[str, Mapping[str, Any]] = {}  # of a page: what only its document reads, with its type
        self._several: dict[tuple[str, str], Known] = {
            (str(method), _shape(route.path_format)): _lists(route, method)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method in route.route_handler_map
        }
        self._known: dict[tuple[str, str], Known] = {
            (str(method), _shape(route.path_format)): _declared(route, method)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method in route.route_handler_map
        }
        self._own = {shape: known for (method, shape), known in self._known.items() if method == "GET"}
        for route in app.routes:
            if isinstance(route, HTTPRoute) and not route.path_format.startswith(PREFIX):
                self._join_documents(route)

        for route in app.routes:
            if isinstance(route, HTTPRoute) and route.path_format.startswith(PREFIX) and "GET" in route.methods:
                self._leave(route)

    def _join_documents(self, route: HTTPRoute) -> None:
        for method, (handler, _) in route.route_handler_map.items():
            if not handler.resolve_include_in_schema():  # a page
                at, twin = (str(method), _shape(route.path_format)), (str(method), _shape(PREFIX + route.path_format))
                self._known[at] |= self._known.get(twin, frozenset()) | {LANG}
                self._several[at] |= self._several.get(twin, frozenset())

    def _leave(self, document: HTTPRoute) -> None:
        """What the page at this document's address passes over, because the document alone reads it."""
        page = _shape(document.path_format.removeprefix(PREFIX))
        own = self._own.get(page)
        if own is not None:
            types = _types(document, "GET")
            self._left[page] = {name: kind for name, kind in types.items() if name not in own}

    def of(self, method: str, template: str) -> Known:
        """What an address takes; nothing where there is none."""
        return self._known.get((method, _shape(template)), frozenset())

    def of_document(self, template: str) -> Known:
        """What the document at a page's address takes."""
        return self.of("GET", PREFIX + template)

    def check(self, method: str, template: str, query: bytes) -> None:
        """``HttpProblem`` 400 for a query with a parameter that is not known there or comes twice, or that is no
        UTF-8; ``ValidationException`` for one that a page leaves to its document, and that is wrong there."""
        at = (method, _shape(template))
        known, several, seen = self._known.get(at, frozenset()), self._several.get(at, frozenset()), set[str]()
        for name, value in _pairs(query):
            if (name, value) == DOCUMENT:
                continue
            if not _fits(name, known):
                raise HttpProblem(400, f"{_refused(name)}: {_told(known)}", code="unknown_parameter")
            if name in seen and name not in several:
                raise HttpProblem(400, f"the address states {name[:_SHOWN]!r} twice", code="repeated_parameter")
            seen.add(name)
            if method == "GET" and (kind := self._left.get(at[1], {}).get(name)) is not None:
                _check_value(name, value, kind)


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError as error:
        wrong = error.object[error.start : error.start + 1].hex()
        raise HttpProblem(400, f"the address's query is not UTF-8: %{wrong} begins no letter there") from error
    return parse_qsl(query.decode(), keep_blank_values=True)


def _check_value(name: str, value: str, kind: Any) -> None:
    try:
        msgspec.convert([value] if _is_list(kind) else value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValidationException(extra=[{"key": name, "message": str(error)}]) from error


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list or any(map(_is_list, get_args(kind)))


def _types(route: HTTPRoute, method: str) -> dict[str, Any]:
    """The types of the parameters that a handler declares, by their names in a query."""
    handler, model = route.route_handler_map[method]  # type: ignore[index]  # its key is a Literal of methods
    kinds = {one.name: one.type for one in msgspec.structs.fields(handler.signature_model)}
    return {one.field_alias: kinds[one.field_name] for one in model.expected_query_params if one.field_name in kinds}


def _lists(route: HTTPRoute, method: str) -> Known:
    handler = route.route_handler_map[method][0]  # type: ignore[index]  # its key is a Literal of methods
    lists = {name for name, kind in _types(route, method).items() if _is_list(kind)}
    return frozenset(lists | set(handler.opt.get("several", ())))


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
