"""Signing in with a token: a session of its own, forms that only our pages can make, ways back that stay here."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry.api.pages.base.common import own_address
from registry.api.pages.base.session import SESSION, TRIES
from registry.assembly import Home
from registry.catalog import sessions, tokens
from tests.api.conftest import Client, make_token

HTML = {"accept": "text/html"}


def form_value(client: Client, path: str = "/signin") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path, headers=HTML).text)
    assert found
    return found[1]


def sign_in(client: Client, token: str, back: str = "/", **headers: str) -> Any:
    data = {"csrf": form_value(client), "token": token, "next": back}
    return client.post("/signin", data=data, headers={**HTML, **headers}, follow_redirects=False)


def text_of(header: dict[str, str]) -> str:
    return header["Authorization"].removeprefix("Bearer ")


def test_a_token_opens_a_session_and_is_never_sent_back(client: Client, home: Home) -> None:
    token = text_of(make_token(home, "runs:write"))
    answer = sign_in(client, f" {token}\n", "/search?q=a%20b&c=d")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/search?q=a%20b&c=d"
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION))
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "secure" not in cookie.lower()  # the page came by http
    assert token not in str(answer.headers)
    page = client.get("/", headers=HTML).text
    assert 'action="/signout"' in page
    assert "You are signed in." in page
    assert "You are signed in." not in client.get("/", headers=HTML).text  # it is said once


def test_a_session_ends_with_its_token_and_by_signing_out(client: Client, home: Home) -> None:
    def is_signed_in() -> bool:
        return 'action="/signout"' in client.get("/", headers=HTML).text

    with home.catalog.write() as db:
        identity, token = tokens.create(db, ["admin"], home.now())
    sign_in(client, token)
    assert is_signed_in()
    secret = str(client.cookies[SESSION])
    with home.catalog.read() as db:
        assert sessions.find(db, secret, "9999-01-01T00:00:00Z") is None  # it expires by itself
    client.post("/signout", data={"csrf": form_value(client, "/")}, headers=HTML)
    assert not is_signed_in()
    client.cookies.set(SESSION, secret)
    assert not is_signed_in()
    client.cookies.clear()
    sign_in(client, token)
    with home.catalog.write() as db:
        tokens.revoke(db, identity, home.now())
    assert not is_signed_in()


def test_a_wrong_token_is_said_and_too_many_wait(client: Client, home: Home) -> None:
    for _ in range(TRIES):
        answer = sign_in(client, "emn_wrong")
        assert answer.status_code == 401
        assert "unknown, expired or revoked" in answer.text
    answer = sign_in(client, text_of(make_token(home)))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_form_that_is_not_ours_does_nothing(client: Client, home: Home) -> None:
    token = text_of(make_token(home))
    value = form_value(client)
    foreign = (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    )
    for headers in foreign:
        answer = client.post("/signin", data={"csrf": value, "token": token}, headers={**HTML, **headers})
        assert answer.status_code == 403, headers
    for wrong in ("", "0" * 64, value[:-1]):
        assert client.post("/signin", data={"csrf": wrong, "token": token}, headers=HTML).status_code == 403
    assert client.post("/signin", json={"csrf": value, "token": token}, headers=HTML).status_code == 415
    client.cookies.clear()  # another browser's value
    assert client.post("/signin", data={"csrf": value, "token": token}, headers=HTML).status_code == 403
    assert SESSION not in client.cookies


def test_a_form_that_is_too_large_is_refused(client: Client) -> None:
    data = {"csrf": form_value(client), "token": "x" * 20_000}
    assert client.post("/signin", data=data, headers=HTML).status_code == 413


@pytest.mark.parametrize(
    ("given", "led"),
    [
        ("/runs/x?a=b", "/runs/x?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("///evil.example", "/"),
        ("", "/"),
        ("runs", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/ñ", "/%C3%B1"),
    ],
)
def test_the_way_back_stays_here(given: str, led: str) -> None:
    assert own_address(given) == led


def test_the_way_back_of_a_sign_in_stays_here(client: Client, home: Home) -> None:
    answer = sign_in(client, text_of(make_token(home)), "//evil.example/x")
    assert answer.headers["location"] == "/"


def test_a_cookie_that_was_made_up_is_nobody(client: Client) -> None:
    for made_up in ("x", "x" * 5000, "%00"):
        client.cookies.set(SESSION, made_up)
        client.cookies.set("emotionet_said", made_up)
        page = client.get("/", headers=HTML)
        assert page.status_code == 200
        assert 'action="/signout"' not in page.text
    client.cookies.clear()


def test_who_is_not_signed_in_is_led_there_and_back(client: Client, home: Home) -> None:
    html = {**HTML, "referer": "http://testserver.local/runs/new?snapshot=x"}
    answer = client.post("/runs/r/cancel", data={"csrf": "x"}, headers=html, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=%2Fruns%2Fnew%3Fsnapshot%3Dx"
    program = client.post("/runs/r/cancel", data={"csrf": "x"}, headers={"accept": "*/*"})
    assert (program.status_code, program.json()["code"]) == (401, "token_missing")
    sign_in(client, text_of(make_token(home, "images:write")))
    answer = client.post("/runs/r/cancel", data={"csrf": form_value(client, "/")}, headers=HTML)
    assert answer.status_code == 403
    assert "runs:write" in answer.text


def test_a_session_is_no_token_of_the_api(client: Client, home: Home) -> None:
    sign_in(client, text_of(make_token(home)))
    answer = client.post("/api/v1/snapshots", json={})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
