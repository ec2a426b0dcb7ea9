"""The API's description at /schema: OpenAPI 3.1 as JSON, from the framework and completed here.

Invariants: no page, and nothing from another host. Bodies that handlers read by themselves (rows, a CAR) and the token
for writing are described too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme

from registry import __version__
from registry.api.common import PREFIX
from registry.api.v1.image_rows import TYPES
from registry.api.v1.wire import CAR_TYPE, MAX_ROWS, ImageRow

Json = dict[str, Any]


class _Json(JsonRenderPlugin):
    """Serves the description with what the framework could not know."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """The description as JSON."""
        return super().render(request, complete(openapi_schema))


def complete(schema: Json) -> Json:
    """The description with bodies and tokens; the one given is left as it is."""
    done: Json = msgspec.json.decode(msgspec.json.encode(schema))
    (row,), components = msgspec.json.schema_components([ImageRow], ref_template="#/components/schemas/{name}")
    done["components"]["schemas"].update(components)
    rows: Json = {"type": "array", "items": row, "maxItems": MAX_ROWS}
    text: Json = {"type": "string"}
    bodies = dict(zip(TYPES, (rows, text, text), strict=True))
    done["paths"][f"{PREFIX}/images"]["post"]["requestBody"] = _body(bodies)
    done["paths"][f"{PREFIX}/blocks"]["post"]["requestBody"] = _body({CAR_TYPE: {"type": "string", "format": "binary"}})
    for operation in operations(done):
        if "401" in operation["responses"]:
            free = "403" in operation["responses"] and operation["operationId"].endswith("CreateAudit")
            operation["security"] = [*([{}] if free else []), {"token": []}]
    return done


def operations(schema: Json) -> Iterator[Json]:
    """Every operation of a description."""
    for path in schema["paths"].values():
        yield from (
            operation for operation in path.values() if isinstance(operation, dict) and "responses" in operation
        )


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
