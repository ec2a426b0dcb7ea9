"""The API's description at /schema: OpenAPI 3.1 as JSON, from the framework and completed here.

Invariants: no page, and nothing from another host. Bodies that handlers read by themselves (rows, a CAR) and the token
for writing are described too. What is answered is what each handler states (``answer=``), in types that name every
field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme

from registry import __version__
from registry.api.answers.parts import Bytes
from registry.api.auth import Needs
from registry.api.bulk.rows import TYPES
from registry.api.common import MEANING, PREFIX
from registry.api.pages.base.negotiate import Negotiating
from registry.api.problems import Problem
from registry.api.v1 import wire, wire_runs
from registry.api.v1.wire import CAR_TYPE, ImageRow

Json = dict[str, Any]
PARTLY = (f"POST {PREFIX}/audits",)  # of whose use a part needs a token, as the operation says
REQUESTS = [
    one for one in {**vars(wire), **vars(wire_runs)}.values() if isinstance(one, type) and issubclass(one, wire.Request)
]


class _Json(JsonRenderPlugin):
    """Serves the description with what the framework could not know."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """The description as JSON."""
        return super().render(request, complete(openapi_schema, request.app))


def whole(app: Litestar) -> Json:
    """The description as /schema gives it; made once, for the routes never change."""
    if "description" not in app.state:
        app.state["description"] = complete(app.openapi_schema.to_schema(), app)
    found: Json = app.state["description"]
    return found


def scopes_of(app: Litestar) -> dict[str, str | None]:
    """The scope that a token needs (None: any), by method and path, where a token is needed."""
    found: dict[str, str | None] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for guard in handler.guards or ():
                if isinstance(guard, Needs):
                    found |= {f"{method} {route.path_format}": guard.scope for method in handler.http_methods}
    return found


def complete(schema: Json, app: Litestar) -> Json:
    """The description with answers, bodies, tokens and their scopes; the one given is left as it is."""
    done: Json = msgspec.json.decode(msgspec.json.encode(schema))
    _describe_answers(done, app)
    _components(done, [*REQUESTS, Problem])  # which the framework says nothing of unknown fields of
    (row,) = _components(done, [ImageRow])
    rows: Json = {"type": "array", "items": row}
    text: Json = {"type": "string"}
    bodies = dict(zip(TYPES, (rows, text, text), strict=True))
    done["paths"][f"{PREFIX}/images"]["post"]["requestBody"] = _body(bodies)
    done["paths"][f"{PREFIX}/blocks"]["post"]["requestBody"] = _body({CAR_TYPE: {"type": "string", "format": "binary"}})
    scopes = scopes_of(app)
    for path, method, operation in operations(done):
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _never_null(parameter["schema"])
        if method in ("get", "head") and "404" in operation["responses"]:  # what lies here may be damaged
            operation["responses"]["502"] = operation["responses"]["404"] | {"description": MEANING[502]}
        if "requestBody" in operation:  # whose length every address bounds
            operation["responses"]["413"] = operation["responses"]["400"] | {"description": MEANING[413]}
        named = f"{method.upper()} {path}"
        if named in scopes:
            operation["security"] = [{"token": [scope] if (scope := scopes[named]) else []}]
        elif named in PARTLY:
            operation["security"] = [{}, {"token": []}]
    _describe_pages(done, app)
    done["components"]["schemas"].pop("Page", None)  # the framework's, of annotations: each list states its items
    return done


def _never_null(schema: Json) -> Json:
    """A parameter's schema without null: one that is left out has no value, and a text can't say null."""
    kinds = [one for one in schema.get("oneOf", ()) if one != {"type": "null"}]
    return schema if len(kinds) != 1 else kinds[0] | {name: one for name, one in schema.items() if name != "oneOf"}


def _components(done: Json, types: list[Any]) -> list[Json]:
    """Schemas of types; what they are made of joins the description's components."""
    found, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    done["components"]["schemas"].update(components)
    return [dict(one) for one in found]


def answers_of(app: Litestar) -> Iterator[tuple[str, str, int, Any]]:
    """What handlers state (``answer=`` of the decorator): method, path, status, types and ``Bytes``, one or several."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.opt.get("answer") is not None:
                for method in handler.http_methods:
                    yield method, route.path_format, handler.status_code, handler.opt["answer"]


def _describe_answers(done: Json, app: Litestar) -> None:
    stated = [one for one in answers_of(app) if one[1] in done["paths"]]
    types = {one: None for _, _, _, answer in stated for one in _types(answer)}
    schemas = dict(zip(types, _components(done, list(types)), strict=True))
    for method, path, status, answer in stated:
        responses = done["paths"][path][method.lower()]["responses"]
        told, several = responses[str(status)], [schemas[one] for one in _types(answer)]
        content: Json = {}
        if several:
            content["application/json"] = {"schema": several[0] if len(several) == 1 else {"anyOf": several}}
        content |= {kind: {"schema": _BINARY} for one in _bytes(answer) for kind in one.types}
        told["content"] = {} if method == "HEAD" else content
        for other in set(responses) & {"202"}:
            responses[other]["content"] = content
        if any(one.partial for one in _bytes(answer)):
            responses["206"] = {**told, "description": "The part that was asked for"}
        if any(one.cached for one in _bytes(answer)) or (several and method == "GET"):
            responses["304"] = {"description": "The client has it already"}


def _describe_pages(done: Json, app: Litestar) -> None:
    """Who names text/html first gets a page where the address has one, and any problem as a page (pages.base.negotiate,
    pages.base.errors)."""
    assert isinstance(app, Negotiating)
    for path, method, operation in operations(done):
        if not path.startswith(f"{PREFIX}/"):
            continue
        for status, told in operation["responses"].items():
            shown = status >= "400" or (method == "get" and status == "200" and app.has_page(path.removeprefix(PREFIX)))
            if shown and "content" in told and method != "head":
                operation["responses"][status] = told | {"content": told["content"] | {"text/html": {"schema": _PAGE}}}


_PAGE: Json = {"type": "string"}
_BINARY: Json = {"type": "string", "contentEncoding": "binary"}


def _several(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _types(answer: Any) -> list[Any]:
    """The types of an answer in JSON, which is one of them."""
    return [one for one in _several(answer) if not isinstance(one, Bytes)]


def _bytes(answer: Any) -> list[Bytes]:
    """The forms of an answer that is no JSON."""
    return [one for one in _several(answer) if isinstance(one, Bytes)]


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation of a description, with its path and its method."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield path, method, operation


def _body(contents: dict[str, Json]) -> Json:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in contents.items()}}


def _no_page(answer: Response[Any]) -> Response[Any]:
    """A hook that makes the framework's own empty page for what is not below /schema a problem document."""
    if answer.status_code == 404:
        raise NotFoundException
    return answer


def description() -> OpenAPIConfig:
    """What the application is given."""
    return OpenAPIConfig(
        title="Emotionet",
        version=__version__,
        description="Labeled images and the models trained on them: content-addressed, signed, open to audit.",
        license=License(name="AGPL-3.0-only", identifier="AGPL-3.0-only"),
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        use_handler_docstrings=True,
        openapi_router=Router("/schema", route_handlers=[], after_request=_no_page, include_in_schema=False),
        render_plugins=[_Json(path=["/", "/openapi.json"])],
    )
