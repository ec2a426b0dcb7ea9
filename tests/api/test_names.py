"""Names over HTTP: given where a thing is made, taken wherever one is named, listed; no file's name is ever told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core.ipld.cid import CID
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.names.find_image import find_image
from registry.workflows.names.profile import profile_of, set_profile
from registry.workflows.names.resolve import resolve
from registry.workflows.names.set_name import set_name
from registry.workflows.releases.publish_release import show_release
from registry.workflows.store.export_held import export_held
from tests.api.conftest import Client, Headers, make_token, problem
from tests.support.forgery import opened_home, simulated_release

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


def test_what_another_issuer_calls_so_has_addresses(served: Served) -> None:
    get, issuer = served.client.get, served.home.key.did
    address = issuer.rpartition(":")[2]
    for whose in (address, issuer, f"{address}%2F".removesuffix("%2F")):
        assert get(f"/api/v1/releases/{whose}/faces").json()["release"] == served.release["release"]
    assert get(f"/api/v1/releases/{address}%2Ffaces@3").json()["release"] == served.release["release"]
    assert get(f"/api/v1/snapshots/{address}/faces/items").status_code == 200
    assert get(f"/api/v1/snapshots/{address}/faces/diff/latest").json()["items"] == []
    assert get(f"/api/v1/runs/{address}/faces").json()["run"] == served.run
    assert get(f"/api/v1/lineage/{address}/faces").status_code == 200
    for page in (
        *(f"/releases/{address}/faces", f"/releases/{address}/faces/images", f"/lineage/{address}/faces"),
        *(f"/snapshots/{address}/faces", f"/runs/{address}/faces", f"/releases/faces/compare/{address}/faces"),
    ):
        answer = get(page, headers={"Accept": "text/html"})
        assert answer.status_code == (404 if "compare" in page else 200), (page, answer.text[:2000])
    problem(get(f"/api/v1/releases/{address}/nobody"), 404, "no_such_name")
    problem(get(f"/api/v1/releases/0x{'0' * 40}/faces"), 404, "no_such_name")


def test_a_name_is_moved_by_who_may_publish(served: Served) -> None:
    post, snapshot = served.client.post, served.snapshot["snapshot"]
    body = {"name": "pictures", "target": snapshot}
    problem(post("/api/v1/names", json=body), 401, "token_missing")
    narrow = make_token(served.home, "snapshots:write")
    problem(post("/api/v1/names", json=body, headers=narrow), 403, "scope_missing")
    first, again = (post("/api/v1/names", json=body, headers=served.writer).json() for _ in range(2))
    assert (first["reference"], first["number"], first["moved"], again["moved"]) == ("pictures", 1, True, False)
    moved = post("/api/v1/names", json={"name": "pictures", "target": served.run}, headers=served.writer).json()
    assert (moved["number"], moved["type"]) == (2, "plan")
    assert served.client.get("/api/v1/snapshots/pictures@1").json()["snapshot"] == snapshot
    problem(post("/api/v1/names", json={**body, "target": "nobody"}, headers=served.writer), 404, "no_such_name")
    problem(post("/api/v1/names", json={**body, "name": "latest"}, headers=served.writer), 422, "bad_name")


def test_names_and_profile_travel_with_a_releases_file(served: Served, tmp_path: Path) -> None:
    set_profile(served.home, served.home.key, name="Example Lab")
    path, release = tmp_path / "faces.car", CID.parse(served.release["release"])
    served.client.post("/api/v1/names", json={"name": "old", "target": str(release)}, headers=served.writer)
    served.client.post("/api/v1/names", json={"name": "old", "target": served.run}, headers=served.writer)
    set_name(served.home, served.home.key, "people", release)
    export_held(served.home, release, path)
    assert audit_car(path).holds
    address = served.home.key.did.rpartition(":")[2]
    with opened_home(tmp_path / "other") as home:
        import_source(home, str(path))
        assert show_release(home, release)["names"] == [f"{address}/faces", f"{address}/people"]
        assert resolve(home, f"{address}/people") == release
        said = profile_of(home, served.home.key.did)
        assert said is not None
        assert said["name"] == "Example Lab"
        assert audit_target(home, str(release)).holds
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            page = client.get(f"/releases/{address}/people", headers={"Accept": "text/html"}).text
            lineage = client.get(f"/lineage/{release}", headers={"Accept": "text/html"}).text
        assert "Example Lab" in page
        assert "Example Lab" in lineage


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
    known = len(served.client.get("/api/v1/names").json()["items"])
    for noun, body in (
        ("snapshots", {"query": {"label": "feliz"}}),
        ("runs", {"snapshot": "faces", **SIMULATED}),
        ("releases", {"run": "faces"}),
    ):
        answer = served.client.post(f"/api/v1/{noun}", json={**body, "name": name}, headers=served.writer)
        assert answer.status_code in (400, 422), answer.text
    with served.home.catalog.read() as db:
        assert len(runs.list_runs(db)[0]) == before
    assert len(served.client.get("/api/v1/names").json()["items"]) == known


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
