"""Over HTTP: what was taken back counts nowhere, and a token takes back no more than it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.tokens import create
from registry.settings import read_settings
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.api.conftest import Client, Headers, make_token, picture, problem, register, send


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    place = {"EMOTIONET_HOME": str(tmp_path / "home")}
    if request.param == "postgresql":
        place["EMOTIONET_DATABASE_URL"] = request.getfixturevalue("postgres_database")
    opened = open_home(read_settings(place))
    yield opened
    opened.close()


@pytest.fixture
def client(home: Home) -> Iterator[Client]:
    with TestClient(create_app(home)) as asked:
        yield asked


@pytest.fixture
def writer(home: Home) -> Headers:
    return make_token(home)


def asked(client: Client, image: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/images/{image}").json()
    return found


def test_others_decide_alone_everywhere(home: Home, client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(0)])
    said = {"p1": "feliz", "p2": "feliz", "z1": "triste"}
    register(client, writer, [{"cid": str(cid), "label": label, "contributor": who} for who, label in said.items()])
    image = asked(client, str(cid))["sha256"]
    earlier = client.post("/api/v1/snapshots", json={"images": [image]}, headers=writer).json()["snapshot"]
    for body in ({"target": image, "contributor": "p1"}, {"contributor": "p2"}):
        answer = client.post("/api/v1/withdrawals", json={**body, "reason": "asked"}, headers=writer)
        assert answer.status_code == 201, answer.text

    def check() -> None:
        found = asked(client, image)
        assert (found["label"], found["labels"], found["labellers"]) == ("triste", {"triste": 1}, 1)
        assert {one["contributor"]: one["current"] for one in found["history"]} == {
            "p1": False,
            "p2": False,
            "z1": True,
        }
        assert sum(one["withdrawn"] is not None for one in found["history"]) == 2
        assert client.get("/api/v1/images?disputed=true").json()["items"] == []
        assert client.get("/api/v1/images?contributor=p1").json()["items"] == []
        page = client.get(f"/images/{image}", headers={"Accept": "text/html"}).text
        assert page.count("counts now") == 1
        assert page.count("withdrawn by") == 2
        assert "<h1><bdi>triste" in page

    check()
    later = client.post("/api/v1/snapshots", json={"images": [image]}, headers=writer).json()
    for snapshot in (earlier, later["snapshot"]):
        assert client.get(f"/api/v1/snapshots/{snapshot}").json()["agreement"] is None  # one person is left
    assert later["agreement"] is None
    rebuild_catalog(home)
    check()
    row = {"cid": str(cid), "label": "enojado", "contributor": "p2"}
    done = client.post("/api/v1/images?rows=all", json=[row], headers=writer).json()
    assert "counts nowhere" in done["results"][0]["note"]
    body = {"label": "feliz", "contributor": "p2"}
    again = client.post(f"/api/v1/images/{image}/labels", json=body, headers=writer).json()
    assert "counts nowhere" in again["note"]
    check_label = asked(client, image)
    assert check_label["labels"] == {"triste": 1}


def test_a_token_of_one_contributor_takes_back_what_that_one_said(home: Home, client: Client, writer: Headers) -> None:
    mine, both = send(client, writer, [picture(0), picture(1)])
    rows = [(mine, "bob"), (both, "bob"), (both, "alice")]
    register(client, writer, [{"cid": str(cid), "label": "feliz", "contributor": who} for cid, who in rows])
    scopes = ["images:write", "withdrawals:write", "snapshots:write"]
    with home.catalog.write() as db:
        _, token = create(db, scopes, name="bobs", contributor="bob", now=home.now())
    bob = {"Authorization": f"Bearer {token}"}
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    refused: list[dict[str, Any]] = [
        {"contributor": "alice"},
        {"target": str(both), "contributor": "alice"},
        {"target": str(both)},
        {"target": snapshot},
    ]
    for body in refused:
        answer = client.post("/api/v1/withdrawals", json={**body, "reason": "x", "dry_run": True}, headers=bob)
        problem(answer, 403, "contributor_not_yours")
    problem(
        client.post(f"/api/v1/images/{both}/withdrawal", json={"reason": "x"}, headers=bob),
        403,
        "contributor_not_yours",
    )
    for allowed in ({"target": str(both), "contributor": "bob"}, {"target": str(mine)}):
        answer = client.post("/api/v1/withdrawals", json={**allowed, "reason": "x"}, headers=bob)
        assert answer.status_code == 201, answer.text
    assert asked(client, str(both))["contributors"] == ["alice"]
    assert asked(client, str(mine))["status"] == "withdrawn"
