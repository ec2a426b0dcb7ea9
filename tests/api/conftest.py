"""A home in a temporary folder, its API, tokens, and content made as strangers would make it."""

from __future__ import annotations

import io
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn
from litestar import Litestar
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.pages.base.common import LANGUAGE
from registry.assembly import Home, open_home
from registry.catalog import tokens
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.settings import read_settings
from tests.support.described import Described

PLUGIN = Path(__file__).parents[1] / "support" / "plugin"
LABELS = ("triste", "sorprendido", "feliz", "enojado")
CAR_TYPE = "application/vnd.ipld.car"
_BEGINS = b"\xff\xd8\xff\xc0\x00\x11\x08\x13\x88\x13\x88\x03"
Client = TestClient[Litestar]
Asker = Client | httpx.Client
Headers = dict[str, str]
Token = Callable[..., Headers]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home of one's own; the simulated training method can be found, also by child processes."""
    found = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_LEASE_SECONDS": "3", "PYTHONPATH": str(PLUGIN)}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    return found


@pytest.fixture
def home(environment: dict[str, str]) -> Iterator[Home]:
    opened = open_home(read_settings(environment))
    yield opened
    opened.close()


@pytest.fixture
def client(home: Home) -> Iterator[Client]:
    with Described(create_app(home), raise_server_exceptions=False) as found:
        yield found


@contextmanager
def served(home: Home, grace: int | None = None) -> Iterator[str]:
    """The address of a real server over ``home``; ``grace``: seconds that it waits for requests when it is stopped."""
    application: Any = create_app(home)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=grace
    )
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not serving.started and time.monotonic() < until:
        time.sleep(0.02)
    (listening,) = serving.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        serving.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def server(home: Home) -> Iterator[str]:
    """The address of a real server over ``home``."""
    with served(home) as address:
        yield address


def make_token(home: Home, *scopes: str, expires: str | None = None) -> Headers:
    """The header that a token with these scopes is sent in (all but admin, unless named)."""
    wanted = scopes or tuple(scope for scope in tokens.SCOPES if scope != "admin")
    with home.catalog.write() as db:
        _, plain = tokens.create(db, wanted, home.now(), expires)
    return {"Authorization": f"Bearer {plain}"}


@pytest.fixture
def writer(home: Home) -> Headers:
    """A token that may do everything but administer."""
    return make_token(home)


def picture(index: int, size: int = 300) -> bytes:
    """Bytes that begin as a JPEG of 5000 x 5000 pixels does: always the same for an index."""
    return _BEGINS + random.Random(index).randbytes(size - len(_BEGINS))


def make_car(files: Sequence[bytes]) -> tuple[list[CID], bytes]:
    """CIDs of files, and a CAR that holds them as its roots."""
    store, stream = MemoryStore(), io.BytesIO()
    roots = [add_bytes(store, data).cid for data in files]
    car.write(roots, walk_closure(store.get, roots), stream)
    return roots, stream.getvalue()


def send(client: Asker, headers: Headers, files: Sequence[bytes]) -> list[CID]:
    """Send files as a CAR; returns their CIDs."""
    roots, body = make_car(files)
    answer = client.post("/api/v1/blocks", content=body, headers={**headers, "Content-Type": CAR_TYPE})
    assert answer.status_code == 200, answer.text
    assert answer.json()["roots"] == [str(root) for root in roots]
    return roots


def register(client: Asker, headers: Headers, rows: Sequence[dict[str, Any]], **more: str) -> dict[str, Any]:
    """Register rows as JSON."""
    answer = client.post("/api/v1/images?rows=all", json=list(rows), headers={**headers, **more})
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def fill(client: Asker, headers: Headers, count: int = 8) -> list[CID]:
    """Send and register ``count`` pictures with the four labels in turn; returns their CIDs."""
    cids = send(client, headers, [picture(index) for index in range(count)])
    rows = [{"cid": str(cid), "label": LABELS[index % 4], "contributor": "anna"} for index, cid in enumerate(cids)]
    assert register(client, headers, rows)["registered"] == count
    return cids


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, which has this status and code and is whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["code"] == code, found
    assert found["type"] == f"urn:emotionet:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert found["instance"].startswith("/")
    return found


class Resting(NamedTuple):
    """A registry that tests ask things of which change nothing in it."""

    home: Home
    client: Client
    writer: Headers
    images: list[CID]
    snapshot: str


@pytest.fixture(scope="session")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resting]:
    """One for all tests that leave it as it is: making one takes longer than asking it."""
    with rested(tmp_path_factory.mktemp("resting")) as found:
        yield found


@pytest.fixture(autouse=True)
def _forgets_the_language(request: pytest.FixtureRequest) -> Iterator[None]:
    """A page that was asked for in a language leaves a cookie, which would choose it for the next test too."""
    yield
    if "resting" in request.fixturenames:
        request.getfixturevalue("resting").client.cookies.delete(LANGUAGE)


@contextmanager
def rested(folder: Path, **settings: str) -> Iterator[Resting]:
    """A registry with four images and a snapshot of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGIN)
        home = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home"), **settings}))
        with Described(create_app(home), raise_server_exceptions=False) as client:
            writer = make_token(home)
            images = fill(client, writer, 4)
            snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
            yield Resting(home, client, writer, images, snapshot)
        home.close()
