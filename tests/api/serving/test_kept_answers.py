"""Answers that are kept: given again without the database, and never once they have changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.serving import kept
from registry.api.v1 import audits
from registry.catalog.marks import Marks
from registry.core.ipld.cid import RAW as RAW_CODEC
from registry.core.ipld.cid import cid_of
from registry.workflows.names.resolve import resolve
from registry.workflows.store.find_records import record_lineage
from registry.workflows.withdrawals.withdraw import withdraw
from tests.api.conftest import Client, problem
from tests.support.forgery import Released, simulated_release

RAW = {"Accept": "application/vnd.ipld.raw"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Released, Client]]:
    with (
        simulated_release(tmp_path_factory.mktemp("kept")) as released,
        TestClient(create_app(released.home), raise_server_exceptions=False) as client,
    ):
        yield released, client


@contextmanager
def nothing_asked(released: Released) -> Iterator[None]:
    """The database is asked nothing meanwhile."""
    seen: list[str] = []
    note = lambda _c, _cursor, said, *_: seen.append(said)  # noqa: E731
    sa.event.listen(released.home.catalog.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa.event.remove(released.home.catalog.engine, "before_cursor_execute", note)
    assert seen == []


def image_of(released: Released) -> str:
    with released.home.catalog.read() as db:
        query = "SELECT cid FROM image_cids JOIN file_names ON file_names.sha256 = image_cids.sha256 LIMIT 1"
        return str(db.exec_driver_sql(query).scalar())


def test_what_was_given_is_given_again_without_asking_the_database(made: tuple[Released, Client]) -> None:
    released, client = made
    release = client.get("/api/v1/releases").json()["items"][0]["cid"]
    for path, headers in (
        (f"/ipfs/{image_of(released)}", RAW),
        (f"/api/v1/releases/{release}", {}),
        (f"/api/v1/lineage/{release}", {}),
    ):
        first = client.get(path, headers=headers)
        client.get(path, headers=headers)
        with nothing_asked(released):
            again = client.get(path, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert told(again) == told(first)
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        with nothing_asked(released):
            known = client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == first.headers["etag"]


def told(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def test_other_questions_get_other_answers(made: tuple[Released, Client]) -> None:
    released, client = made
    path = f"/ipfs/{image_of(released)}"
    whole = client.get(path, headers=RAW).content
    assert client.get(path, headers={**RAW, "Range": "bytes=0-0"}).content == whole[:1]
    assert client.get(path, headers={"Accept": "application/vnd.ipld.car"}).content != whole
    assert client.head(path, headers=RAW).content == b""
    problem(client.get(path), 406, "not_acceptable")
    assert client.get(path, headers={**RAW, "If-None-Match": '"other"'}).content == whole


def test_a_release_that_is_withdrawn_is_told_so_at_once(tmp_path: Path) -> None:
    with (
        simulated_release(tmp_path) as released,
        TestClient(create_app(released.home), raise_server_exceptions=False) as client,
    ):
        release = client.get("/api/v1/releases").json()["items"][0]["cid"]
        image = image_of(released)
        for _ in range(2):
            assert client.get(f"/api/v1/releases/{release}").json()["withdrawn"] == []
            assert client.get(f"/ipfs/{image}", headers=RAW).status_code == 200
        withdraw(released.home, image, "taken back")
        problem(client.get(f"/ipfs/{image}", headers=RAW), 410, "withdrawn")
        withdraw(released.home, release, "wrong")
        assert client.get(f"/api/v1/releases/{release}").json()["withdrawn"] != []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "BYTES", 10_000)
    found, marks = kept.Kept(), Marks((1,), (1,))
    for number in range(20):
        found.put((f"/{number}", b"", b""), kept.Answer([], bytes(1000), None, "records", marks.records, None))
    held = [number for number in range(20) if found.find((f"/{number}", b"", b""), marks)]
    assert held == [17, 18, 19]
    assert found.find(("/19", b"", b""), Marks((2,), (1,))) is None
    assert found.find(("/19", b"", b""), None) is None


def asked_at_once(client: Client, path: str, count: int) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return [one.result(60) for one in [threads.submit(client.get, path) for _ in range(count)]]


def waiting(app: Any) -> int:
    """Who waits for an answer that is being made."""
    return sum(len(made._waiters) for made in app.kept._made.values())


def test_what_many_ask_for_at_once_is_computed_once(
    made: tuple[Released, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = made
    release = client.get("/api/v1/releases").json()["items"][0]["cid"]
    app: Any = client.app
    asked = list[str]()

    def slow(home: Any, target: Any) -> Any:
        asked.append(str(target))
        until = time.monotonic() + 30
        while waiting(app) < 7 and time.monotonic() < until:
            time.sleep(0.005)
        return record_lineage(home, target)

    monkeypatch.setattr(audits, "record_lineage", slow)
    answers = asked_at_once(client, f"/api/v1/lineage/{release}?format=prov", 8)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert asked == [release]
    assert app.kept._made == {}


def test_who_waited_for_an_answer_that_is_not_kept_has_one_of_its_own(
    made: tuple[Released, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = made
    app: Any = client.app
    asked = list[str]()

    def slow(home: Any, text: str) -> Any:
        asked.append(text)
        until = time.monotonic() + 30
        while len(asked) == 1 and waiting(app) < 3 and time.monotonic() < until:
            time.sleep(0.005)
        return resolve(home, text)

    monkeypatch.setattr(audits, "resolve", slow)
    for answer in asked_at_once(client, f"/api/v1/lineage/{cid_of(b'nothing', RAW_CODEC)}", 4):
        problem(answer, 404, "not_found")
    assert len(asked) == 4
    assert app.kept._made == {}


def test_nobody_waits_for_the_client_that_an_answer_is_made_for() -> None:
    """A client that takes no bytes keeps its own answer waiting alone, in one piece or in several."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    for more in (False, True):
        told, gone = list[str](), list[Any]()

        async def stuck(message: Any, gone: list[Any] = gone) -> None:
            gone.append(message)
            await asyncio.Event().wait()

        async def answer(recorder: kept.Recorder, more: bool = more) -> None:
            await recorder(start)
            await recorder({"type": "http.response.body", "body": b"x", "more_body": more})

        async def main(told: list[str] = told, stuck: Any = stuck, answer: Any = answer) -> None:
            recorder = kept.Recorder(stuck, lambda _: told.append("came"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer(recorder), 0.05)

        asyncio.run(main())
        assert told == ["came"]
        assert gone == [start]
