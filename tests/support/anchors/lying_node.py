"""A chain's node on the loopback that lies or stalls on demand, in front of an honest one: a proxy for JSON-RPC.

``Lies`` has a method for each way to misbehave, named as tests name it; each gets the request and the honest answer and
gives back what is sent.
"""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHER_HASH = "0x" + "0b" * 32
EVENT = "eth_getLogs"


class LyingNode:
    """``how``: ``honest`` or a method of ``Lies``; ``stamp``: a block whose number, hash and time lies may borrow."""

    def __init__(self, upstream: str) -> None:
        self.upstream, self.how, self.url = upstream, "honest", ""
        self.asked: Counter[str] = Counter()
        self.stop = threading.Event()

    def honest(self, method: str, *parameters: Any) -> Any:
        """What the honest node behind answers."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        return json.loads(self.forward(body))["result"]

    def forward(self, body: bytes) -> bytes:
        request = urllib.request.Request(self.upstream, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found


class Lies:
    """Well-formed answers that are not true. Each method: the request's method and parameters, the honest result."""

    def __init__(self, node: LyingNode) -> None:
        self._node = node

    def another_chain(self, method: str, asked: list[Any], said: Any) -> Any:
        return "0x1" if method == "eth_chainId" else said

    def another_hash_of_a_block(self, method: str, asked: list[Any], said: Any) -> Any:
        """A block that is asked for by its number has another hash; receipts and events tell the true one."""
        return said | {"hash": OTHER_HASH} if method == "eth_getBlockByNumber" and asked[0][:2] == "0x" else said

    def one_false_hash_everywhere(self, method: str, asked: list[Any], said: Any) -> Any:
        """The anchors' blocks have another hash in everything that tells of it, but in the block after them."""
        if method == "eth_getTransactionReceipt" and said:
            return said | {"blockHash": OTHER_HASH}
        if method == EVENT:
            return [one | {"blockHash": OTHER_HASH} for one in said]
        return self.another_hash_of_a_block(method, asked, said)

    def another_block_than_asked(self, method: str, asked: list[Any], said: Any) -> Any:
        return self._node.honest(method, "0x0", False) if method == "eth_getBlockByNumber" else said

    def receipts_of_other_transactions(self, method: str, asked: list[Any], said: Any) -> Any:
        """Any other transaction of any block."""
        if method != "eth_getTransactionReceipt":
            return said
        number = int(self._node.honest("eth_blockNumber"), 16)
        for one in range(number, -1, -1):
            for hash in self._node.honest("eth_getBlockByNumber", hex(one), False)["transactions"]:
                if hash != asked[0]:
                    return self._node.honest(method, hash)
        return said

    def an_event_of_another(self, method: str, asked: list[Any], said: Any) -> Any:
        """Every event is by another publisher, in another contract."""
        other = {"address": "0x" + "99" * 20}
        return [one | other for one in said] if method == EVENT else said

    def an_anchor_that_never_was(self, method: str, asked: list[Any], said: Any) -> Any:
        """Event and contract say that a digest was anchored in a true block; that block's state does not."""
        block = self._node.honest("eth_getBlockByNumber", "0x1", False)
        if method == "eth_call" and said and int(said, 16) == 0:
            return "0x" + block["timestamp"][2:].rjust(64, "0")
        return self.an_event_that_never_was(method, asked, said)

    def an_event_that_never_was(self, method: str, asked: list[Any], said: Any) -> Any:
        """The events alone tell of an anchor; asked without a digest, of one of a digest that nobody has. The nonces
        go along: there is a transaction more."""
        if method == "eth_getTransactionCount":
            return hex(int(said, 16) + 1)
        if method != EVENT:
            return said
        block, topics = self._node.honest("eth_getBlockByNumber", "0x1", False), [*asked[0]["topics"], None, None]
        if topics[2] and said:
            return said
        topics = [*topics[:2], topics[2] or "0x" + "77" * 32]
        place = {"blockHash": block["hash"], "blockNumber": block["number"], "transactionHash": "0x" + "0c" * 32}
        more = {"transactionIndex": "0x0", "logIndex": "0x0", "removed": False, "data": "0x" + "00" * 32}
        where = asked[0]["address"]
        where = where[0] if isinstance(where, list) else where
        return [*said, {"address": where, "topics": topics, **place, **more}]

    def an_anchor_now_and_then(self, method: str, asked: list[Any], said: Any) -> Any:
        return "0x" + "00" * 32 if method == "eth_call" and self._node.asked[method] % 2 else said

    def a_final_block_now_and_then(self, method: str, asked: list[Any], said: Any) -> Any:
        lies = method == "eth_getBlockByNumber" and asked[0] == "finalized" and self._node.asked[method] % 2
        return self._node.honest(method, "0x0", False) if lies else said

    def another_hash_now_and_then(self, method: str, asked: list[Any], said: Any) -> Any:
        return self.another_hash_of_a_block(method, asked, said) if self._node.asked[method] % 2 else said

    def nonces_that_were_never_used(self, method: str, asked: list[Any], said: Any) -> Any:
        return hex(int(said, 16) + 7) if method == "eth_getTransactionCount" and asked[1] == "pending" else said

    def nonces_of_no_size(self, method: str, asked: list[Any], said: Any) -> Any:
        return hex(1 << 70) if method == "eth_getTransactionCount" else said

    def nonces_that_go_back(self, method: str, asked: list[Any], said: Any) -> Any:
        lies = method == "eth_getTransactionCount" and self._node.asked[method] % 2
        return hex(max(0, int(said, 16) - 1)) if lies else said

    def a_base_fee_beyond_all_means(self, method: str, asked: list[Any], said: Any) -> Any:
        return said | {"baseFeePerGas": hex(10**30)} if method == "eth_getBlockByNumber" else said

    def a_rising_base_fee(self, method: str, asked: list[Any], said: Any) -> Any:
        fee = 10**9 << self._node.asked[method]
        return said | {"baseFeePerGas": hex(fee)} if method == "eth_getBlockByNumber" else said

    def a_time_that_none_is(self, method: str, asked: list[Any], said: Any) -> Any:
        return said | {"timestamp": hex(1 << 62)} if method == "eth_getBlockByNumber" else said

    def a_hash_of_one_byte(self, method: str, asked: list[Any], said: Any) -> Any:
        return said | {"hash": "0x01"} if method == "eth_getBlockByNumber" else said

    def taken_and_forgotten(self, method: str, asked: list[Any], said: Any) -> Any:
        """Says that it has the transaction, and gives it to nobody; see ``_Answer``."""
        return said


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    node: LyingNode

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    """``FAULTS``, the methods without a request of their own, are answers that are no JSON-RPC, or none."""

    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        node, body = self.server.node, self.rfile.read(int(self.headers["Content-Length"]))
        if node.how in FAULTS:
            getattr(self, node.how)()
            return
        asked = json.loads(body)
        node.asked[asked["method"]] += 1
        if node.how == "taken_and_forgotten" and asked["method"] == "eth_sendRawTransaction":
            self._json({"jsonrpc": "2.0", "id": asked["id"], "result": OTHER_HASH})
            return
        answer = json.loads(node.forward(body))
        if node.how != "honest" and "result" in answer:
            answer["result"] = getattr(Lies(node), node.how)(asked["method"], asked["params"], answer["result"])
        self._json(answer)

    def _json(self, answer: Any) -> None:
        self._send(json.dumps(answer).encode())

    def _send(self, body: bytes, *, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def _without_end(self, piece: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.node.stop.wait(pause):
                self.wfile.write(piece)
                self.wfile.flush()

    def a_web_page(self) -> None:
        self._send(b"<html>sign in</html>", kind="text/html")

    def text(self) -> None:
        self._send(b"hello")

    def a_list(self) -> None:
        self._send(b"[]")

    def nested(self) -> None:
        self._send(b'{"result":' + b"[" * 100_000)

    def busy(self) -> None:
        self._send(b"later", status=503)

    def gone(self) -> None:
        self._send(b"", status=404)

    def moved(self) -> None:
        self._send(b"", status=302)

    def huge(self) -> None:
        self._without_end(b"[" + b" " * (1 << 20), 0)

    def a_byte_at_a_time(self) -> None:
        self._without_end(b" ", 0.02)

    def silent(self) -> None:
        self.server.node.stop.wait(30)


LIES = tuple(name for name in vars(Lies) if not name.startswith("_"))
FAULTS = tuple(
    name for name in vars(_Answer) if not name.startswith("_") and name not in ("do_POST", "log_message", "server")
)


@contextlib.contextmanager
def lying(upstream: str) -> Iterator[LyingNode]:
    """A node in front of the one at ``upstream``, honest at first."""
    server, node = _Server(("127.0.0.1", 0), _Answer), LyingNode(upstream)
    server.node, node.url = node, f"http://me:hush@127.0.0.1:{server.server_address[1]}/key"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        node.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
