"""Runs over HTTP: queued, followed, cancelled, resumed; nothing of this machine is named by a request."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from registry.api.v1 import runs as addresses
from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core.ipld.cid import DAG_CBOR, DAG_PB, cid_of
from tests.api.conftest import Client, Headers, Resting, fill, problem


@pytest.fixture
def snapshot(client: Client, writer: Headers) -> str:
    fill(client, writer, 12)
    return str(client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"])


def start(client: Client, headers: Headers, snapshot: str, **wanted: Any) -> Any:
    body = {"snapshot": snapshot, "recipe": "simulated", "method": "simulated", **wanted}
    return client.post("/api/v1/runs", json=body, headers=headers)


def queued(client: Client, headers: Headers, snapshot: str) -> str:
    answer = start(client, headers, snapshot)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


def parse_events(text: str) -> list[dict[str, Any]]:
    """The events of a stream, its comments left out."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append({"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
    return found


def test_a_run_is_queued_and_read_back(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    given = {"folds": 4, "epochs": 3, "seed": 9, "claims": ["macro_f1 >= 0.90"], "final": "fold:2"}
    answer = start(client, writer, snapshot, **given)
    assert answer.status_code == 202, answer.text
    document = answer.json()
    assert document["status"] == "queued"
    assert document["snapshot"] == snapshot
    assert [fold["epochs"] for fold in document["folds"]] == [3] * 4
    assert answer.headers["location"] == f"/api/v1/runs/{document['run']}"
    assert client.get(answer.headers["location"]).json() == document
    (listed,) = client.get("/api/v1/runs").json()["items"]
    assert listed == {name: document[name] for name in listed}
    assert (document["metrics"], document["next"]) == (None, f"emotionet runs resume {document['run']}")
    assert home.queue.pending(document["run"]) == 1
    with home.catalog.read() as db:
        options = runs.row(db, document["run"])["options"]
    assert options["values"]["seed"] == 9
    assert options["final"] == "fold:2"
    assert len(options["claims"]) == 1


def test_a_methods_options_stand_beside_folds_or_by_themselves(client: Client, writer: Headers, snapshot: str) -> None:
    for given in ({"epochs": 3}, {"options": {"epochs": 3}}, {"epochs": 3, "options": {"epochs": 3}}):
        answer = start(client, writer, snapshot, **given)
        assert {fold["epochs"] for fold in answer.json()["folds"]} == {3}
        client.post(f"{answer.headers['location']}/cancel", headers=writer)


def test_lists_are_paged_newest_first(client: Client, writer: Headers, snapshot: str) -> None:
    made = {queued(client, writer, snapshot) for _ in range(3)}
    one = client.get("/api/v1/runs?limit=2").json()
    two = client.get(f"/api/v1/runs?limit=2&cursor={one['next']}").json()
    assert {run["run"] for run in one["items"] + two["items"]} == made
    assert two["next"] is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"recipe": "nothing"}, 422),
        ({"recipe": "/etc/passwd"}, 400),
        ({"recipe": "../recipe.toml"}, 400),
        ({"recipe": '{"fail": true}'}, 400),
        ({"method": "nothing"}, 404),
        ({"method": "os:system"}, 400),
        ({"base": "/etc"}, 400),
        ({"base": "."}, 400),
        ({"base": str(cid_of(b"nothing", DAG_PB))}, 404),
        ({"snapshot": "Nonsense"}, 400),
        ({"snapshot": str(cid_of(b"\xa0", DAG_CBOR))}, 404),
        ({"folds": 1}, 400),
        ({"epochs": 10**9}, 400),
        ({"imgsz": 64}, 400),  # which this method has not
        ({"epochs": 3, "options": {"epochs": 4}}, 422),
        ({"options": {"epochs": 10**9}}, 400),
        ({"options": {"imgsz": 64}}, 400),  # which this method has not
        ({"options": {"epochs": True}}, 400),
        ({"seed": -1}, 400),
        ({"final": "fold:9"}, 400),
        ({"final": "refit; rm"}, 400),
        ({"claims": ["macro_f1 is good"]}, 422),
        ({"claims": ["macro_f1 >= 0.9"] * 33}, 400),
        ({"claims": ["f1(nobody) >= 0.9"]}, 422),
        ({"folds": 99}, 422),
        ({"engine": "ray"}, 400),
    ],
)
def test_what_is_asked_for_wrongly_queues_nothing(resting: Resting, change: dict[str, Any], status: int) -> None:
    answer = start(resting.client, resting.writer, **{"snapshot": resting.snapshot, **change})
    assert answer.status_code == status, answer.text
    problem(answer, status, answer.json()["code"])
    assert resting.client.get("/api/v1/runs").json()["items"] == []


