"""The log of writes: who, what, when and how it ended; and when a token was last used."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog import tokens
from tests.api.conftest import Client, Headers, make_token, problem
from tests.api.pages.test_signing_in import HTML, form_value, sign_in, text_of


def written(client: Client, admin: Headers, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/writes", params=query, headers=admin).json()["items"]
    return found


def test_each_write_is_noted_with_its_outcome(client: Client, home: Home) -> None:
    admin = make_token(home, "admin")
    with home.catalog.write() as db:
        identity, plain = tokens.create(db, ["images:write"], home.now(), name="lab")
    headers = {"Authorization": f"Bearer {plain}", "X-Request-ID": "batch-7"}
    answer = client.post("/api/v1/images?rows=all", json=[], headers=headers)
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "batch-7")
    assert client.post("/api/v1/images?rows=all", content=b"x", headers=headers).status_code == 415
    client.get("/api/v1/images", headers=headers)  # reading is no write
    refused, first = written(client, admin)
    assert (first["token"], first["name"], first["request"], first["status"]) == (identity, "lab", "batch-7", 200)
    assert (first["action"], first["target"]) == ("POST /api/v1/images", "/api/v1/images")
    assert first["client"] == "testclient"
    assert first["time"] <= first["ended"]
    assert refused["status"] == 415
    assert written(client, admin, token="lab", limit=1) == [refused]
    assert written(client, admin, token="lab", cursor=str(refused["id"])) == [first]
    problem(client.get("/api/v1/writes?token=nobody", headers=admin), 404, "not_found")
    problem(client.get("/api/v1/writes?cursor=x", headers=admin), 400, "usage")


def test_a_write_of_a_page_is_noted_too(client: Client, home: Home) -> None:
    admin = make_token(home, "admin")
    sign_in(client, text_of(make_token(home, "runs:write")))
    answer = client.post("/runs/nothing/cancel", data={"csrf": form_value(client, "/")}, headers=HTML)
    assert answer.status_code == 404
    (noted,) = written(client, admin)
    assert (noted["target"], noted["status"]) == ("/runs/nothing/cancel", 404)
    assert noted["action"].startswith("POST /runs/{run")


def test_who_may_not_write_leaves_no_row(client: Client, home: Home) -> None:
    admin = make_token(home, "admin")
    for headers in ({}, {"Authorization": "Bearer emn_x"}, make_token(home, "runs:write")):
        assert client.post("/api/v1/images?rows=all", json=[], headers=headers).status_code in {401, 403}
    assert written(client, admin) == []
    problem(client.get("/api/v1/writes"), 401, "token_missing")
    problem(client.get("/api/v1/writes", headers=make_token(home)), 403, "scope_missing")


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "ü", "a\tb"])
def test_a_request_id_that_is_no_word_is_replaced(client: Client, sent: str) -> None:
    answer = client.get("/healthz", headers={b"X-Request-ID": sent.encode()})
    assert len(answer.headers["x-request-id"]) == 16


def test_the_last_use_of_a_token_is_noted_without_a_writers_lock(home: Home) -> None:
    admin = make_token(home, "admin")
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        with home.catalog.write():  # somebody writes for long: reading with a token does not wait
            assert client.get("/api/v1/writes", headers=admin).status_code == 200
        client.app.state.token_uses.finish()
        with home.catalog.read() as db:
            (row,) = tokens.list_tokens(db)
        assert row["used"] is not None
