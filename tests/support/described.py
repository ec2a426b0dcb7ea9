"""A client that holds every answer against the description at /schema: status, content type, headers and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from litestar import Litestar
from litestar.testing import TestClient

from registry.api.openapi import operations, whole

PREFIXES = ("/api/v1/", "/ipfs/", "/healthz", "/readyz", "/metrics")


class Described(TestClient[Litestar]):
    """As Litestar's; a request of the API whose answer is not described fails the test."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = super().send(request, **options)
        if request.url.path.startswith(PREFIXES):
            check(self.app, request, answer)
        return answer


def check(app: Litestar, request: httpx.Request, answer: httpx.Response) -> None:
    """Fail where an answer is not what the description says."""
    where = f"{request.method} {request.url.path} {answer.status_code}"
    description = _whole(app)
    found = _operation(description, request.method.lower(), request.url.path)
    if found is None:
        assert answer.status_code in {404, 405}, f"{where} is not described"
        return
    told = found["responses"].get(str(answer.status_code))
    assert told is not None, f"{where} is not described: {answer.text[:300]}"
    content, kind = told.get("content", {}), answer.headers.get("content-type", "").partition(";")[0]
    if request.method == "HEAD" or answer.status_code in {204, 304}:
        return
    assert kind in content, f"{where} is {kind}, described are {', '.join(content) or 'no contents'}"
    if kind == "application/x-ndjson":
        for line in answer.text.splitlines():
            json.loads(line)
    elif "json" in kind:
        wrong = list(_errors(description, content[kind]["schema"], answer.json()))
        assert not wrong, f"{where} is not as described:\n" + "\n".join(wrong[:5])


_WHOLE: dict[frozenset[str], dict[str, Any]] = {}


def _whole(app: Litestar) -> dict[str, Any]:
    """The description: the same for all applications of the same addresses and functions, and made once for all."""
    handlers = ((route.path, handler) for route in app.routes for handler in getattr(route, "route_handlers", ()))
    key = frozenset(f"{path} {handler}" for path, handler in handlers)
    if key not in _WHOLE:
        _WHOLE[key] = whole(app)
    return _WHOLE[key]


def _operation(description: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    fitting = [
        (template.count("{"), operation)
        for template, name, operation in operations(description)
        if name == method and _pattern(template).fullmatch(path)
    ]
    return min(fitting, key=lambda one: one[0])[1] if fitting else None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = [re.escape(part) if not part.startswith("{") else "[^/]+" for part in re.split(r"({[^}]*})", template)]
    return re.compile("".join([*parts[:-2], ".*", parts[-1]] if template.endswith("/{path}") else parts))


_VALIDATORS: dict[tuple[str, int], jsonschema_rs.Draft202012Validator] = {}


def _errors(description: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[str]:
    key = (repr(schema), id(description))
    if key not in _VALIDATORS:
        whole_schema = {**schema, "components": description["components"]}
        _VALIDATORS[key] = jsonschema_rs.Draft202012Validator(whole_schema)
    for error in _VALIDATORS[key].iter_errors(value):
        yield f"{'/'.join(map(str, error.instance_path))}: {error.message[:500]}"