def test_base_weights_are_named_by_cid_and_looked_into(client: Client, writer: Headers, snapshot: str) -> None:
    image = client.get("/api/v1/images?limit=1").json()["items"][0]["cid"]
    problem(start(client, writer, snapshot, base=image), 422, "not_a_directory")


def test_a_run_is_cancelled_once_and_resumed(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    run = queued(client, writer, snapshot)
    cancelled = client.post(f"/api/v1/runs/{run}/cancel", headers=writer)
    assert cancelled.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
    assert home.queue.pending(run) == 0
    problem(client.post(f"/api/v1/runs/{run}/cancel", headers=writer), 409, "run_ended")
    resumed = client.post(f"/api/v1/runs/{run}/resume", headers=writer)
    assert resumed.status_code == 202
    assert home.queue.pending(run) == 1
    assert client.post(f"/api/v1/runs/{run}/resume", headers=writer).status_code == 202
    assert home.queue.pending(run) == 1


@pytest.mark.parametrize("verb", ["", "/events", "/cancel", "/resume"])
def test_what_is_no_run_is_not_found(client: Client, writer: Headers, verb: str) -> None:
    call = client.get if verb in {"", "/events"} else client.post
    for run in ("nothing", "..%2f..", "r' OR 1=1 --"):
        answer = call(f"/api/v1/runs/{run}{verb}", headers=writer)
        assert answer.status_code == 404, answer.text
    problem(client.post("/api/v1/releases", json={"run": "nothing"}, headers=writer), 404, "not_found")


def test_a_run_that_has_not_ended_is_not_published(client: Client, writer: Headers, snapshot: str) -> None:
    run = queued(client, writer, snapshot)
    problem(client.post("/api/v1/releases", json={"run": run}, headers=writer), 409, "run_not_completed")


def emit(home: Home, run: str, kind: str, **data: Any) -> None:
    with home.catalog.write() as db:
        home.queue.emit(db, run, kind, data, home.now())


def end(home: Home, run: str) -> None:
    with home.catalog.write() as db:
        runs.update(db, run, status="completed", updated=home.now())


def test_events_of_a_run_that_has_ended(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    run = queued(client, writer, snapshot)
    for done in range(3):
        emit(home, run, "progress", what="clean\nup", done=done, total=3)
    end(home, run)
    answer = client.get(f"/api/v1/runs/{run}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = parse_events(answer.text)
    assert [event["id"] for event in events] == [1, 2, 3]
    assert [event["data"]["done"] for event in events] == [0, 1, 2]
    assert events[0]["event"] == "progress"
    assert events[0]["data"]["what"] == "clean\nup"
    assert events[0]["data"]["time"].endswith("Z")
    later = client.get(f"/api/v1/runs/{run}/events", headers={"Last-Event-ID": "2"})
    assert [event["id"] for event in parse_events(later.text)] == [3]
    for wrong in ("x", "-1", "1" * 30):
        answer = client.get(f"/api/v1/runs/{run}/events", headers={"Last-Event-ID": wrong})
        problem(answer, 400, "invalid_request")


def test_events_come_while_it_runs(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    run = queued(client, writer, snapshot)

    def work() -> None:
        for done in range(3):
            time.sleep(0.3)
            emit(home, run, "progress", done=done)
        end(home, run)

    thread = threading.Thread(target=work)
    thread.start()
    events = parse_events(client.get(f"/api/v1/runs/{run}/events").text)
    thread.join()
    assert [event["data"]["done"] for event in events] == [0, 1, 2]


def test_more_events_than_one_look_gives(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    run = queued(client, writer, snapshot)
    with home.catalog.write() as db:
        for done in range(1200):
            home.queue.emit(db, run, "progress", {"done": done}, home.now())
    end(home, run)
    events = parse_events(client.get(f"/api/v1/runs/{run}/events").text)
    assert [event["id"] for event in events] == list(range(1, 1201))


def test_a_quiet_run_is_heard_of(
    client: Client, writer: Headers, home: Home, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(addresses, "PING_SECONDS", 0.1)
    run = queued(client, writer, snapshot)
    timer = threading.Timer(0.8, end, (home, run))
    timer.start()
    assert ": still running" in client.get(f"/api/v1/runs/{run}/events").text


def test_followers_are_bounded(client: Client, writer: Headers, home: Home, snapshot: str) -> None:
    run = queued(client, writer, snapshot)
    end(home, run)
    client.app.state.followers.total_tokens = 0
    problem(client.get(f"/api/v1/runs/{run}/events"), 503, "busy")
