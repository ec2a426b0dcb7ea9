"""What only a real server and a real socket show: streams, bodies without a length, clients that hang up."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from registry.api.v1 import wire
from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from tests.api.conftest import CAR_TYPE, make_car, make_token, picture, problem, served


@pytest.fixture
def http(server: str, home: Home) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, headers=make_token(home), timeout=30) as client:
        yield client


def pieces(body: bytes, step: int = 50_000) -> Iterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]


def test_a_car_without_a_length_comes_in_and_an_image_goes_out(http: httpx.Client, home: Home) -> None:
    data = picture(3, 3_000_000)
    (cid,), body = make_car([data])
    answer = http.post("/api/v1/blocks", content=pieces(body), headers={"Content-Type": CAR_TYPE})
    assert answer.json()["roots"] == [str(cid)]
    rows = http.post("/api/v1/images?rows=all", json=[{"cid": str(cid), "label": "feliz"}]).json()
    assert rows["registered"] == 1
    with http.stream("GET", f"/ipfs/{cid}?format=car") as stream:
        assert b"".join(stream.iter_bytes()).endswith(data[-100:])
    head = http.head(f"/ipfs/{cid}?format=car")
    assert head.status_code == 200
    assert head.content == b""


def test_a_body_without_a_length_is_bounded_too(http: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    endless = (b" " * 65_536 for _ in range(2 * wire.JSON_BYTES // 65_536))
    answer = http.post("/api/v1/snapshots", content=endless, headers=headers)
    problem(answer, 413, "too_large")


def test_a_sender_who_hangs_up_leaves_nothing(http: httpx.Client, server: str, home: Home) -> None:
    (cid,), body = make_car([picture(4, 200_000)])
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"POST /api/v1/blocks HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CAR_TYPE}\r\n"
            f"Authorization: {http.headers['authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body[: len(body) // 2])
    assert http.get("/healthz").status_code == 200
    assert not home.store.has(cid)
    assert http.post("/api/v1/blocks", content=body, headers={"Content-Type": CAR_TYPE}).status_code == 200


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/api/v1/audits", "application/json", b"{"),
        ("/api/v1/images", "application/json", b"["),
        ("/api/v1/blocks", CAR_TYPE, b"\x00"),
        ("/audits", "application/x-www-form-urlencoded", b"csrf="),
        ("/audits/file", "multipart/form-data; boundary=x", b"--x\r\n"),
    ],
)
def test_a_client_that_hangs_up_is_no_defect(
    http: httpx.Client, server: str, caplog: pytest.LogCaptureFixture, path: str, kind: str, begin: bytes
) -> None:
    caplog.set_level(logging.INFO, "registry.api")
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: 9999\r\n"
            f"Authorization: {http.headers['authorization']}\r\n\r\n"
        )
        line.sendall(head.encode() + begin)
        time.sleep(0.2)  # the handler has begun to read
    until = time.monotonic() + 20
    while not (ended := [one for one in caplog.messages if one.startswith(f"POST {path} 4")]):
        assert time.monotonic() < until, caplog.messages
        time.sleep(0.02)
    assert len(ended) == 1
    assert f"POST {path}: the client went away" in caplog.messages
    assert not [one for one in caplog.records if one.levelno > logging.INFO], caplog.text


def test_whoever_still_sends_when_the_server_stops_is_told_to_send_again(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "registry.api")
    (cid,), body = make_car([picture(5, 200_000)])
    with served(home, grace=1) as address:
        host, port = address.removeprefix("http://").split(":")
        line = socket.create_connection((host, int(port)), timeout=20)
        lines = (
            *("POST /api/v1/blocks HTTP/1.1", f"Host: {host}", f"Content-Type: {CAR_TYPE}"),
            *(f"Authorization: {make_token(home)['Authorization']}", f"Content-Length: {len(body)}"),
        )
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body[:1000])
        time.sleep(0.2)  # the handler has begun to read
    with line, line.makefile("rb") as answer:
        told = answer.read()
    assert told.startswith(b"HTTP/1.1 503")
    assert b"application/problem+json" in told
    assert b"retry-after" in told
    assert b'"code":"stopping"' in told
    assert not home.store.has(cid)
    assert not [one for one in caplog.records if one.exc_info], "no traceback: it is no defect"
    assert [one for one in caplog.messages if one.startswith("POST /api/v1/blocks 503")]


def test_a_token_is_asked_for_before_the_body_comes(server: str) -> None:
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        head = ("POST /api/v1/blocks HTTP/1.1", f"Host: {host}", f"Content-Type: {CAR_TYPE}", "Content-Length: 9999")
        line.sendall("\r\n".join([*head, "", ""]).encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 401")


@pytest.fixture
def run(http: httpx.Client, home: Home) -> str:
    """A run whose classes all have enough images for its folds, so that no warning comes before what is sent here."""
    cids, body = make_car([picture(index) for index in range(24)])
    http.post("/api/v1/blocks", content=body, headers={"Content-Type": CAR_TYPE})
    labels = ("triste", "sorprendido", "feliz", "enojado")
    http.post("/api/v1/images?rows=all", json=[{"cid": str(cid), "label": labels[n % 4]} for n, cid in enumerate(cids)])
    snapshot = http.post("/api/v1/snapshots", json={}).json()["snapshot"]
    wanted = {"snapshot": snapshot, "recipe": "simulated", "method": "simulated"}
    return str(http.post("/api/v1/runs", json=wanted).json()["run"])


def emit(home: Home, run: str, number: int, *, last: bool = False) -> None:
    with home.catalog.write() as db:
        home.queue.emit(db, run, "progress", {"done": number}, home.now())
        if last:
            runs.update(db, run, status="completed", updated=home.now())


def test_events_arrive_as_they_happen(http: httpx.Client, home: Home, run: str) -> None:
    seen: list[int] = []
    with http.stream("GET", f"/api/v1/runs/{run}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-cache"
        emit(home, run, 1)
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["done"])
                if len(seen) < 3:  # the next happens only once this one was seen
                    emit(home, run, len(seen) + 1, last=len(seen) == 2)
    assert seen == [1, 2, 3]


def test_who_was_cut_off_goes_on(http: httpx.Client, home: Home, run: str) -> None:
    for number in range(1, 4):
        emit(home, run, number)
    with http.stream("GET", f"/api/v1/runs/{run}/events") as stream:
        first = next(line for line in stream.iter_lines() if line.startswith("id: "))
    emit(home, run, 4, last=True)
    rest = http.get(f"/api/v1/runs/{run}/events", headers={"Last-Event-ID": first.removeprefix("id: ")}).text
    assert [line for line in rest.splitlines() if line.startswith("id: ")] == ["id: 2", "id: 3", "id: 4"]


def test_followers_who_left_are_let_go(server: str, home: Home, run: str) -> None:
    for _ in range(5):
        with httpx.Client(base_url=server) as client, client.stream("GET", f"/api/v1/runs/{run}/events"):
            pass
    emit(home, run, 1, last=True)
    assert "id: 1" in httpx.get(f"{server}/api/v1/runs/{run}/events").text
