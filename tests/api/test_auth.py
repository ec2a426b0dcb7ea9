"""Tokens: who may write, and that no token is ever seen again."""

from __future__ import annotations

import logging

import pytest

from registry.assembly import Home
from registry.catalog import tokens
from tests.api.conftest import Client, Headers, Resting, make_token, problem

WRITING = [
    ("/api/v1/blocks", "images:write"),
    ("/api/v1/blocks/missing", "images:write"),
    ("/api/v1/images", "images:write"),
    ("/api/v1/images/x/labels", "images:write"),
    ("/api/v1/images/x/withdrawal", "withdrawals:write"),
    ("/api/v1/snapshots", "snapshots:write"),
    ("/api/v1/runs", "runs:write"),
    ("/api/v1/runs/x/cancel", "runs:write"),
    ("/api/v1/runs/x/resume", "runs:write"),
    ("/api/v1/releases", "releases:write"),
]


@pytest.mark.parametrize(("path", "scope"), WRITING)
def test_writing_needs_the_scope(resting: Resting, path: str, scope: str) -> None:
    client, home = resting.client, resting.home
    answer = client.post(path)
    problem(answer, 401, "token_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    others = [other for other in tokens.SCOPES if other not in {scope, "admin"}]
    found = problem(client.post(path, headers=make_token(home, *others)), 403, "scope_missing")
    assert scope in found["detail"]
    assert all(one in found["hint"] for one in (scope, *others))
    for headers in (make_token(home, scope), make_token(home, "admin")):
        assert client.post(path, headers=headers).status_code not in {401, 403}


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer emn_nothing", "Bearer " + "x" * 5000, "Bearer \xe4\xf6", "emn_x"],
)
def test_what_is_no_token_is_refused(resting: Resting, value: str) -> None:
    answer = resting.client.post("/api/v1/snapshots", headers={b"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["code"] in {"token_missing", "token_invalid"}
    assert "emn_" not in answer.text


def test_an_expired_and_a_revoked_token(client: Client, home: Home) -> None:
    old = make_token(home, "admin", expires="2020-01-01T00:00:00Z")
    problem(client.post("/api/v1/snapshots", headers=old), 401, "token_invalid")
    headers = make_token(home, "admin")
    assert client.post("/api/v1/snapshots", headers=headers).status_code == 415
    with home.catalog.write() as db:
        for token in tokens.list_tokens(db):
            tokens.revoke(db, token["id"], home.now())
    problem(client.post("/api/v1/snapshots", headers=headers), 401, "token_invalid")


def test_a_token_is_checked_before_the_body_is_read(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(1 << 40)}
    problem(client.post("/api/v1/images?rows=all", content=b"", headers=headers), 401, "token_missing")


def test_reading_needs_none(client: Client) -> None:
    for path in ("images", "snapshots", "runs", "releases"):
        assert client.get(f"/api/v1/{path}").json() == {"items": [], "next": None}


def test_no_token_is_logged_or_answered(client: Client, writer: Headers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    plain = writer["Authorization"].removeprefix("Bearer ")
    for path, _ in WRITING:
        answer = client.post(path, headers=writer)
        assert plain not in answer.text
        assert plain not in str(answer.headers)
    assert plain not in caplog.text
