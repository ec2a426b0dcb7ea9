"""Requests that cost their sender nothing: refused at the price of their bytes, and one bad part spoils no other."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest

from registry.api.problems import HttpProblem
from registry.api.v1 import image_rows, row_bodies
from registry.core.errors import InvalidInput
from tests.api.conftest import CAR_TYPE, Client, Headers, Resting, fill, problem
from tests.api.test_schema import operations

MANY = {
    "application/x-ndjson": b"1\n" * 500_000,
    "application/json": b"[" + b"1," * 500_000 + b"1]",
    "text/csv": b"cid,label\n" + b"a\n" * 500_000,
}


@pytest.mark.parametrize("kind", MANY)
def test_what_a_refusal_costs_follows_from_the_bytes(kind: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(HttpProblem) as raised:
            image_rows.parse(MANY[kind], kind)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.status_code == 413
    assert peak < 8 * len(MANY[kind])  # it was 141 times as much


def test_as_many_rows_as_may_come_are_taken() -> None:
    assert len(image_rows.parse(b"1\n" * 10_000, "application/x-ndjson")) == 10_000
    assert len(image_rows.parse(b"[" + b"1," * 9_999 + b"1]", "application/json")) == 10_000
    assert len(image_rows.parse(b"cid,label\n" + b"a,b\n" * 10_000, "text/csv")) == 10_000


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"[]", []),
        (b" [ ]\n", []),
        (b"[1]", [b"1"]),
        (b'[{"a": "],\\"["}, [1, 2]]', [b'{"a": "],\\"["}', b"[1, 2]"]),
        (b'["\\\\", "\\u005d"]', [b'"\\\\"', b'"\\u005d"']),
        (b"[1,]", [b"1", b""]),
    ],
)
def test_an_array_is_taken_apart_where_its_commas_are(body: bytes, rows: list[bytes]) -> None:
    assert [row for _, row in row_bodies.elements(body)] == rows


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"1", b"[", b"[1", b"[1}", b"[1]]", b"[1] 2", b'["', b'["\\"', b"[{]", b'"[]"', b"[" * 50_000]
)
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        list(row_bodies.elements(body))
    assert raised.value.code == "malformed_rows"


def test_lines_keep_their_numbers() -> None:
    assert list(row_bodies.lines(b"\n \r\n1\r\n\n 2 3\n\n")) == [(3, b"1\r"), (5, b"2 3")]


SPOILT = [
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b"[" * 5_000 + b"]" * 5_000,
    b"nonsense",
    b"",
]


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("bad", SPOILT)
def test_a_spoilt_row_voids_itself_alone(resting: Resting, kind: str, bad: bytes) -> None:
    good = json.dumps({"cid": str(resting.images[0]), "label": "triste", "contributor": "anna"}).encode()
    row = b'{"cid": %b, "label": %b}' % (good[8:69], bad) if bad.startswith(b'"') else bad
    body = b"[%b,%b]" % (row, good) if kind == "application/json" else b"%b\n%b\n" % (row, good)
    headers = {**resting.writer, "Content-Type": kind}
    answer = resting.client.post("/api/v1/images", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    done = [(row["status"], row["code"]) for row in answer.json()["results"]]
    expected = [("rejected", "bad_row"), ("unchanged", None)]
    assert done == (expected if bad or kind == "application/json" else expected[1:])


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, identity"])
def test_a_compressed_body_is_not_taken(resting: Resting, coding: str) -> None:
    schema = resting.client.get("/schema").json()
    for path, method, operation in operations(schema):
        if method != "post":
            continue
        assert "415" in operation["responses"], path
        address = path.replace("{", "").replace("}", "")
        kind = CAR_TYPE if path.endswith("/blocks") else "application/json"
        headers = {**resting.writer, "Content-Type": kind, "Content-Encoding": coding}
        answer = resting.client.post(address, content=gzip.compress(b"[]"), headers=headers)
        problem(answer, 415, "unsupported_media_type")
        assert answer.headers["accept-encoding"] == "identity"
    plain = {**resting.writer, "Content-Type": "application/json", "Content-Encoding": "identity"}
    assert resting.client.post("/api/v1/images", content=b"[]", headers=plain).status_code == 200


def test_an_event_s_number_beyond_all_is_refused_before_the_stream(client: Client, writer: Headers) -> None:
    fill(client, writer, 4)
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    wanted = {"snapshot": snapshot, "recipe": "simulated", "method": "simulated"}
    run = client.post("/api/v1/runs", json=wanted, headers=writer).json()["run"]
    client.post(f"/api/v1/runs/{run}/cancel", headers=writer)
    last = client.get(f"/api/v1/runs/{run}/events", headers={"Last-Event-ID": "9" * 18})
    assert (last.status_code, last.text) == (200, "")
    for number in ("9" * 19, str(2**63 - 1), str(2**63), str(2**64), "9" * 400, "-1", "\u0663"):
        answer = client.get(f"/api/v1/runs/{run}/events", headers={b"Last-Event-ID": number.encode()})
        problem(answer, 400, "invalid_request")
