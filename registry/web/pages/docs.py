"""The API's page: the OpenAPI document for people, grouped by noun, with examples that run as they stand.

Invariants: everything comes from the document that programs get, so the two can't differ; the examples name things of
this registry where it has them, and a word in capitals where it has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

Json = dict[str, Any]
PREFIX = "/api/v1/"
METHODS = ("get", "post", "put", "delete")  # HEAD is what GET says


class Examples(NamedTuple):
    """What the examples name: a word in capitals stands for what this registry does not have."""

    image: str = "IMAGE"
    image_cid: str = "IMAGE_CID"
    snapshot: str = "SNAPSHOT"
    run: str = "RUN"
    release: str = "RELEASE"

    def of_path(self, path: str, name: str) -> str:
        """What a path's parameter is filled in with."""
        noun = path.removeprefix(PREFIX).partition("/")[0]
        by_noun = {"images": self.image, "snapshots": self.snapshot, "runs": self.run}
        special = {"digest": self.image, "image": self.image, "other": self.snapshot, "path": "labels.csv"}
        if noun == "/ipfs" or path.startswith("/ipfs"):
            return special.get(name, self.image_cid)
        return special.get(name) or by_noun.get(noun, self.release)

    def query(self, path: str) -> dict[str, str]:
        """The query that shows something."""
        if path.startswith("/ipfs"):
            return {"format": "car"}
        shown = {"audits": {"target": self.release}, "search": {"q": "feliz"}, "images": {"limit": "2"}}
        return shown.get(path.removeprefix(PREFIX), {})

    def body(self, path: str) -> Any:
        """What is sent; None for nothing."""
        row = {"cid": self.image_cid, "label": "feliz", "contributor": "anna"}
        run = {"snapshot": self.snapshot, "recipe": "quick", "claims": ["macro_f1 >= 0.80"]}
        return {
            "images": [row],
            "images/{identity}/labels": {"label": "feliz"},
            "images/{identity}/withdrawal": {"reason": "the person asked for it"},
            "snapshots": {"classes": "emociones"},
            "runs": run,
            "releases": {"run": self.run},
            "releases/{cid}/claims": {"claims": ["macro_f1 >= 0.80"]},
            "audits": {"target": self.release},
        }.get(path.removeprefix(PREFIX))


