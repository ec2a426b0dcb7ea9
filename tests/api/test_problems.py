"""Every error is a problem document with the status of its class, and tells nothing of this machine."""

from __future__ import annotations

import errno
import logging

import pytest
from litestar import Litestar, get, post
from litestar.testing import TestClient

from registry.api.problems import HANDLERS, HttpProblem
from registry.core import errors
from tests.api.conftest import Client, Headers, Resting, problem


@pytest.fixture
def client(resting: Resting) -> Client:
    return resting.client


@pytest.fixture
def writer(resting: Resting) -> Headers:
    return resting.writer


CASES = [
    (errors.UsageError("no"), 400, 400),
    (errors.InvalidInput("no"), 422, 422),
    (errors.NewerVersion("plan", 2), 422, 422),
    (errors.Untrusted("no"), 502, 422),
    (errors.Unavailable("no"), 503, 503),
    (errors.Conflict("no"), 409, 409),
    (errors.NotFound("no"), 404, 404),
    (errors.Cancelled("no"), 409, 409),
]


def app_that_raises(error: Exception) -> Litestar:
    @get("/x", sync_to_thread=True)
    def reading() -> None:
        raise error

    @post("/x", sync_to_thread=True)
    def writing() -> None:
        raise error

    return Litestar([reading, writing], exception_handlers=HANDLERS, openapi_config=None, logging_config=None)


@pytest.mark.parametrize(("error", "reading", "writing"), CASES)
def test_each_class_has_its_status(error: errors.EmotionetError, reading: int, writing: int) -> None:
    with TestClient(app_that_raises(error)) as client:
        found = problem(client.get("/x?secret=1"), reading, error.code)
        assert found["detail"] == str(error)
        assert found["instance"] == "/x"
        answer = client.post("/x")
        problem(answer, writing, error.code)
        assert ("retry-after" in answer.headers) == (writing == 503)
        assert answer.headers["cache-control"] == "no-store"


def test_what_is_newer_is_not_called_malformed() -> None:
    with TestClient(app_that_raises(errors.NewerVersion("plan", 2))) as client:
        found = problem(client.get("/x"), 422, "newer_version")
    assert found["title"] == "It needs a newer Emotionet"
    assert found["detail"] == "version 2 of plan is newer than this program"
    assert found["hint"] == "install a newer Emotionet."


def test_every_class_of_error_is_known_here() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__() if one.__module__ == errors.__name__))

    assert below(errors.EmotionetError) - {errors.EmotionetError} == {type(error) for error, *_ in CASES}


@pytest.mark.parametrize("error", [ZeroDivisionError("/home/me/key is s3cret"), errors.EmotionetError("s3cret")])
def test_what_nobody_foresaw_is_logged_and_not_told(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(app_that_raises(error), raise_server_exceptions=False) as client:
        answer = client.get("/x")
    problem(answer, 500, "internal")
    assert "s3cret" not in answer.text
    assert "s3cret" in caplog.text
    assert "GET /x" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Unavailable("connection to db.internal failed for user bob", code="catalog"), 503),
        (errors.Conflict("UNIQUE constraint failed: entries.seq db.internal", code="catalog_conflict"), 409),
        (errors.InvalidInput("value for db.internal", code="catalog_value"), 422),
        (errors.not_written("/srv/db.internal/packs", OSError(errno.ENOSPC, "No space left on device")), 503),
        (errors.not_written("/srv/db.internal/packs", OSError(errno.EACCES, "Permission denied")), 503),
    ],
)
def test_what_the_database_and_the_system_said_stays_here(
    error: errors.EmotionetError, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(app_that_raises(error)) as client:
        answer = client.get("/x")
    problem(answer, status, error.code)
    assert "db.internal" not in answer.text
    assert "db.internal" in caplog.text


def test_own_headers_come_along() -> None:
    with TestClient(app_that_raises(HttpProblem(416, "no", headers={"Content-Range": "bytes */3"}))) as client:
        assert client.get("/x").headers["content-range"] == "bytes */3"


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/", "/api/v2/images", "/schema/elements", "/api/v1/runs/a/b/c"])
def test_an_address_that_is_not_there(client: Client, path: str) -> None:
    problem(client.get(path), 404, "no_such_resource")


def test_a_method_that_is_not_known(client: Client) -> None:
    answer = client.delete("/api/v1/images")
    problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("status=gone", "status"),
        ("label=", "label"),
        ("cursor=" + "a" * 600, "cursor"),
    ],
)
def test_a_query_that_does_not_fit_names_the_field(client: Client, query: str, field: str) -> None:
    found = problem(client.get(f"/api/v1/images?{query}"), 400, "invalid_request")
    assert [error["field"] for error in found["errors"]] == [field]
    assert found["errors"][0]["reason"]


def test_a_cursor_of_somebody_else(client: Client) -> None:
    for cursor in ("zz", "5b5d", "ff", "00", "5b6e756c6c5d"):
        problem(client.get(f"/api/v1/images?cursor={cursor}"), 400, "usage")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"{", "bad_request"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b'{"label": 1}', "invalid_request"),
        (b'{"label": ""}', "invalid_request"),
        (b'{"label": "feliz", "more": 1}', "invalid_request"),
        (b'{"label": "\xff"}', "bad_request"),
        (b"[" * 100_000, "bad_request"),
        (rb'{"label": "\ud800"}', "bad_request"),
        (b'{"label": "feliz", "label": "triste"}', "repeated_key"),
        (rb'{"label": "feliz", "l\u0061bel": "triste"}', "repeated_key"),
    ],
)
def test_a_body_that_does_not_fit(client: Client, writer: Headers, body: bytes, code: str) -> None:
    headers = {**writer, "Content-Type": "application/json"}
    problem(client.post("/api/v1/images/abc/labels", content=body, headers=headers), 400, code)


def test_what_a_body_states_twice_or_no_text_can_hold_is_named(client: Client, writer: Headers) -> None:
    headers = {**writer, "Content-Type": "application/json"}
    for body, said in (
        (b'{"label": "feliz", "rights": {"x": "1", "x": "2"}}', "states x twice"),
        (rb'{"label": "feliz", "rights": {"x": "a\udc00"}}', "rights.x holds half of a surrogate pair"),
        (b'{"label": "\xe9"}', "not UTF-8: byte 11 (0xe9)"),
        (b"[" * 100_000, "nests too deep"),
    ):
        answer = client.post("/api/v1/images/abc/labels", content=body, headers=headers)
        assert said in answer.json()["detail"]
        assert "not JSON" not in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_type(client: Client, writer: Headers, kind: str) -> None:
    headers = {**writer, "Content-Type": kind}
    for path in ("/api/v1/snapshots", "/api/v1/runs", "/api/v1/releases", "/api/v1/audits", "/api/v1/images"):
        problem(client.post(path, content=b"{}", headers=headers), 415, "unsupported_media_type")


def test_a_body_that_is_too_large(client: Client, writer: Headers) -> None:
    headers = {**writer, "Content-Type": "application/json"}
    problem(client.post("/api/v1/snapshots", content=b" " * (1 << 20) + b"{}", headers=headers), 413, "too_large")


def test_every_answer_has_the_security_headers(client: Client) -> None:
    for path in ("/healthz", "/nothing", "/api/v1/images", "/schema", "/metrics", "/ipfs/x"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers


def test_no_log_of_the_framework_is_set_up(client: Client) -> None:
    assert client.app.logging_config is None
    assert not logging.getLogger("litestar").handlers
