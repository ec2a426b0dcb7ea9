"""Several processes at one address: what one can't answer another does, and none outlives the first."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.serving.processes import Believing, Forwarding, is_of_the_first
from registry.assembly import Home
from tests.api.conftest import Headers, fill

HTML = {"Accept": "text/html"}


def until(true: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            if found := true():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"this did not come: {what}")


def children(pid: int) -> list[int]:
    found = [part for path in Path(f"/proc/{pid}/task").glob("*/children") for part in path.read_text().split()]
    return sorted(map(int, found))


@pytest.fixture
def serving(environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(port), "--processes", "2"]
    with subprocess.Popen([*command, "--no-worker"], env={**os.environ, **environment}) as server:
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200, "an answer")
        yield f"http://127.0.0.1:{port}", server
        if server.poll() is None:
            server.terminate()
        assert server.wait(60) in (0, -signal.SIGTERM, -signal.SIGKILL)


def series(address: str) -> float:
    lines = httpx.get(f"{address}/metrics", timeout=30).text.splitlines()
    name = 'emotionet_http_responses_total{method="GET",status="200"} '
    return float(next((line.removeprefix(name) for line in lines if line.startswith(name)), "0"))


def test_a_process_that_is_killed_is_replaced_and_none_outlives_the_first(
    serving: tuple[str, subprocess.Popen[bytes]],
) -> None:
    address, server = serving
    [first] = until(lambda: children(server.pid), "the second process")
    before = series(address)
    for _ in range(20):
        assert httpx.get(f"{address}/api/v1/images", timeout=30).status_code == 200
        assert "<html" in httpx.get(f"{address}/images", headers=HTML, timeout=30).text
    assert series(address) >= before + 40  # whichever process gave them, and whichever is asked
    os.kill(first, signal.SIGKILL)
    [second] = until(lambda: [one for one in children(server.pid) if one != first], "another process")
    until(lambda: httpx.get(f"{address}/healthz", timeout=30).status_code == 200, "an answer")
    server.kill()
    until(lambda: ended(second), "its end")


def ended(pid: int) -> bool:
    """Gone, or nobody has asked yet how it ended."""
    said = Path(f"/proc/{pid}/cmdline")
    return not said.exists() or not said.read_bytes()


def test_what_the_first_process_alone_can_answer_is_handed_on(server: str, home: Home, writer: Headers) -> None:
    port = int(server.rpartition(":")[2])
    with TestClient(Forwarding(create_app(home), port, "secret"), raise_server_exceptions=False) as client:
        cids = fill(client, writer, 4)
        page = client.get("/images?label=feliz", headers=HTML)
        assert page.status_code == 200
        assert str(cids[2]) in page.text or "feliz" in page.text
        assert page.headers["content-type"].startswith("text/html")
        body = json.dumps({"target": str(cids[0])}).encode()
        sent = client.post("/api/v1/audits", content=body, headers={"Content-Type": "application/json"})
        assert (sent.status_code, sent.json()["target"]) == (200, str(cids[0]))
        large = client.post("/api/v1/audits", content=bytes(2 << 20), headers={"Content-Type": "application/json"})
        assert large.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "first"),
    [
        ("GET", "/api/v1/images", False),
        ("GET", "/ipfs/bafy", False),
        ("POST", "/api/v1/images", False),
        ("GET", "/images", True),
        ("POST", "/signin", True),
        ("POST", "/api/v1/audits", True),
    ],
)
def test_which_process_answers_what(method: str, path: str, first: bool) -> None:
    assert is_of_the_first(method, path) is first


def test_a_client_s_address_is_believed_from_our_own_processes_alone() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    async def ask(secret: bytes) -> None:
        headers = [(b"x-emotionet-forwarded", secret + b" https 192.0.2.7")]
        scope = {"type": "http", "headers": headers, "client": ("127.0.0.1", 5), "scheme": "http"}
        await Believing(app, "secret")(scope, None, None)

    for secret in (b"secret", b"wrong", b"", b"secret2"):
        with ThreadPoolExecutor(1) as elsewhere:  # a browser's tests leave a loop in this thread
            elsewhere.submit(asyncio.run, ask(secret)).result()
    assert seen == [(("192.0.2.7", 0), "https"), *[(("127.0.0.1", 5), "http")] * 3]
