"""One address, two answers: a page for who asks for one, the API's document for everybody else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry.api.pages.base.negotiate import wants_page, weight
from tests.api.conftest import Client, Resting, problem

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
def client(resting: Resting) -> Client:
    return resting.client


def get(client: Client, path: str, accept: str | None = BROWSER, **headers: str) -> Any:
    named = {"accept": accept} if accept is not None else {}
    return client.get(path, headers={**named, **headers}, follow_redirects=False)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("application/xhtml+xml", True),
        ("text/html;q=0.5, application/json;q=0.5", True),
        ("text/html;q=0.4, application/json;q=0.5", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=high", False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_who_names_html_gets_a_page(accept: str, expected: bool) -> None:
    assert wants_page(accept) is expected


def test_a_weight_outside_its_range_is_brought_into_it() -> None:
    assert weight("text/html;q=7", "text/html") == 1.0
    assert weight("text/html;q=-1", "text/html") == 0.0
    assert weight("text/html;q=nan", "text/html") == 0.0


def test_an_address_answers_both_ways_and_says_so(client: Client) -> None:
    page = get(client, "/search?q=feliz")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vary"] == "Accept"
    for accept in ("*/*", "application/json", ""):
        document = get(client, "/search?q=feliz", accept)
        assert document.json()["words"][0]["id"] == "feliz", accept
        assert document.headers["vary"] == "Accept"
    assert get(client, "/api/v1/search?q=feliz").headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/search?q=feliz&format=json", "/api/v1/search?format=json&q=feliz"):
        assert get(client, path).json()["query"] == "feliz", path


def test_the_description_says_where_a_page_is_answered(client: Client) -> None:
    paths = get(client, "/schema", "application/json").json()["paths"]
    told = {path: set(one["get"]["responses"]["200"].get("content", ())) for path, one in paths.items() if "get" in one}
    assert {"text/html", "application/json"} <= told["/api/v1/images/{identity}"]
    assert "text/html" not in told["/api/v1/plans"] | told["/healthz"]
    for path in ("/api/v1/images", "/api/v1/plans", "/api/v1/audits", "/api/v1/names", "/api/v1/runs"):
        kind = get(client, path).headers["content-type"].partition(";")[0]
        assert kind == ("text/html" if "text/html" in told[path] else "application/json"), path


def test_an_address_without_a_page_answers_as_before(client: Client) -> None:
    assert get(client, "/api/v1/plans").json() == {"items": [], "next": None}
    assert get(client, "/healthz").json() == {"ok": True}


def test_head_gives_the_pages_headers_alone(client: Client) -> None:
    answer = client.head("/", headers={"accept": BROWSER})
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_errors_are_pages_for_people_and_problems_for_programs(client: Client) -> None:
    for path, status in (("/nothing/bafynothing", 404), ("/releases/bafynothing", 400)):
        page = get(client, path, **{"accept-language": "es"})
        assert page.status_code == status
        assert '<html lang="es">' in page.text
        assert 'value="bafynothing"' in page.text  # which the search is offered for
        assert page.headers["cache-control"] == "no-store"
    assert 'type="search"' not in get(client, "/images?limit=many").text
    problem(get(client, "/nothing", "*/*"), 404, "no_such_resource")
    problem(get(client, "/nothing?format=json"), 404, "no_such_resource")
    problem(get(client, "/ipfs/x"), 406, "not_acceptable")  # an address made for machines


def test_an_error_page_keeps_what_was_typed_as_it_is_and_leads_to_a_page(client: Client) -> None:
    page = get(client, "/images/by", "text/html").text
    assert '<p lang="en">by is not an image of this catalog</p>' in page
    assert '<a href="/images">See all that are here</a>' in page
    assert "`emotionet" not in page
    assert 'class="sentence"' in get(client, "/runs/none", "text/html").text  # "there is no run"


def test_a_spanish_error_page_says_it_in_spanish_and_what_programs_get_is_a_detail(client: Client) -> None:
    for path, said in (
        ("/runs/nosuch", "En este registro no hay ningún entrenamiento «nosuch»."),
        ("/images/n3.png", "En este registro no hay ninguna imagen «n3.png»."),
        ("/images?nosuch=1", "La dirección lleva un parámetro que esta página no admite."),
        (f"/lineage/{'ab' * 32}", "La dirección "),
        ("/releases/bafynothing", "La dirección no contiene un CID válido."),
    ):
        page = get(client, path, "text/html", **{"accept-language": "es"}).text
        assert f"<p>{said}" in page, path
        plain = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
        assert 'lang="en"' not in re.sub(
            r"<nav.*?</nav>|<header.*?</header>|<footer.*?</footer>", "", plain, flags=re.S
        )
        assert '<div lang="en"><p' in page
        assert "<details" not in get(client, path, "text/html").text


def test_what_was_looked_for_is_what_the_error_speaks_of(client: Client) -> None:
    for path, wanted in (
        ("/snapshots/diff?a=nobody&b=team", "nobody"),
        ("/snapshots/nobody/items", "nobody"),
        ("/runs/nobody/dropped", "nobody"),
        ("/nothing/here", "here"),
    ):
        page = get(client, path).text
        assert f'value="{wanted}"' in page, (path, page)
    assert 'role="search"' not in get(client, "/runs/compare?run=a").text  # "choose 2 to 10 runs to compare"


def test_an_address_of_a_form_says_that_it_takes_what_a_form_sends(client: Client) -> None:
    page = get(client, "/register/x/files")
    assert (page.status_code, "takes what a form sends" in page.text) == (405, True)
    assert "solo para leer" not in get(client, "/register/x/files", **{"accept-language": "es"}).text


def test_what_was_looked_for_is_only_text(client: Client) -> None:
    page = get(client, "/x/%3Cscript%3Ealert(1)%3C%2Fscript%3E%22onfocus=%22")
    assert "<script>alert" not in page.text
    assert 'onfocus="' not in page.text


def test_pages_carry_their_headers(client: Client) -> None:
    for path in ("/", "/signin", "/nothing"):
        headers = get(client, path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-store" if path == "/nothing" else "private, no-cache")
    assert "sandbox" in get(client, "/api/v1/plans").headers["content-security-policy"]


def test_the_language_is_the_readers(client: Client) -> None:
    client.cookies.clear()

    def language(path: str, accepted: str) -> str:
        text = get(client, path, **{"accept-language": accepted}).text
        return str(text.split('<html lang="')[1][:2])

    assert language("/", "") == "en"
    assert language("/", "fr, es-MX;q=0.8, en;q=0.5") == "es"
    assert language("/", "en;q=0.9, es;q=x") == "en"
    assert language("/", "es, en;q=99") == "es"  # no weight is above 1
    assert language("/", "es;q=nan, en;q=0.1") == "en"
    assert language("/", "es;q=0") == "en"  # which says that it is not wanted
    assert language("/?lang=es", "en") == "es"
    assert language("/", "en") == "es"  # what was chosen is remembered
    assert language("/?lang=klingon", "en") == "es"
    client.cookies.clear()


def test_files_of_pages_may_be_kept_for_ever_only_by_their_version(client: Client) -> None:
    page = get(client, "/").text
    sheet = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(sheet)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    old = client.get("/static/0123/site.css")
    assert old.headers["cache-control"] == "no-cache"
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    for path in ("/static/x/..%2f..%2fwords%2fsite.toml", "/static/x/site.toml", "/static/x/%2e%2e"):
        assert client.get(path).status_code == 404, path
