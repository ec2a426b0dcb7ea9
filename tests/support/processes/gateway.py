"""A trustless gateway on the loopback that misbehaves on demand. Blocks come from any reader."""

from __future__ import annotations

import contextlib
import gzip
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockReader


class Gateway:
    """``how`` is what it does: ``honest`` or one of the methods of ``_Answer``; ``delay`` in seconds an answer."""

    def __init__(self, blocks: BlockReader, how: str = "honest", delay: float = 0.0) -> None:
        self.blocks, self.how, self.delay = blocks, how, delay
        self.asked: Counter[str] = Counter()
        self.only: set[str] | None = None  # CIDs for which it misbehaves; None: all
        self.times = 1 << 60  # so often it misbehaves for a CID, then it is honest
        self.url = ""
        self.stop = threading.Event()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    gateway: Gateway

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet, as servers do
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        gateway = self.server.gateway
        name = self.path.removeprefix("/ipfs/").partition("?")[0]
        gateway.asked[name] += 1
        if gateway.delay:
            time.sleep(gateway.delay)
        bad = (gateway.only is None or name in gateway.only) and gateway.asked[name] <= gateway.times
        how = gateway.how if bad else "honest"
        try:
            data = gateway.blocks.get(CID.parse(name))
        except NotFound:
            self._send(404, b"not here")
            return
        getattr(self, how)(data)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def honest(self, data: bytes) -> None:
        self._send(200, data, Content_Type="application/vnd.ipld.raw")

    def wrong(self, data: bytes) -> None:
        self._send(200, bytes([(data[0] if data else 0) ^ 1]) + data[1:])

    def more(self, data: bytes) -> None:
        self._send(200, data + b"and more")

    def gone(self, data: bytes) -> None:
        self._send(410, b"")

    def absent(self, data: bytes) -> None:
        self._send(404, b"")

    def broken(self, data: bytes) -> None:
        self._send(500, b"oops")

    def busy(self, data: bytes) -> None:
        self._send(429, b"", Retry_After="1")

    def cut(self, data: bytes) -> None:
        self._send_head(len(data) + 10)
        self.wfile.write(data[: len(data) // 2])
        self.close_connection = True

    def _send_head(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
        self.end_headers()

    def endless(self, data: bytes) -> None:
        self._send_head(None)
        with contextlib.suppress(OSError):
            while not self.server.gateway.stop.is_set():
                self.wfile.write(bytes(1 << 16))
        self.close_connection = True

    def trickle(self, data: bytes) -> None:
        self._send_head(1 << 20)
        with contextlib.suppress(OSError):
            while not self.server.gateway.stop.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()
        self.close_connection = True

    def hang(self, data: bytes) -> None:
        self.server.gateway.stop.wait(20)
        self.close_connection = True

    def reset(self, data: bytes) -> None:
        self.connection.close()

    def bomb(self, data: bytes) -> None:
        self._send(200, gzip.compress(bytes(50 << 20)), Content_Encoding="gzip")

    def inwards(self, data: bytes) -> None:
        self._send(302, b"", Location="http://169.254.169.254/latest/meta-data")

    def elsewhere(self, data: bytes) -> None:
        self._send(302, b"", Location="https://localhost/ipfs/x")

    def round(self, data: bytes) -> None:
        self._send(302, b"", Location=self.path)

    def moved(self, data: bytes) -> None:
        if "moved=1" in self.path:
            self.honest(data)
        else:
            self._send(301, b"", Location=f"{self.path}&moved=1")

    def nonsense(self, data: bytes) -> None:
        self.wfile.write(b"\x00\xff not HTTP\r\n\r\n")
        self.close_connection = True


@contextlib.contextmanager
def serving(gateway: Gateway, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Gateway]:
    """Serve it on a port of the loopback (a free one unless given) until the end of the block."""
    server = _Server(("127.0.0.1", port), _Answer)
    server.gateway = gateway
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    gateway.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
