"""An OpenTimestamps calendar on the loopback, with a chain of blocks of its own, that misbehaves on demand."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from registry.provenance.evidence.ots_format import BITCOIN, PENDING, number_bytes

EASY = bytes.fromhex("ffff7f20")  # the target of Bitcoin's regtest: every second hash meets it
HEIGHT = 358_391


def sized(data: bytes) -> bytes:
    """Varbytes."""
    return number_bytes(len(data)) + data


def header_of(root: bytes, at: int) -> bytes:
    """A header of a block with this Merkle root and time, whose hash meets its target."""
    for nonce in range(1 << 20):
        made = b"\x01\0\0\0" + bytes(32) + root + at.to_bytes(4, "little") + EASY + nonce.to_bytes(4, "little")
        if hashlib.sha256(hashlib.sha256(made).digest()).digest()[31] < 0x7F:
            return made
    raise AssertionError("no nonce")


class CalendarServer:
    """``how`` is what it does; ``mined`` whether its promises are kept already; ``headers`` are those of its blocks."""

    def __init__(self) -> None:
        self.how, self.url, self.mined, self.at = "honest", "", False, int(time.time())
        self.headers: dict[int, bytes] = {}
        self.stop = threading.Event()
        self.asked: list[str] = []

    def promise(self, digest: bytes, calendar: str | None = None) -> bytes:
        """sha256(digest || salt), and the promise for that."""
        operations = b"\xf0" + sized(b"salt") + b"\x08"
        return operations + b"\x00" + PENDING + sized(sized((calendar or self.url).encode()))

    def kept(self, message: bytes) -> bytes:
        """The message beside another in a block of two transactions; its header is noted."""
        root = hashlib.sha256(message + bytes(32)).digest()
        height = HEIGHT + len(self.headers)
        self.headers[height] = header_of(root, self.at)
        return b"\xf0" + sized(bytes(32)) + b"\x08\x00" + BITCOIN + sized(number_bytes(height))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    calendar: CalendarServer

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        calendar = self.server.calendar
        calendar.asked.append(self.path)
        digest = self.rfile.read(int(self.headers["Content-Length"]))
        getattr(self, f"promise_{calendar.how}", self.promise_honest)(digest)

    def do_GET(self) -> None:
        calendar = self.server.calendar
        calendar.asked.append(self.path)
        message = bytes.fromhex(self.path.rpartition("/")[2])
        if not calendar.mined:
            self.send(b"Pending confirmation in Bitcoin blockchain", 404)
            return
        getattr(self, f"keep_{calendar.how}", self.keep_honest)(message)

    def send(self, body: bytes, status: int = 200, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def promise_honest(self, digest: bytes) -> None:
        self.send(self.server.calendar.promise(digest))

    def promise_html(self, digest: bytes) -> None:
        self.send(b"<html>", kind="text/html; charset=utf-8")

    def promise_garbage(self, digest: bytes) -> None:
        self.send(b"\xf0\x05")

    def promise_nothing(self, digest: bytes) -> None:
        self.send(b"\x08\x00" + b"unknown!" + sized(b"x"))

    def promise_elsewhere(self, digest: bytes) -> None:
        self.send(self.server.calendar.promise(digest, "http://169.254.169.254"))

    def promise_busy(self, digest: bytes) -> None:
        self.send(b"", 503)

    def promise_huge(self, digest: bytes) -> None:
        self.send(bytes(20_000))

    def keep_honest(self, message: bytes) -> None:
        self.send(self.server.calendar.kept(message))

    def keep_other(self, message: bytes) -> None:
        """Names a block that holds something else."""
        self.server.calendar.kept(b"something else")
        self.send(b"\x08\x00" + BITCOIN + sized(number_bytes(HEIGHT)))


@contextlib.contextmanager
def serving(calendar: CalendarServer) -> Iterator[CalendarServer]:
    """Serve it on a free port of the loopback until the end of the block."""
    server = _Server(("127.0.0.1", 0), _Answer)
    server.calendar = calendar
    calendar.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield calendar
    finally:
        calendar.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
