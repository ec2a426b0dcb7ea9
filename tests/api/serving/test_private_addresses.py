"""What is private is to strangers as what is not here, at every address that can be asked with a CID."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.core.ipld.cid import CID
from tests.support.forgery import Released, simulated_release

FORMS = (
    {"Accept": "application/json"},
    {"Accept": "text/html"},
    {"Accept": "application/vnd.ipld.raw"},
    {"Accept": "application/vnd.ipld.car"},
    {"Accept": "application/vnd.ipld.raw", "Range": "bytes=0-3", "If-None-Match": '"other"'},
)
OF_ONE_ANSWER = ("x-request-id", "date")
WORK = ("/ipfs/{}", "/api/v1/lookup/{}", "/api/v1/lineage/{}", "/api/v1/images/{}", "/api/v1/releases/{}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("private")) as released:
        yield released


@pytest.fixture(scope="module")
def pair(made: Released) -> tuple[CID, CID]:
    """A private root, and one like it that nobody has."""
    with made.home.catalog.read() as db:
        private = CID.parse(str(db.exec_driver_sql("SELECT root FROM sources WHERE private").scalar()))
    assert made.home.store.has(private)
    return private, CID.v1(private.codec, bytes(32))


def addresses(app: Any) -> Iterator[str]:
    """Of every GET that has a place for something, with ``CID`` in each place and, for the gateway, below it."""
    for route in app.routes:
        path = str(getattr(route, "path_format", ""))
        if "GET" not in getattr(route, "methods", ()) or "{" not in path:
            continue
        filled = "/".join("CID" if part.startswith("{") else part for part in path.replace("{form}", "csv").split("/"))
        yield filled
        if filled.startswith("/ipfs/"):
            yield f"{filled}/labels.csv"
            yield f"{filled}?format=car&dag-scope=block"


def said(answer: Any, cid: CID) -> tuple[object, ...]:
    """All of an answer but what differs between any two, and the CID that was asked for."""

    def without(text: str) -> str:
        return text.replace(str(cid), "CID").replace(cid.digest.hex(), "DIGEST")

    headers = {name: without(value) for name, value in answer.headers.items() if name not in OF_ONE_ANSWER}
    return answer.status_code, tuple(sorted(headers.items())), without(answer.text)


def test_a_private_folder_is_to_strangers_as_what_is_not_here(made: Released, pair: tuple[CID, CID]) -> None:
    app = create_app(made.home)
    different, asked = list[tuple[object, ...]](), 0
    with TestClient(app, raise_server_exceptions=False) as client:
        for address in addresses(app):
            for method in ("GET", "HEAD"):
                for form in FORMS if method == "GET" else FORMS[:1]:
                    headers = {**form, "X-Request-ID": "one"}
                    path = [address.replace("CID", str(cid)) for cid in pair]
                    answers = [client.request(method, one, headers=headers, follow_redirects=False) for one in path]
                    private, absent = (said(answer, cid) for answer, cid in zip(answers, pair, strict=True))
                    asked += 1
                    if private != absent:
                        different.append((method, address, form, private, absent))
    assert asked > 200
    assert different == []


@contextmanager
def work(made: Released) -> Iterator[list[str]]:
    """What is asked of the database, and which blocks are read, meanwhile."""
    found, store = list[str](), made.home.store
    note = lambda _c, _cursor, statement, *_: found.append(statement)  # noqa: E731
    get = store.get

    def noted(cid: CID) -> bytes:
        found.append("a block is read")
        return get(cid)

    sa.event.listen(made.home.catalog.engine, "before_cursor_execute", note)
    store.get = noted  # type: ignore[method-assign]
    try:
        yield found
    finally:
        sa.event.remove(made.home.catalog.engine, "before_cursor_execute", note)
        del store.get


def test_no_more_work_is_done_for_what_is_private(made: Released, pair: tuple[CID, CID]) -> None:
    """So that the time which an answer takes tells nothing either."""
    with TestClient(create_app(made.home), raise_server_exceptions=False) as client:
        for address in WORK:
            for cid in pair:  # what is read once for all
                client.get(address.format(cid), headers=FORMS[2])
            done = []
            for cid in pair:
                with work(made) as found:
                    client.get(address.format(cid), headers=FORMS[2])
                done.append(found)
            assert done[0] == done[1], address
