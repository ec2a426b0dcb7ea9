"""Several processes that answer at one address.

All accept from one socket. What remembers something in memory (forms and tasks of pages, signing in) or computes for
seconds is answered by the first process alone: the others hand such requests on to it, over this machine's loopback.

Invariants: the first process has the worker and is the only one that starts others; one that ended is started again
until the first stops, and all end with it, however it ends. Only who knows the secret that the first gave to its
children is believed about a client's address.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
from typing import Any

import h11
import uvicorn

from registry import logs
from registry.api.access.proxies import server_options
from registry.api.common import PREFIX
from registry.api.serving.pools import HEAVY, PAGE, kind_of
from registry.assembly import open_home
from registry.settings import Settings, read_settings

GRACE = 10  # seconds that answers under way have when a server is told to stop
COLLECT = (10_000, 20, 50)  # often and little: a look at everything takes long
PAUSE = 1.0  # before a process that ended is started again
_SECRET = "EMOTIONET_SERVE_SECRET"  # noqa: S105 - the name of a variable
_HEADER = b"x-emotionet-forwarded"
_OF_A_CONNECTION = frozenset((b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"expect", _HEADER))
_log = logging.getLogger("registry.serve")


def settings_of(app: Any, settings: Settings) -> uvicorn.Config:
    """How an application is served."""
    return uvicorn.Config(
        app,
        log_config=None,  # its warnings go where ours go, requests are told by the application itself
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        backlog=2048,
        **server_options(settings),
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that processes can share."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(address)
    found.listen(2048)
    return found


def be_quick() -> None:
    """Threads take turns after a millisecond instead of five, and what lives as long as the process is not looked
    through for what can be let go: a request that needs three threads in turn waits for each."""
    sys.setswitchinterval(0.001)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def serve(app: Any, public: socket.socket, count: int, settings: Settings) -> None:
    """Answer with ``count`` processes until this one is told to stop."""
    be_quick()
    if count == 1:
        uvicorn.Server(settings_of(app, settings)).run(sockets=[public])
        return
    inner, secret = listen("127.0.0.1", 0), secrets.token_urlsafe(24)
    children = Children(public, inner.getsockname()[1], secret, count - 1)
    try:
        uvicorn.Server(settings_of(Believing(app, secret), settings)).run(sockets=[public, inner])
    finally:
        children.stop()


class Children:
    """The other processes. Each ends when its standard input does, so also when the first is killed."""

    def __init__(self, public: socket.socket, inner: int, secret: str, count: int) -> None:
        self._public, self._inner = public, inner
        self._environment = {**os.environ, _SECRET: secret}
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._keep, daemon=True, name=f"serve {n}") for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _keep(self) -> None:
        number = self._public.fileno()
        command = [sys.executable, "-P", "-m", "registry.api.serving.processes", str(number), str(self._inner)]
        while not self._stopping.is_set():
            with subprocess.Popen(  # noqa: S603 - this program itself
                command, env=self._environment, stdin=subprocess.PIPE, pass_fds=[number]
            ) as child:
                while child.poll() is None and not self._stopping.wait(0.2):
                    pass
                assert child.stdin is not None
                child.stdin.close()
                try:
                    child.wait(GRACE + 5)
                except subprocess.TimeoutExpired:
                    child.kill()
            if not self._stopping.is_set():
                _log.error("a process that answers requests ended with %s: another begins", child.returncode)
                self._stopping.wait(PAUSE)

    def stop(self) -> None:
        """Let them finish their answers."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(GRACE + 10)


class Believing:
    """Takes a client's address and scheme from what another process of this server hands on."""

    def __init__(self, app: Any, secret: str) -> None:
        self._app, self._secret = app, secret.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As the application answers."""
        if scope["type"] == "http":
            said = next((value for name, value in scope["headers"] if name == _HEADER), b"")
            secret, _, told = said.partition(b" ")
            if hmac.compare_digest(secret, self._secret):
                scheme, _, client = told.decode("latin-1").partition(" ")
                headers = [one for one in scope["headers"] if one[0] != _HEADER]
                scope = {**scope, "headers": headers, "scheme": scheme, "client": (client, 0) if client else None}
        await self._app(scope, receive, send)


class Forwarding:
    """Hands on what the first process alone can answer."""

    def __init__(self, app: Any, port: int, secret: str) -> None:
        self._app, self._port, self._secret = app, port, secret

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer here or there."""
        if scope["type"] != "http" or not is_of_the_first(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self._hand_on(scope, receive, send, reader, writer)
        finally:
            writer.close()

    async def _hand_on(self, scope: Any, receive: Any, send: Any, reader: Any, writer: Any) -> None:
        line = h11.Connection(h11.CLIENT)
        writer.write(line.send(self._request(scope)))
        body = asyncio.ensure_future(_send_body(line, receive, writer))
        try:
            while not isinstance(event := await _next(line, reader), (h11.EndOfMessage, h11.ConnectionClosed)):
                if isinstance(event, h11.Response):
                    headers = [one for one in event.headers if one[0] not in _OF_A_CONNECTION | {b"transfer-encoding"}]
                    await send({"type": "http.response.start", "status": event.status_code, "headers": headers})
                elif isinstance(event, h11.Data):
                    await send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            body.cancel()

    def _request(self, scope: Any) -> h11.Request:
        client = scope["client"][0] if scope.get("client") else ""
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        kept = [one for one in scope["headers"] if one[0] not in _OF_A_CONNECTION]
        told = (_HEADER, f"{self._secret} {scope['scheme']} {client}".encode("latin-1"))
        return h11.Request(method=scope["method"], target=target, headers=[*kept, told, (b"connection", b"close")])


def is_of_the_first(method: str, path: str) -> bool:
    """Whether the first process has to answer."""
    return kind_of(method, path) in (PAGE, HEAVY) or path.startswith(f"{PREFIX}/session")


async def _send_body(line: h11.Connection, receive: Any, writer: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            writer.close()
            return
        if line.our_state is h11.SEND_BODY:
            if message.get("body"):
                writer.write(line.send(h11.Data(data=message["body"])))
                await writer.drain()
            if not message.get("more_body"):
                writer.write(line.send(h11.EndOfMessage()))


async def _next(line: h11.Connection, reader: Any) -> Any:
    while (event := line.next_event()) is h11.NEED_DATA:
        line.receive_data(await reader.read(65_536))
    return event


def _child(number: int, inner: int) -> None:
    from registry.api.app import create_app

    home = open_home(read_settings())
    logs.set_up(home.settings)
    app = Forwarding(create_app(home), inner, os.environ.pop(_SECRET))
    be_quick()
    server = uvicorn.Server(settings_of(app, home.settings))
    threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=number)])
    home.close()


def _stop_with_parent(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    _child(int(sys.argv[1]), int(sys.argv[2]))
