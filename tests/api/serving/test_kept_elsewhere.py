"""Answers that one process keeps are never older than what another has written, on both databases."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.marks import Watch
from registry.settings import read_settings
from registry.workflows.withdrawals.withdraw import withdraw
from tests.api.conftest import Headers, fill, make_token, picture, register, send
from tests.api.serving.test_processes import until

RAW = {"Accept": "application/vnd.ipld.raw"}


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "postgres":
        monkeypatch.setenv("EMOTIONET_DATABASE_URL", request.getfixturevalue("postgres_database"))


@pytest.fixture
def two(settings: None) -> Iterator[tuple[Home, Home]]:
    """One home as two processes have it: nothing in memory is shared."""
    opened = open_home(read_settings()), open_home(read_settings())
    opened[0].catalog.upgrade()
    yield opened
    for one in opened:
        one.close()


def test_a_mark_changes_with_what_another_process_writes(two: tuple[Home, Home]) -> None:
    here, there = two
    watch = Watch(there.catalog)
    with TestClient(create_app(here), raise_server_exceptions=False) as client:
        token = make_token(here)
        (first, second, *_) = fill(client, token, 4)
        before = watch.marks()
        assert watch.known() == before
        withdraw(here, str(first), "taken back")
        assert watch.known() in (None, watch.marks())
        after = watch.marks()
        assert after.withheld != before.withheld
        assert after.records != before.records
        assert after.said != before.said
        rows = [{"cid": str(second), "label": "feliz", "contributor": "ben"}]
        assert register(client, token, rows)["registered"] == 1
        client.post("/api/v1/snapshots", json={}, headers=token)
        assert watch.marks().records != after.records
        assert watch.marks().withheld == after.withheld
    watch.close()


class Served(NamedTuple):
    """A server of two processes."""

    address: str
    token: Headers

    def get(self, path: str, headers: Headers | None = None) -> httpx.Response:
        """Over a connection of its own, so that either process may answer."""
        return httpx.get(f"{self.address}{path}", headers=headers, timeout=60)

    def post(self, path: str, body: object) -> httpx.Response:
        """As it is written."""
        return httpx.post(f"{self.address}{path}", json=body, headers=self.token, timeout=60)


@pytest.fixture
def served(settings: None) -> Iterator[Served]:
    home = open_home(read_settings())
    token = make_token(home)
    home.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(port), "--processes", "2"]
    with subprocess.Popen([*command, "--no-worker"], env=dict(os.environ)) as server:
        found = Served(f"http://127.0.0.1:{port}", token)
        until(lambda: found.get("/healthz").status_code == 200, "an answer")
        yield found
        server.terminate()
        server.wait(60)


def test_no_process_gives_what_another_made_old(served: Served) -> None:
    with httpx.Client(base_url=served.address, timeout=60) as client:
        cids = fill(client, served.token, 8)
    for cid in cids[:3]:
        for _ in range(8):  # so that both have it
            assert served.get(f"/ipfs/{cid}", RAW).status_code == 200
        assert served.post(f"/api/v1/images/{cid}/withdrawal", {"reason": "taken back"}).status_code in (200, 201)
        assert {served.get(f"/ipfs/{cid}", RAW).status_code for _ in range(8)} == {410}
    names = [
        served.post("/api/v1/snapshots", {"name": "faces", "query": one}).json()["snapshot"]
        for one in ({}, {"label": "triste"})
    ]
    for _ in range(2):
        for target in names:
            assert served.post("/api/v1/names", {"name": "faces", "target": target}).status_code == 200
            found = [served.get("/api/v1/lineage/faces").json() for _ in range(8)]
            assert all(target in {node["cid"] for node in one["nodes"]} for one in found)
    image = str(cids[4])
    for number in range(3):
        told = [len(served.get(f"/api/v1/lineage/{image}").json()["edges"]) for _ in range(6)]
        rows = [{"cid": image, "label": "feliz", "contributor": f"person {number}"}]
        assert served.post("/api/v1/images", rows).json()["registered"] == 1
        assert {len(served.get(f"/api/v1/lineage/{image}").json()["edges"]) for _ in range(6)} == {told[0] + 1}


def test_what_was_just_registered_is_served_by_every_process(served: Served) -> None:
    with httpx.Client(base_url=served.address, timeout=60) as client:
        for number in range(3):
            (cid,) = send(client, served.token, [picture(100 + number)])
            assert {served.get(f"/ipfs/{cid}", RAW).status_code for _ in range(4)} <= {200, 404}
            register(client, served.token, [{"cid": str(cid), "label": "feliz", "contributor": "anna"}])
            assert {served.get(f"/ipfs/{cid}", RAW).status_code for _ in range(8)} == {200}
