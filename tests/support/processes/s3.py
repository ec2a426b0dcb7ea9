"""A real S3 server on the loopback (versitygw, on a folder), and a front before it that misbehaves on demand."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from registry.content.stores.s3.bucket import Place

TOOLS = Path(__file__).resolve().parents[3] / ".tools" / "s3" / "versitygw"
KEY, SECRET = "emotionet-tests", "a secret that no line may hold"


def find() -> str | None:
    """The program: .tools/s3/versitygw, or the one on the path."""
    return str(TOOLS) if TOOLS.exists() else shutil.which("versitygw")


@dataclass(frozen=True)
class S3:
    """A server: its address, and the folder whose folders are its buckets."""

    endpoint: str
    folder: Path

    def bucket(self) -> str:
        """A new bucket's name."""
        name = f"b-{uuid.uuid4().hex}"
        (self.folder / name).mkdir()
        return name

    def place(self, bucket: str, endpoint: str | None = None, **more: Any) -> Place:
        """Where a bucket lies, by another address where one is given."""
        return Place(f"s3://{bucket}/blocks", endpoint or self.endpoint, None, KEY, SECRET, **more)

    def environment(self, bucket: str) -> dict[str, str]:
        """What a process is told."""
        return {
            "EMOTIONET_S3": f"s3://{bucket}/blocks",
            "EMOTIONET_S3_ENDPOINT": self.endpoint,
            "EMOTIONET_S3_KEY": KEY,
            "EMOTIONET_S3_SECRET": SECRET,
        }


@contextmanager
def s3_server(program: str, folder: Path, port: int, host: str = "127.0.0.1") -> Iterator[S3]:
    """A started server, which listens at ``host``."""
    buckets, beside = folder / "buckets", folder / "beside"
    for one in (buckets, beside):
        one.mkdir(parents=True)
    command = [program, "--port", f"{host}:{port}", "--keep-alive", "--quiet", "posix", "--sidecar", str(beside)]
    environment = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*command, str(buckets)], env=environment, stdout=log, stderr=log) as server,
    ):
        made = S3(f"http://127.0.0.1:{port}", buckets)
        try:
            _wait(server, made, folder / "log")
            yield made
        finally:
            server.terminate()
            server.wait(30)


def _wait(server: subprocess.Popen[bytes], made: S3, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            connection = http.client.HTTPConnection(made.endpoint.removeprefix("http://"), timeout=1)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the S3 server does not start: {log.read_text(errors='replace')[-500:]}")


@dataclass
class Front:
    """Passes requests on to a server, and does to the next ones what ``plan`` says, one name a request.

    ``pass``; ``500``; ``slow`` (503 SlowDown); ``lost`` (not passed on, the connection ends); ``unanswered`` (passed
    on, the answer is lost); ``flip`` (a bit of the answer's body is another); ``flip sent`` (a bit of the request's);
    ``cut`` (half of the answer's body); ``late`` (an answer after a while). ``only`` chooses the requests that count.
    """

    to: str
    plan: list[str] = field(default_factory=list)
    only: Callable[[str, str], bool] = lambda method, path: True
    seen: list[str] = field(default_factory=list)
    address: str = ""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str, path: str) -> str:
        """What is done to this request."""
        with self.guard:
            self.seen.append(f"{method} {path}")
            return self.plan.pop(0) if self.plan and self.only(method, path) else "pass"


LATE_SECONDS = 0.5
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _any(self) -> None:
        sent = self._chunks() if self._chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = self.front.next(self.command, self.path)
        if what == "lost":
            self._end()
        elif what in ("500", "slow"):
            self._answer(500 if what == "500" else 503, [], SLOW_DOWN)
        else:
            self._pass_on(what, _flipped(sent) if what == "flip sent" else sent)

    @property
    def _chunked(self) -> bool:
        return self.headers.get("Transfer-Encoding", "").lower() == "chunked"

    def _chunks(self) -> bytes:
        sent = b""
        while size := int(self.rfile.readline(), 16):
            sent += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return sent

    def _pass_on(self, what: str, sent: bytes) -> None:
        connection = http.client.HTTPConnection(self.front.to.removeprefix("http://"), timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "transfer-encoding"):
                connection.putheader(name, value)
        if self._chunked:
            connection.putheader("Content-Length", str(len(sent)))
        connection.endheaders(sent or None)
        given = connection.getresponse()
        body = given.read()
        connection.close()
        if what == "unanswered":
            self._end()
            return
        if what == "late":
            time.sleep(LATE_SECONDS)
        if what == "flip":
            body = _flipped(body)
        self._answer(given.status, given.getheaders(), body, half=what == "cut")

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, *, half: bool = False) -> None:
        self.send_response_only(status)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", lengths[0] if self.command == "HEAD" and lengths else str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self._end()

    def _end(self) -> None:
        self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _any  # noqa: N815 - the names that http.server looks for


def _flipped(data: bytes) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


@contextmanager
def front_before(server: S3) -> Iterator[Front]:
    """A front, up until the end of the block."""
    front = Front(server.endpoint)
    handler = type("Handler", (_Handler,), {"front": front})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        front.address = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield front
        finally:
            listening.shutdown()
            thread.join()
