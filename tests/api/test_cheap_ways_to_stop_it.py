"""Requests that cost their sender nothing: refused at the price of their bytes, and one bad part spoils no other."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc

import pytest

from registry.api.bulk import answers, split
from registry.api.bulk.rows import read_rows
from registry.content.labels.tables import delimited
from registry.core.errors import InvalidInput
from tests.api.conftest import CAR_TYPE, Client, Headers, Resting, fill, problem
from tests.api.test_schema import operations

GOOD = b'{"cid": "%s", "label": "a"}' % (b"b" * 59)
MANY = {
    "application/x-ndjson": b"1\n" * 90_000,
    "application/json": b"[" + b"1," * 90_000 + b"1]",
    "text/csv": b"cid,label\n" + b"a\n" * 90_000,
}


@pytest.mark.parametrize("kind", MANY)
def test_a_body_of_garbage_costs_no_more_memory_than_a_good_one(kind: str) -> None:
    good = {
        "application/x-ndjson": (GOOD + b"\n") * 5_000,
        "application/json": b"[" + (GOOD + b",") * 5_000 + GOOD + b"]",
        "text/csv": b"cid,label\n" + (b"b" * 59 + b",a\n") * 5_000,
    }[kind]
    assert peak(MANY[kind], kind) < peak(good, kind) + (64 << 10)


def peak(body: bytes, kind: str) -> int:
    """Bytes of memory at most while the rows of a body are read."""
    stream = io.BytesIO(body)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_rows(stream, kind)) >= 5_000
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [b"x" * (split.MAX_ROW + 2), b'["' + b"x" * (split.MAX_ROW + 2)])
def test_a_row_without_an_end_is_refused_when_it_is_too_long(body: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        list((split.elements if body.startswith(b"[") else split.lines)(io.BytesIO(body)))
    assert raised.value.code == "row_too_long"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-ndjson", b"\n" * 1000),
        ("application/x-ndjson", GOOD + b"\n" + b" \t\r\n" * 1000),
        ("text/csv", b"\n" * 1000),
        ("text/csv", b"cid,label\n" + b"b" * 59 + b",a\n" + b"\r\n" * 1000),
        ("text/csv", b"cid,label\n" + b",\n" * 1000),
        ("text/csv", b"cid;label\n" + b'"";""\n' * 1000),
    ],
)
def test_lines_without_a_value_are_read_up_to_a_bound(
    kind: str, body: bytes, resting: Resting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 KB of gzip unpack to a hundred million of them."""
    monkeypatch.setattr(split, "MAX_BLANK", 900)
    monkeypatch.setattr(delimited, "MAX_BLANK", 900)
    headers = {**resting.writer, "Content-Type": kind, "Content-Encoding": "gzip"}
    answer = resting.client.post("/api/v1/images", content=gzip.compress(body), headers=headers)
    problem(answer, 422, "bad_labels" if kind == "text/csv" else "malformed_rows")
    assert "more than 900 lines" in answer.json()["detail"]


@pytest.mark.parametrize("head", ["cid,label,contributer", "cid,label,licenze", "cid,label,note"])
def test_a_misspelt_column_is_refused_as_a_misspelt_field_is(resting: Resting, head: str) -> None:
    """What it was to say would be missing in a row that is signed for good."""
    headers = {**resting.writer, "Content-Type": "text/csv"}
    body = f"{head}\n{resting.images[0]},feliz,x\n"
    told = problem(resting.client.post("/api/v1/images", content=body, headers=headers), 422, "bad_labels")
    assert head.rpartition(",")[2] in told["detail"]


def test_a_body_of_nothing_but_garbage_is_refused_whole(
    client: Client, writer: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MAX_MALFORMED", 10)
    headers = {**writer, "Content-Type": "application/x-ndjson"}
    problem(client.post("/api/v1/images", content=b"1\n" * 11, headers=headers), 422, "too_many_malformed")


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
    assert [row for _, row in split.elements(io.BytesIO(body))] == rows


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"1", b"[", b"[1", b"[1}", b"[1]]", b"[1] 2", b'["', b'["\\"', b"[{]", b'"[]"', b"[" * 50_000]
)
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        list(split.elements(io.BytesIO(body)))
    assert raised.value.code == "malformed_rows"


def test_lines_keep_their_numbers() -> None:
    assert list(split.lines(io.BytesIO(b"\n \r\n1\r\n\n 2 3\n\n"))) == [(3, b"1"), (5, b"2 3")]


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
    answer = resting.client.post("/api/v1/images?rows=all", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    done = [(row["status"], row["code"]) for row in answer.json()["results"]]
    expected = [("rejected", "bad_row"), ("unchanged", None)]
    assert done == (expected if bad or kind == "application/json" else expected[1:])


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, identity"])
def test_a_compressed_body_is_not_taken(resting: Resting, coding: str) -> None:
    schema = resting.client.get("/schema").json()
    for path, method, operation in operations(schema):
        if method not in {"post", "delete"}:
            continue
        assert "415" in operation["responses"], path
        address = path.replace("{", "").replace("}", "")
        if path.endswith("/images"):
            continue  # its rows may be packed
        kind = CAR_TYPE if path.endswith("/blocks") else "application/json"
        headers = {**resting.writer, "Content-Type": kind, "Content-Encoding": coding}
        answer = resting.client.request(method, address, content=gzip.compress(b"[]"), headers=headers)
        problem(answer, 415, "unsupported_media_type")
        assert answer.headers["accept-encoding"] == "identity"
    plain = {**resting.writer, "Content-Type": "application/json", "Content-Encoding": "identity"}
    assert resting.client.post("/api/v1/images?rows=all", content=b"[]", headers=plain).status_code == 200


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
