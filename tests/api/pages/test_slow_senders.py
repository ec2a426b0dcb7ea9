"""Who sends a form slowly waits alone: everybody else is answered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from registry.assembly import Home
from tests.support.pages import served

SENDERS = 48  # more than there are threads
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


@pytest.fixture
def address(home: Home) -> Iterator[str]:
    with served(home) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [("/signin", FORMS[0], 9_000), ("/signin", FORMS[1], 9_000), ("/audits/file", FORMS[1], 9_000_000)],
)
def test_slow_senders_hold_nobody_up(address: str, path: str, kind: str, size: int) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n--x\r\n"
    with ExitStack() as stack:
        for _ in range(SENDERS):
            slow = stack.enter_context(socket.create_connection((host, int(port))))
            slow.sendall(head.encode())
        with httpx.Client(base_url=address, headers={"accept": "text/html"}, timeout=30) as client:
            page = client.get("/signin").text
            value = page.split('name="csrf" value="')[1].split('"')[0]
            for _ in range(3):  # others' forms are read meanwhile
                assert client.post("/signin", data={"csrf": value, "token": "none"}).status_code == 401
