"""An address refuses a parameter that it does not know, and says which it knows; links of pages go on working."""

from __future__ import annotations

import html
import re

import pytest

from registry.api.access.parameters import Parameters
from registry.api.openapi import operations, whole
from registry.api.problems import HttpProblem
from tests.api.conftest import Resting, problem

HTML = {"accept": "text/html"}


def test_every_operation_refuses_a_parameter_that_it_does_not_describe(resting: Resting) -> None:
    schema, app = whole(resting.client.app), resting.client.app
    known: Parameters = app.state.parameters
    for path, method, operation in operations(schema):
        described = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        assert known.of(method.upper(), path) == described, (method, path)
        answer = resting.client.request(
            method,
            re.sub(r"{(\w+)}", lambda found: resting.snapshot if found[1] == "cid" else "x", path),
            params={"no-such": "1"},
            headers={"accept": "application/json"},
        )
        assert answer.status_code == 400, (method, path)
        if method != "head":
            told = problem(answer, 400, "unknown_parameter")["detail"]
            assert all(name in told for name in described), (path, told)


def test_a_wrong_name_is_said_with_the_right_ones(resting: Resting) -> None:
    told = problem(resting.client.get("/api/v1/images?limit=5&after=x"), 400, "unknown_parameter")["detail"]
    assert told.startswith("this address takes no parameter 'after': it takes contributor, cursor, ")
    assert problem(resting.client.get("/healthz?x"), 400, "unknown_parameter")["detail"].endswith("it takes none")
    problem(resting.client.post("/api/v1/images?row=all", headers=resting.writer), 400, "unknown_parameter")


@pytest.mark.parametrize("name", ["request", "x" * 5000, "<b>", "\x00", "%ff", "map.x"])
def test_a_hostile_name_is_refused_by_a_page_too(resting: Resting, name: str) -> None:
    answer = resting.client.get("/images", params={name: "1"}, headers=HTML)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>" not in re.sub(r"<b[ >]", "", answer.text.partition("<main")[2])
    assert len(answer.text) < 60_000


def test_a_page_takes_what_its_document_takes_and_links_to_it_without_its_own(resting: Resting) -> None:
    client = resting.client
    items = f"/snapshots/{resting.snapshot}/items"
    for address in ("/images?limit=5&lang=es", "/api/v1/images?limit=5", f"{items}?label=feliz&limit=2"):
        assert client.get(address, headers=HTML).status_code == 200, address
    page = client.get("/runs?status=completed&lang=es", headers=HTML)
    (link,) = re.findall(r'href="([^"]+)" type="application/json"', page.text)
    assert "status" not in link
    assert client.get(html.unescape(link), headers=HTML).headers["content-type"] == "application/json"
    assert client.get(f"{items}?label=feliz&format=json").status_code == 400


def test_links_of_pages_lead_somewhere(resting: Resting) -> None:
    """Every address with a query that some pages link to or send a form to is taken."""
    client, seen = resting.client, set[str]()
    waiting = [
        "/",
        "/images",
        "/snapshots",
        "/runs",
        "/releases",
        "/audits",
        "/register",
        "/snapshots/new",
        f"/snapshots/{resting.snapshot}",
        f"/runs/new?snapshot={resting.snapshot}",
        f"/images/{resting.images[0]}",
        f"/snapshots/{resting.snapshot}/excluded",
        "/api",
        "/verify",
        f"/snapshots/{resting.snapshot}/items",
        f"/snapshots/{resting.snapshot}/copies",
    ]
    for page in waiting:
        text = client.get(page, headers=HTML).text
        seen |= {html.unescape(one) for one in re.findall(r'href="(/[^"#]*\?[^"#]*)', text)}
        for form in re.findall(r'<form[^>]*method="get".*?</form>', text, re.DOTALL):
            action = (re.findall(r'action="([^"#]*)', form) or [page.partition("?")[0]])[0]
            seen |= {f"{action}?{name}=" for name in re.findall(r'name="([^"]+)"', form)}
    assert len(seen) > 40
    for address in sorted(seen):
        answer = client.get(address, headers=HTML, follow_redirects=False)
        assert "takes no parameter" not in html.unescape(answer.text), address


def test_every_handler_is_guarded_by_one_guard_before_its_own(resting: Resting) -> None:
    """Litestar copies the handler for each guard of each request."""
    handlers = [one for route in resting.client.app.routes for one in getattr(route, "route_handlers", ())]
    assert len(handlers) > 50
    for handler in handlers:
        first, *own = handler.resolve_guards()
        assert first.__qualname__ == "Gate.check", handler
        assert len(own) == len(handler.guards or ()), handler


@pytest.mark.parametrize("limit", ["0", "abc", "100000", ""])
@pytest.mark.parametrize("address", ["/images", "/releases", "/runs", "/snapshots"])
def test_a_wrong_limit_is_refused_by_the_page_as_by_its_document(resting: Resting, address: str, limit: str) -> None:
    for headers in (HTML, {"accept": "application/json"}):
        assert resting.client.get(f"{address}?limit={limit}", headers=headers).status_code == 400, headers
        assert resting.client.get(f"{address}?limit=7", headers=headers).status_code == 200, headers


def test_a_parameter_given_twice_is_refused(resting: Resting) -> None:
    client = resting.client
    for query in ("label=feliz&label=triste", "limit=1&limit=2", "limit=1&limit=1", "disputed=true&disputed=false"):
        for headers in (HTML, {"accept": "application/json"}):
            assert client.get(f"/images?{query}", headers=headers).status_code == 400, (query, headers)
        told = problem(client.get(f"/api/v1/images?{query}"), 400, "repeated_parameter")["detail"]
        assert query.partition("=")[0] in told
    assert client.get("/images?lang=es&lang=en", headers=HTML).status_code == 400


def test_a_list_may_be_given_as_often_as_it_has_values(resting: Resting) -> None:
    known: Parameters = resting.client.app.state.parameters
    known.check("GET", "/api/v1/releases/{cid}/report", b"claim=a&claim=b")
    known.check("GET", "/runs/compare", b"run=a&run=b")
    with pytest.raises(HttpProblem):
        known.check("GET", "/runs/compare", b"run=a&run=b&all=1&all=1")


@pytest.mark.parametrize("query", ["label=%ED%A0%80", "label=%e9", "label=\xe9", "%ff=1"])
def test_a_query_that_is_not_utf_8_is_refused(resting: Resting, query: str) -> None:
    known: Parameters = resting.client.app.state.parameters
    with pytest.raises(HttpProblem, match="not UTF-8"):
        known.check("GET", "/api/v1/images", query.encode("latin-1"))
    if query.isascii():
        assert "not UTF-8" in problem(resting.client.get(f"/api/v1/images?{query}"), 400, "bad_request")["detail"]
    assert resting.client.get("/api/v1/images?label=%C3%A9").status_code == 200


@pytest.mark.parametrize(
    "address", ["/log/nobody/checkpoint", "/log/nobody/tile/0/000", f"/witness/{'0' * 64}/checkpoint"]
)
def test_errors_of_logs_and_witnesses_are_never_pages(resting: Resting, address: str) -> None:
    answer = resting.client.get(address, headers=HTML)
    assert answer.status_code >= 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_subject_is_described_as_a_pseudonym(resting: Resting) -> None:
    schema = whole(resting.client.app)
    (told,) = (one for one in schema["paths"]["/api/v1/images"]["get"]["parameters"] if one["name"] == "subject")
    assert "pseudonym" in told["description"]
    assert "pseudonym" in str(schema["components"]["schemas"]["Query"]["properties"]["subject"])
