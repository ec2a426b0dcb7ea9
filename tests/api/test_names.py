"""Names over HTTP: given where a thing is made, taken wherever one is named, listed; no file's name is ever told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.workflows.names.find_image import find_image
from tests.api.conftest import Client, Headers, make_token, problem
from tests.support.forgery import simulated_release

SIMULATED = {"recipe": "simulated", "method": "simulated"}


class Served:
    """A home with one release and another run of the same snapshot, all called `faces` by requests."""

    def __init__(self, home: Home, client: Client) -> None:
        self.home, self.client = home, client
        self.writer: Headers = make_token(home)
        posted = client.post("/api/v1/snapshots", json={"name": "faces"}, headers=self.writer)
        assert posted.status_code == 201, posted.text
        self.snapshot = posted.json()
        started = client.post(
            "/api/v1/runs", json={"snapshot": "faces", "name": "faces", "seed": 7, **SIMULATED}, headers=self.writer
        )
        assert started.status_code == 202, started.text
        self.run = started.json()["run"]
        self.named_before_its_plan = client.get("/api/v1/runs/faces").json()["run"]
        home.worker().work(self.run)
        published = client.post("/api/v1/releases", json={"run": "faces", "name": "faces"}, headers=self.writer)
        assert published.status_code == 201, published.text
        self.release = published.json()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with (
        simulated_release(tmp_path_factory.mktemp("served")) as made,
        TestClient(create_app(made.home), raise_server_exceptions=False) as client,
    ):
        yield Served(made.home, client)


def test_documents_carry_the_names_by_which_they_are_found(served: Served) -> None:
    found = {noun: served.client.get(f"/api/v1/{noun}/faces").json() for noun in ("snapshots", "runs", "releases")}
    assert found["snapshots"]["snapshot"] == served.snapshot["snapshot"]
    assert found["runs"]["run"] == served.run == served.named_before_its_plan
    assert found["releases"]["release"] == served.release["release"]
    assert [one["names"] for one in found.values()] == [["faces@1"], ["faces@2"], ["faces"]]
    for noun, key in (("snapshots", "cid"), ("runs", "run"), ("releases", "cid")):
        listed = served.client.get(f"/api/v1/{noun}").json()["items"]
        names = {one[key]: one["names"] for one in listed}
        named = found[noun][noun.removesuffix("s") if key == "cid" else key]
        assert names[named] == found[noun]["names"]


def test_every_name_is_listed_with_what_it_stands_for(served: Served) -> None:
    answer = served.client.get("/api/v1/names").json()
    (item,) = answer["items"]
    assert answer["next"] is None
    assert (item["reference"], item["number"], item["target"]) == ("faces", 3, served.release["release"])
    assert (item["type"], item["withdrawn"]) == ("release", False)
    other = f"did:pkh:eip155:1:0x{'0' * 40}"
    assert served.client.get("/api/v1/names", params={"issuer": other}).json()["items"] == []


def test_the_latest_and_beginnings_are_taken_too(served: Served) -> None:
    release, snapshot = served.release["release"], served.snapshot["snapshot"]
    for text in ("latest", release[:24], f"{release[:14]}…{release[-4:]}", served.release["entry"][:24]):
        assert served.client.get(f"/api/v1/releases/{text}").json()["release"] == release
    assert served.client.get("/api/v1/runs/latest").json()["run"] == served.run
    assert served.client.get(f"/api/v1/runs/{served.run[:8]}").json()["run"] == served.run
    assert served.client.get(f"/api/v1/snapshots/{snapshot[:24]}/items").status_code == 200
    assert served.client.get("/api/v1/snapshots/faces/diff/latest").json()["items"] == []
    assert served.client.get("/api/v1/models/faces").json()["release"] == release
    assert served.client.get("/api/v1/lineage/faces").status_code == 200
    assert served.client.get("/api/v1/lookup/faces").json()["items"]
    assert served.client.get("/api/v1/anchors/faces").status_code == 200
    assert served.client.post("/api/v1/audits", json={"target": "faces", "level": 2}).json()["holds"] is True
    assert served.client.get("/api/v1/audits", params={"target": "faces"}).json()["items"] == []


def test_what_names_nothing_is_told_in_one_way(served: Served) -> None:
    problem(served.client.get("/api/v1/releases/nobody"), 404, "no_such_name")
    problem(served.client.get("/api/v1/releases/faces@1"), 422, "wrong_record_type")
    problem(served.client.get("/api/v1/snapshots/faces@9"), 404, "no_such_name")
    problem(served.client.get("/api/v1/runs/nobody"), 404, "not_found")
    problem(served.client.get("/api/v1/releases/bafyrei22"), 422, "too_short")
    problem(served.client.get(f"/api/v1/releases/bafyrei{'2' * 20}"), 404, "not_found")


@pytest.mark.parametrize("name", ["latest", "bafyreix", "Faces", "a b", "", "x" * 64, "r234abcdefghi"])
def test_what_can_be_no_name_is_refused_before_anything_is_made(served: Served, name: str) -> None:
    with served.home.catalog.read() as db:
        before = len(runs.list_runs(db)[0])
    for noun, body in (
        ("snapshots", {"query": {"label": "feliz"}}),
        ("runs", {"snapshot": "faces", **SIMULATED}),
        ("releases", {"run": "faces"}),
    ):
        answer = served.client.post(f"/api/v1/{noun}", json={**body, "name": name}, headers=served.writer)
        assert answer.status_code in (400, 422), answer.text
    with served.home.catalog.read() as db:
        assert len(runs.list_runs(db)[0]) == before
    assert len(served.client.get("/api/v1/names").json()["items"]) == 1


def test_an_image_is_found_by_its_beginning_but_never_by_its_files_name(served: Served) -> None:
    sha256 = find_image(served.home, "7.jpg", file_names=True)
    cid = served.client.get(f"/api/v1/images/{sha256}").json()["cid"]
    for text in (sha256[:12], f"{sha256[:6]}…{sha256[-4:]}", cid[:20]):
        assert served.client.get(f"/api/v1/images/{text}").json()["sha256"] == sha256
    problem(served.client.get("/api/v1/images/7.jpg"), 404, "not_found")
    for address in ("labels", "withdrawal"):
        answer = served.client.post(
            f"/api/v1/images/7.jpg/{address}",
            json={"label": "feliz"} if address == "labels" else {"reason": "r"},
            headers=served.writer,
        )
        problem(answer, 404, "not_found")
    assert "7.jpg" not in served.client.get(f"/api/v1/images/{sha256}").text
