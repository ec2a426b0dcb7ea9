"""POST /images by reference: 202, what waits is shown with its reason, snapshots and trainings know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.schema import derived, operational
from registry.client import Registry, labeled
from registry.content.sources import gateway as gateways
from registry.content.sources.hosts import Patience
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.references import refer_staged
from tests.api.conftest import Client, Headers, fill, make_token, picture, problem, served
from tests.support.processes.gateway import Gateway, serving

QUICK = Patience(connect=1.0, read=0.5, block=1.5, hedge=0.15)


class Far:
    """A registry that knows one gateway."""

    def __init__(self, home: Home, client: Client, gateway: Gateway, blocks: MemoryStore) -> None:
        self.home, self.client, self.gateway, self.blocks = home, client, gateway, blocks
        self.writer = make_token(home)

    def add(self, data: bytes) -> CID:
        return importer.add_bytes(self.blocks, data).cid

    def post(self, rows: list[dict[str, Any]], **headers: str) -> tuple[int, dict[str, Any]]:
        answer = self.client.post("/api/v1/images", json=rows, headers={**self.writer, **headers})
        return answer.status_code, answer.json()

    def work(self) -> None:
        """All jobs that are due now."""
        jobs = operational.jobs.c

        def idle() -> bool:
            due = sa.or_(jobs.state == "running", (jobs.state == "queued") & jobs.not_before.is_(None))
            with self.home.catalog.read() as db:
                return not db.scalar(sa.select(sa.func.count()).where(due))

        self.home.worker().work(idle=idle)


@pytest.fixture
def far(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    monkeypatch.setattr(gateways, "Patience", lambda: QUICK)
    monkeypatch.setattr(gateways, "PAUSES", (0.01, 0.01))
    blocks = MemoryStore()
    with serving(Gateway(blocks)) as gateway:
        home = open_home(read_settings({**environment, "EMOTIONET_GATEWAYS": gateway.url}))
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            yield Far(home, client, gateway, blocks)
        home.source.close()  # type: ignore[union-attr]
        home.close()


def test_rows_wait_until_their_images_came(far: Far) -> None:
    here, there = fill(far.client, far.writer, 4)[0], far.add(picture(70, 2_000_000))
    folder = importer.add_directory(far.blocks, {"a.jpg": (there, 2_000_000)}).cid
    rows: list[dict[str, Any]] = [
        {"cid": str(here), "label": "feliz", "contributor": "bert"},
        {"cid": str(there), "label": "feliz", "contributor": "bert", "boxes": [[1, 2, 3, 4]], "licence": "CC0"},
        {"cid": str(there), "label": "feliz", "contributor": "bert", "boxes": [[5, 6, 7, 8]]},
        {"cid": str(folder), "label": "feliz"},
        {"cid": str(there), "label": "a", "contributor": "carl"},
        {"cid": str(there), "label": "b", "contributor": "carl"},
        {"cid": "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", "label": "feliz"},
    ]
    key = {"Idempotency-Key": "once"}
    status, done = far.post(rows, **key)
    assert status == 202
    assert [(one["row"], one["status"], one["code"]) for one in done["results"]] == [
        (2, "referenced", None),
        (3, "referenced", None),
        (4, "referenced", None),
        (5, "rejected", "contradicting_labels"),
        (6, "rejected", "contradicting_labels"),
        (7, "rejected", "not_held"),
    ]
    assert (done["registered"], done["referenced"], done["rejected"]) == (1, 3, 3)
    assert far.post(rows, **key) == (202, done)
    shown = far.client.get(f"/api/v1/images/{there}").json()
    assert (shown["status"], shown["reference"]["state"], shown["sha256"]) == ("referenced", "waiting", None)
    metrics = far.client.get("/metrics").text
    assert 'emotionet_references{code="",state="waiting"} 2.0' in metrics
    far.work()
    shown = far.client.get(f"/api/v1/images/{there}").json()
    assert (shown["status"], shown["labels"], shown["licence"]) == ("stored", {"feliz": 1}, "CC0")
    assert shown["history"][0]["boxes"] == [[100, 200, 300, 400], [500, 600, 700, 800]]
    assert far.client.get(f"/ipfs/{there}?format=raw").status_code == 200
    shown = far.client.get(f"/api/v1/images/{folder}").json()
    assert (shown["reference"]["state"], shown["reference"]["code"]) == ("given_up", "is_directory")
    listed = far.client.get("/api/v1/references?state=given_up").json()["items"]
    assert [(one["cid"], one["reason"]) for one in listed] == [(str(folder), "it is a directory, not a file")]
    assert 'emotionet_references{code="is_directory",state="given_up"} 1.0' in far.client.get("/metrics").text
    page = far.client.get(f"/images/{folder}", headers={"Accept": "text/html"})
    assert (page.status_code, "it is a directory" in page.text) == (200, True)
    answer = far.client.post(f"/api/v1/images/{folder}/withdrawal", json={"reason": "mine"}, headers=far.writer)
    assert answer.status_code == 201
    problem(far.client.get(f"/api/v1/images/{folder}"), 404, "not_found")
    again = far.post([{"cid": str(there), "label": "feliz", "contributor": "bert"}])
    assert again[0] == 200


def test_what_is_private_waits_like_what_is_not_here(far: Far, tmp_path: Any) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "notes.txt").write_text("secret")
    (private / "kept.jpg").write_bytes(picture(6))
    (private / "labels.csv").write_text("file,label\nkept.jpg,feliz\n")
    root = import_source(far.home, str(private))["root"]
    table = importer.add_bytes(MemoryStore(), b"file,label\nkept.jpg,feliz\n").cid
    absent = importer.add_bytes(MemoryStore(), b"absent").cid
    assert far.home.store.has(table)
    other = importer.add_directory(MemoryStore(), {}).cid
    status, done = far.post([{"cid": str(one), "label": "feliz"} for one in (root, table, absent, other)])
    assert (status, {one["status"] for one in done["results"]}) == (202, {"referenced"})
    far.work()
    told = [far.client.get(f"/api/v1/images/{one}").json()["reference"] for one in (root, table, absent, other)]
    assert [(one["state"], one["code"], one["attempts"]) for one in told] == [("waiting", "not_found", 1)] * 4


def test_so_many_wait_and_no_more(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refer_staged, "MAX_WAITING", 1)
    assert far.post([{"cid": str(far.add(picture(1))), "label": "feliz"}])[1]["referenced"] == 1
    status, done = far.post([{"cid": str(far.add(picture(2))), "label": "feliz"}])
    assert (status, done["results"][0]["code"]) == (200, "too_many_waiting")


def test_snapshots_take_what_is_only_referenced_when_told_and_a_training_names_it(far: Far) -> None:
    cids = fill(far.client, far.writer, 8)
    lost = cids[0]
    with far.home.catalog.write() as db:
        db.execute(derived.images.update().where(derived.images.c.sha256 == lost.digest.hex()).values(stored=False))
    held = far.home.store.has

    def has(cid: CID) -> bool:
        return cid != lost and held(cid)

    def missing(cids: Sequence[CID]) -> list[CID]:
        return [cid for cid in cids if not has(cid)]

    far.home.store.has = has  # type: ignore[method-assign]
    far.home.store.missing = missing  # type: ignore[attr-defined]
    assert far.client.get(f"/api/v1/images/{lost}").json()["status"] == "referenced"
    plain = far.client.post("/api/v1/snapshots", json={}, headers=far.writer).json()
    assert (plain["count"], plain["excluded"]) == (7, {"no_bytes": 1})
    told = far.client.post("/api/v1/snapshots", json={"include_referenced": True}, headers=far.writer).json()
    assert (told["count"], told["excluded"]) == (8, {})
    wanted = {"snapshot": told["snapshot"], "recipe": "simulated", "method": "simulated"}
    answer = far.client.post("/api/v1/runs", json=wanted, headers=far.writer)
    assert str(lost) in problem(answer, 422, "images_not_held")["detail"]


def test_the_client_counts_what_waits(far: Far) -> None:
    cid = far.add(picture(1))
    with (
        served(far.home) as address,
        Registry(address, far.writer["Authorization"].removeprefix("Bearer ")) as registry,
    ):
        sent = registry.register([labeled(cid, "feliz")])
        assert (sent.referenced, sent.registered, sent.answers[0].status) == (1, 0, "referenced")
        far.work()
        assert registry.image(str(cid)).status == "stored"
        assert registry.register([labeled(cid, "feliz")]).unchanged == 1


def test_where_no_gateway_is_known_a_row_without_bytes_is_rejected(client: Client, writer: Headers) -> None:
    cid = importer.add_bytes(MemoryStore(), picture(1)).cid
    answer = client.post("/api/v1/images", json=[{"cid": str(cid), "label": "feliz"}], headers=writer)
    assert (answer.status_code, answer.json()["results"][0]["code"]) == (200, "not_held")
