"""The description at /schema: valid OpenAPI 3.1, complete, from no foreign host, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.tokens import SCOPES
from tests.api.conftest import Client, Headers, Resting, problem

ADDRESSES = {
    "/api/v1/blocks": {"post"},
    "/api/v1/blocks/missing": {"post"},
    "/api/v1/references": {"get"},
    "/api/v1/images": {"get", "post"},
    "/api/v1/images/{identity}": {"get"},
    "/api/v1/images/{identity}/labels": {"get", "post"},
    "/api/v1/images/{identity}/withdrawal": {"post"},
    "/api/v1/withdrawals": {"post"},
    "/api/v1/snapshots": {"get", "post"},
    "/api/v1/snapshots/{cid}": {"get"},
    "/api/v1/snapshots/{cid}/items": {"get"},
    "/api/v1/snapshots/{cid}/diff/{other}": {"get"},
    "/api/v1/snapshots/{cid}/proof/{image}": {"get"},
    "/api/v1/names": {"get", "post"},
    "/api/v1/issuers": {"get"},
    "/api/v1/issuers/{issuer}/head": {"get"},
    "/api/v1/runs": {"get", "post"},
    "/api/v1/runs/{run}": {"get"},
    "/api/v1/runs/{run}/events": {"get"},
    "/api/v1/runs/{run}/cancel": {"post"},
    "/api/v1/runs/{run}/resume": {"post"},
    "/api/v1/releases": {"get", "post"},
    "/api/v1/releases/{cid}": {"get"},
    "/api/v1/releases/{cid}/report": {"get"},
    "/api/v1/releases/{cid}/export": {"get"},
    "/api/v1/releases/{cid}/proof/{image}": {"get"},
    "/api/v1/releases/{cid}/claims": {"post"},
    "/api/v1/plans": {"get"},
    "/api/v1/models/{cid}": {"get"},
    "/api/v1/models/{cid}/weights": {"get", "head"},
    "/api/v1/audits": {"get", "post"},
    "/api/v1/audits/{audit}": {"get"},
    "/api/v1/lineage/{cid}": {"get"},
    "/api/v1/lookup/{digest}": {"get"},
    "/api/v1/anchors/{cid}": {"get"},
    "/api/v1/search": {"get"},
    "/api/v1/writes": {"get"},
    "/api/v1/session": {"post", "delete"},
    "/api/v1/session/nonce": {"post"},
    "/log/{issuer}/checkpoint": {"get"},
    "/log/{issuer}/tile/{path}": {"get"},
    "/witness/add-checkpoint": {"post"},
    "/witness/{origin}/checkpoint": {"get"},
    "/ipfs/{cid}": {"get", "head"},
    "/ipfs/{cid}/{path}": {"get", "head"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}
METHODS = {"get", "post", "put", "delete", "head", "options", "patch", "trace"}


@pytest.fixture
def client(resting: Resting) -> Client:
    return resting.client


@pytest.fixture
def writer(resting: Resting) -> Headers:
    return resting.writer


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    answer = client.get("/schema")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    found: dict[str, Any] = answer.json()
    return found


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


def nodes(value: Any) -> Iterator[Any]:
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def test_every_address_is_described(schema: dict[str, Any]) -> None:
    assert {path: METHODS & set(item) for path, item in schema["paths"].items()} == ADDRESSES


def test_it_is_openapi_3_1(schema: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", schema["openapi"])
    assert set(schema["info"]) >= {"title", "version"}
    ids = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(ids) == len(set(ids))
    for path, _, operation in operations(schema):
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), path
        assert all(one["required"] for one in operation.get("parameters", []) if one["in"] == "path")
        assert operation["description"]
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert answer["description"]


def test_every_list_goes_on_by_next_and_nothing_by_an_offset(schema: dict[str, Any]) -> None:
    lists = 0
    for path, _, operation in operations(schema):
        asked = {one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"}
        assert not {"offset", "page", "skip", "start"} & set(asked), path
        told = nodes(operation["responses"].get("200", {}))
        named = [one.get("$ref", "") for one in told if isinstance(one, dict)]
        answers = [schema["components"]["schemas"][name.rpartition("/")[2]]["properties"] for name in named if name]
        follow = [one["next"] for one in answers if "next" in one and {"items", "history"} & set(one)]
        assert all({"string", "null"} == {kind["type"] for kind in one.get("anyOf", [])} for one in follow), (
            path,
            follow,
        )
        if any(one.get("items", {}).get("type") == "array" for one in answers):
            lists += 1
            assert follow, path
            assert {"cursor", "limit"} <= set(asked), path
    assert lists > 10


def test_every_schema_is_json_schema_and_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    for component in schema["components"]["schemas"].values():
        Draft202012Validator.check_schema(component)
    for node in nodes(schema):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            target: Any = schema
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            assert target
        if isinstance(node, dict) and isinstance(node.get("schema"), dict):
            Draft202012Validator.check_schema(node["schema"])


def test_limits_are_stated(schema: dict[str, Any]) -> None:
    lists = {
        path for path in ADDRESSES if path.rsplit("/", 1)[-1] in {"images", "snapshots", "runs", "releases", "items"}
    }
    for path in lists:
        named = {one["name"]: one["schema"] for one in schema["paths"][path]["get"]["parameters"]}
        assert (named["limit"]["minimum"], named["limit"]["maximum"]) == (1, 1000), path
        assert "cursor" in named
    named = {one["name"]: one for one in schema["paths"]["/api/v1/releases/{cid}/report"]["get"]["parameters"]}
    assert named["claim"]["schema"]["maxItems"] == 32
    assert "1000 characters" in named["claim"]["description"]
    row = schema["components"]["schemas"]["ImageRow"]
    assert set(row["required"]) == {"cid", "label"}
    assert row["additionalProperties"] is False
    rows = schema["paths"]["/api/v1/images"]["post"]["requestBody"]["content"]
    assert set(rows) == {"application/json", "application/x-ndjson", "text/csv"}


def test_writing_says_that_it_needs_a_token(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        if path == "/api/v1/session" and method == "delete":
            assert operation["security"] == [{"token": []}]
        elif path.startswith("/api/v1/session"):
            assert "security" not in operation  # it is how a token is got
        elif path == "/api/v1/releases/{cid}/claims":
            assert "security" not in operation  # it is a question: nothing is put on record
        elif path == "/witness/add-checkpoint":
            assert "security" not in operation  # the checkpoint's own signature says who asks
        elif method == "post" and path != "/api/v1/audits":
            ((scope,),) = [one["token"] for one in operation["security"]]
            assert scope in SCOPES, path
            assert {"401", "403"} <= set(operation["responses"])
        elif method == "post":
            assert operation["security"] == [{}, {"token": []}]
        elif path == "/api/v1/writes":
            assert operation["security"] == [{"token": ["admin"]}]
        else:
            assert "security" not in operation, path
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_errors_are_described_as_they_are_sent(schema: dict[str, Any], client: Client, writer: Headers) -> None:
    for path, _, operation in operations(schema):
        pages = {"text/html"} if path.startswith("/api/v1/") else set()  # for browsers
        for status, answer in operation["responses"].items():
            if (path, status) == ("/witness/add-checkpoint", "409"):
                assert set(answer["content"]) == {"text/x.tlog.size"}  # as C2SP's tlog-witness has it
            elif status >= "400":
                kinds = set(answer["content"])
                assert "application/problem+json" in kinds, (path, status)
                assert kinds <= {"application/problem+json"} | pages, (path, status)
    components = schema["components"]
    validator = Draft202012Validator({**components["schemas"]["Problem"], "components": components})
    sent = [
        client.get("/api/v1/images?limit=0"),
        client.get("/api/v1/runs/nothing"),
        client.post("/api/v1/runs"),
        client.post("/api/v1/runs", headers=writer),
        client.post("/api/v1/runs", json={"snapshot": 1}, headers=writer),
        client.get("/ipfs/nonsense?format=raw"),
    ]
    for answer in sent:
        assert answer.status_code >= 400
        validator.validate(answer.json())


def test_nothing_comes_from_a_foreign_host(client: Client) -> None:
    for path in ("/schema", "/schema/openapi.json"):
        assert not re.search(r"https?://(?!json-schema\.org)", client.get(path).text)
    for path in ("/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc"):
        problem(client.get(path), 404, "no_such_resource")


def test_it_is_alive_and_ready(home: Home) -> None:
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        assert client.get("/healthz").json() == {"ok": True}
        assert client.get("/readyz").json() == {"ok": True}
        home.catalog.engine.dispose()
        for path in home.settings.home.glob("catalog.sqlite*"):
            path.unlink()
        (home.settings.home / "catalog.sqlite").mkdir()
        assert client.get("/healthz").status_code == 200
        problem(client.get("/readyz"), 503, "catalog")


def test_every_answer_names_its_fields(schema: dict[str, Any]) -> None:
    """An answer whose schema says only "object" would let anything pass: each handler states its type (``answer=``)."""
    for path, method, operation in operations(schema):
        for status, answer in operation["responses"].items():
            if status < "300" and status != "204" and method != "head":
                assert answer["content"], (path, method, status)
                said = answer["content"].get("application/json", {}).get("schema", {"$ref": ""})
                assert "$ref" in said or "anyOf" in said, (path, method, status, "state its type")
    for name, component in schema["components"]["schemas"].items():
        if component.get("type") == "object" and "properties" in component:
            assert component.get("additionalProperties") is False, name


OPEN = {  # where an answer may hold anything, and why
    "Note/values": "numbers and names that its text is made of: which there are follows from its code",
    "Snapshot/query": "the filter as its issuer signed it, of whatever version",
    "SnapshotLine/query": "the same",
    "Sampled/beacon": "what chose a sample: the fields follow from its kind, as a record has them",
    "Prov": "PROV-JSON: its statements are the W3C's to describe, and are named here down to their kinds",
}


def opened(schema: Any, path: str = "") -> Iterator[str]:
    """The places of a schema where anything fits."""
    if isinstance(schema, list):
        for one in schema:
            yield from opened(one, path)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    free = kind == "object" and "properties" not in schema and schema.get("additionalProperties", True) in (True, {})
    if free or (kind == "array" and not {"items", "prefixItems"} & set(schema)) or not schema:
        yield path
    for name, child in schema.get("properties", {}).items():
        yield from opened(child, f"{path}/{name}".lstrip("/"))
    for name in ("anyOf", "oneOf", "allOf", "items", "prefixItems", "additionalProperties"):
        if isinstance(schema.get(name), (dict, list)):
            yield from opened(schema[name], path)


def test_every_schema_that_is_open_has_its_reason(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    found = {place for name, one in components.items() for place in opened(one, name)}
    for _, _, operation in operations(schema):
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        found |= {place for content in contents for one in content.values() for place in opened(one["schema"], "?")}
        for one in operation.get("parameters", ()):
            found |= set(opened(one["schema"], one["name"]))
            assert {"type": "null"} not in one["schema"].get("oneOf", ()), one
    assert {place if place in OPEN else place.partition("/")[0] for place in found} == set(OPEN), found
