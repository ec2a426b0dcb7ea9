"""A signer over JSON-RPC on the loopback, as web3signer is one, that misbehaves on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_account import Account

OTHER = 99  # a key that is not the publisher's


class Signer:
    """``how``: one of the names in ``_Answer.ways``."""

    def __init__(self, number: int) -> None:
        self.secret, self.how, self.url = number.to_bytes(32, "big"), "honest", ""
        self.asked: list[dict[str, Any]] = []
        self.stop = threading.Event()

    def signed(self, asked: dict[str, Any], secret: bytes | None = None, **other: Any) -> str:
        """The transaction that a request describes, or another."""
        said = {name: value for name, value in asked.items() if name != "from"} | other
        fields = {name: _read(name, value) for name, value in said.items()}
        return "0x" + bytes(Account.sign_transaction(fields, secret or self.secret).raw_transaction).hex()


def _read(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return bytes.fromhex(value[2:]) if name in {"to", "data"} else int(value, 16)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    signer: Signer

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        signer = self.server.signer
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["method"] == "eth_accounts":
            self._result([str(Account.from_key(signer.secret).address)])
            return
        signer.asked.append(asked["params"][0])
        one = asked["params"][0]
        ways: dict[str, Callable[[], object]] = {
            "honest": lambda: self._result(signer.signed(one)),
            "like geth": lambda: self._result({"raw": signer.signed(one), "tx": {}}),
            "refuses": lambda: self._send(json.dumps({"id": 1, "error": {"code": -32000, "message": "denied"}})),
            "signs more value": lambda: self._result(signer.signed(one, value="0x10")),
            "signs another nonce": lambda: self._result(signer.signed(one, nonce="0x77")),
            "signs for another chain": lambda: self._result(signer.signed(one, chainId="0x1")),
            "signs an access list": lambda: self._result(
                signer.signed(one, accessList=[{"address": one["to"], "storageKeys": []}])
            ),
            "signs with another account": lambda: self._result(signer.signed(one, OTHER.to_bytes(32, "big"))),
            "answers nothing": lambda: self._result(None),
            "answers junk": lambda: self._result("0x02junk"),
            "answers a web page": lambda: self._send("<html>sign in</html>", kind="text/html"),
            "answers text": lambda: self._send("hello"),
            "answers without end": lambda: self._send("x" * (1 << 20)),
            "is busy": lambda: self._send("later", status=503),
            "is elsewhere": lambda: self._send("", status=404),
            "stalls": lambda: signer.stop.wait(30),
        }
        ways[signer.how]()

    def _result(self, value: Any) -> None:
        self._send(json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}))

    def _send(self, text: str, *, status: int = 200, kind: str = "application/json") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)


@contextlib.contextmanager
def signing(number: int) -> Iterator[Signer]:
    """One that holds the key of this number."""
    server, signer = _Server(("127.0.0.1", 0), _Answer), Signer(number)
    server.signer = signer
    signer.url = f"http://user:hush@127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield signer
    finally:
        signer.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