def grouped(schema: Json, base: str, examples: Examples) -> list[Json]:
    """Groups of operations by noun, in the document's order: ``noun``, ``operations``."""
    groups: dict[str, list[Json]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                noun = path.removeprefix(PREFIX).strip("/").partition("/")[0] if path.startswith(PREFIX) else "service"
                groups.setdefault(noun, []).append(_operation(schema, path, method, item[method], base, examples))
    return [{"noun": noun, "operations": found} for noun, found in groups.items()]


def _operation(schema: Json, path: str, method: str, operation: Json, base: str, examples: Examples) -> Json:
    security = operation.get("security") or []
    scopes = [scope for one in security for scope in one.get("token", ())]
    head, _, more = str(operation.get("description", "")).strip().partition("\n\n")
    address = _filled(path, method, base, examples)
    body = examples.body(path) if method == "post" else None
    kinds = list(operation.get("requestBody", {}).get("content", ()))
    wants = _Wants(method, address, body, kinds[0] if kinds else None, bool(scopes), _answer_type(operation))
    return {
        "id": f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        "method": method.upper(),
        "path": path,
        "head": " ".join(head.split()),
        "more": " ".join(more.split()),
        "scopes": scopes,
        "parameters": [_parameter(schema, one) for one in operation.get("parameters", ())],
        "body": _fields(schema, operation),
        "answers": [(status, one["description"]) for status, one in operation["responses"].items()],
        "curl": _curl(wants),
        "python": _python(wants),
    }


class _Wants(NamedTuple):
    method: str
    address: str
    body: Any
    sent: str | None  # the body's type
    token: bool
    answer: str  # the answer's type


def _filled(path: str, method: str, base: str, examples: Examples) -> str:
    parts = [
        quote(examples.of_path(path, one[1:-1]), safe="") if one.startswith("{") else one for one in path.split("/")
    ]
    query = examples.query(path) if method == "get" else {}
    return base.rstrip("/") + "/".join(parts) + (f"?{urlencode(query)}" if query else "")


def _answer_type(operation: Json) -> str:
    for status, one in operation["responses"].items():
        if status.startswith("2"):
            return next(iter(one.get("content", {})), "application/json")
    return "application/json"


def _parameter(schema: Json, one: Json) -> Json:
    told = one.get("schema", {})
    return {
        "name": one["name"],
        "place": one["in"],
        "required": one.get("required", False),
        "type": _type(schema, told),
        "text": one.get("description") or told.get("description", ""),
    }


def _fields(schema: Json, operation: Json) -> list[Json]:
    """The fields of a body of JSON: of the object, or of one of a list's items."""
    told = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    told = _resolved(schema, _resolved(schema, told).get("items") or told)
    required = told.get("required", ())
    return [
        {
            "name": name,
            "required": name in required,
            "type": _type(schema, one),
            "text": _resolved(schema, one).get("description", ""),
        }
        for name, one in told.get("properties", {}).items()
    ]


def _resolved(schema: Json, told: Json) -> Json:
    name = str(told.get("$ref", "")).rpartition("/")[2]
    return schema["components"]["schemas"][name] if name else told


def _type(schema: Json, told: Json) -> str:
    if "$ref" in told:
        return str(told["$ref"]).rpartition("/")[2]
    options = told.get("oneOf") or told.get("anyOf")
    if options:
        return " | ".join(dict.fromkeys(_type(schema, one) for one in options if one.get("type") != "null"))
    if "enum" in told:
        return " | ".join(str(one) for one in told["enum"] if one is not None)
    if told.get("type") == "array":
        return f"[{_type(schema, told.get('items') or {})}]"
    return str(told.get("type", "any"))


def _curl(wants: _Wants) -> str:
    lines = [f"curl -s '{wants.address}'"]
    if wants.token:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if wants.body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{json.dumps(wants.body)}'")
    elif wants.sent:
        lines += [f"-H 'Content-Type: {wants.sent}'", "--data-binary @images.car"]
    elif wants.method == "post":
        lines.append("-X POST")
    if not wants.answer.startswith(("application/json", "text/")):
        lines.append("-o answer.bin")
    return " \\\n  ".join(lines)


def _python(wants: _Wants) -> str:
    headers = {"Content-Type": "application/json" if wants.body is not None else wants.sent or ""}
    told = [f'"{name}": "{value}"' for name, value in headers.items() if value]
    if wants.token:
        told.append('"Authorization": "Bearer " + os.environ["TOKEN"]')
    named = [f'"{wants.address}"']
    if wants.method == "post":
        named.append(f"data={_sent(wants)}")
    if told:
        named.append(f"headers={{{', '.join(told)}}}")
    return "\n".join([*_imports(wants), "", f"request = Request({_listed(named)})", *_reading(wants)])


def _sent(wants: _Wants) -> str:
    if wants.body is not None:
        return f"json.dumps({wants.body!r}).encode()"
    return 'Path("images.car").read_bytes()' if wants.sent else 'b""'


def _imports(wants: _Wants) -> Iterable[str]:
    plain = [*(["json"] if _is_json(wants) or wants.body is not None else []), *(["os"] if wants.token else [])]
    if plain:
        yield f"import {', '.join(plain)}"
    if wants.sent and wants.body is None:
        yield "from pathlib import Path"
    yield "from urllib.request import Request, urlopen"


def _listed(named: list[str]) -> str:
    return named[0] if len(named) == 1 else "\n    " + ",\n    ".join(named) + ",\n"


def _is_json(wants: _Wants) -> bool:
    return wants.answer == "application/json"


def _reading(wants: _Wants) -> Iterable[str]:
    yield "with urlopen(request) as answer:"
    if _is_json(wants):
        yield "    print(json.load(answer))"
    elif wants.answer.startswith("text/"):
        yield "    for line in answer:"
        yield "        print(line.decode(), end='')"
    else:
        yield "    data = answer.read()"
        yield "print(len(data), 'bytes')"


def scopes_table(groups: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Each scope with the operations that need it."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for one in group["operations"]:
            for scope in one["scopes"]:
                found.setdefault(scope, []).append(f"{one['method']} {one['path']}")
    return sorted(found.items())
