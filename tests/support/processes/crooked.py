"""A proxy on the loopback, in front of a real server, that misbehaves on demand.

``plan`` says how each request is dealt with, in their order; behind its end all is passed on.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

WAYS = (
    "honest",
    "cut_request",  # half of the body is read, then the line is dropped: the server never saw it
    "cut_answer",  # the server did it, half of the answer comes
    "no_answer",  # the server did it, nothing comes
    "half_lines",  # the server did it, and the answer's bytes end early under a right length
    "busy",  # 503 with Retry-After
    "busy_after",  # the server did it, and 503 is answered
    "twice",  # the server is asked twice, and both answers come
    "slow",
    "garbage",  # 200 with something else
    "other",  # 200 with an answer to something else
    "login",  # 302 to a page of something in between: never followed
)


class Proxy:
    """In front of ``server``."""

    def __init__(self, server: str, plan: Sequence[str] = ()) -> None:
        self.server, self.plan, self.url = server, list(plan), ""
        self.seen: list[tuple[str, str]] = []  # path, how it was dealt with
        self.received: list[tuple[str, bytes]] = []  # path and body of what came whole
        self.lock = threading.Lock()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, *_: Any) -> None:
        """A line that was dropped is no news."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._deal()

    def do_POST(self) -> None:
        self._deal()

    def _deal(self) -> None:
        proxy = self.server.proxy
        with proxy.lock:
            how = proxy.plan.pop(0) if proxy.plan else "honest"
            proxy.seen.append((self.path, how))
        length = int(self.headers.get("Content-Length", 0))
        if how == "cut_request":
            self.rfile.read(length // 2)
            self._drop()
            return
        body = self.rfile.read(length)
        with proxy.lock:
            proxy.received.append((self.path, body))
        getattr(self, how)(body)

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        address = urlsplit(self.server.proxy.server)
        onward = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        onward.request(self.command, self.path, body=body or None, headers=headers)
        answer = onward.getresponse()
        data = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() in ("content-type", "retry-after")]
        onward.close()
        return answer.status, kept, data

    def _send(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def honest(self, body: bytes) -> None:
        self._send(*self._pass_on(body))

    def cut_answer(self, body: bytes) -> None:
        status, headers, data = self._pass_on(body)
        self._send(status, headers, data[: len(data) // 2], len(data))
        self._drop()

    def no_answer(self, body: bytes) -> None:
        self._pass_on(body)
        self._drop()

    def half_lines(self, body: bytes) -> None:
        status, headers, data = self._pass_on(body)
        self._send(status, headers, data[: len(data) // 2])

    def busy(self, body: bytes) -> None:
        self._send(503, [("Retry-After", "0")], b'{"detail": "busy", "code": "busy"}')

    def busy_after(self, body: bytes) -> None:
        self._pass_on(body)
        self.busy(body)

    def twice(self, body: bytes) -> None:
        self._pass_on(body)
        answer = self._pass_on(body)
        self._send(*answer)
        self._send(*answer)

    def slow(self, body: bytes) -> None:
        status, headers, data = self._pass_on(body)
        self._send(status, headers, data[:1], len(data))
        for byte in data[1:40]:
            time.sleep(0.01)
            self.wfile.write(bytes([byte]))
        self.wfile.write(data[40:])

    def garbage(self, body: bytes) -> None:
        self._send(200, [("Content-Type", "application/json")], b'<html>{"rows": 1, "results": []}')

    def other(self, body: bytes) -> None:
        answer = b'{"rows": 0, "roots": [], "blocks": 0, "missing": "none", "results": []}'
        self._send(200, [("Content-Type", "application/json")], answer)

    def login(self, body: bytes) -> None:
        self._send(302, [("Location", "http://127.0.0.1:9/login")], b"")


@contextlib.contextmanager
def standing_before(server: str, plan: Sequence[str] = ()) -> Iterator[Proxy]:
    """Until the end of the block."""
    proxy = Proxy(server, plan)
    listening = _Server(("127.0.0.1", 0), _Request)
    listening.proxy = proxy
    proxy.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
