"""A drand network with a key of its own, in this process and over relays on the loopback, that misbehaves on demand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from registry.core.errors import Unavailable, Untrusted
from registry.core.ports.beacon import tell_nobody
from registry.core.records import DrandRound, Note
from registry.evaluation.beacon_notes import relay_lies
from registry.provenance.beacons import bls
from registry.provenance.beacons.networks import SCHEME, Network

SECRET, OTHER_SECRET = 20_261_201, 20_261_202
GENESIS, PERIOD = 1_764_547_200, 3  # 2025-12-01T00:00:00Z
NEWEST = 1 << 40  # rounds that are out, unless a test says otherwise


def _bytes(*halves: int) -> bytes:
    return b"".join(one.to_bytes(48, "big") for one in halves)


@cache
def sign(number: int, secret: int = SECRET) -> bytes:
    """The signature of a round by a secret number."""
    from py_ecc.bls.hash_to_curve import hash_to_G1
    from py_ecc.bls.point_compression import compress_G1
    from py_ecc.optimized_bls12_381 import multiply

    message = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return _bytes(compress_G1(multiply(hash_to_G1(message, bls.DST, hashlib.sha256), secret)))


@cache
def network(secret: int = SECRET) -> Network:
    """The network whose members hold this secret."""
    from py_ecc.bls.point_compression import compress_G2
    from py_ecc.optimized_bls12_381 import G2, multiply

    return Network(_bytes(*compress_G2(multiply(G2, secret))), PERIOD, GENESIS, bytes(32), "simulated")


def info(secret: int = SECRET, **changed: Any) -> dict[str, Any]:
    """What a relay answers at ``/<hash>/info``."""
    one = network(secret)
    told = {"public_key": one.key.hex(), "period": one.period, "genesis_time": one.genesis, "hash": one.hash}
    more = {"groupHash": one.group.hex(), "schemeID": SCHEME, "metadata": {"beaconID": one.name}}
    return {**told, **more, **changed}


def drand_round(number: int, secret: int = SECRET) -> DrandRound:
    """A genuine round of the network."""
    return DrandRound(chain=network(secret).hash, round=number, signature=sign(number, secret))


class MemoryBeacons:
    """Implements ``registry.core.ports.beacon.Beacons``. ``sources``: what each does: honest, lies, silent."""

    def __init__(self, *sources: str, newest: int = NEWEST) -> None:
        self.sources, self.newest = sources or ("honest",), newest
        self.requested: list[int] = []

    @property
    def name(self) -> str:
        return f"drand:{network().hash}"

    def round_after(self, time: str) -> int:
        return network().round_after(time)

    def time_of(self, number: int) -> str:
        return network().time_of(number)

    def fetch(self, number: int, tell: Callable[[Note], None] = tell_nobody) -> DrandRound:
        self.requested.append(number)
        for place, how in enumerate(self.sources):
            if how == "lies":
                tell(relay_lies(f"source {place}", number))
            elif how == "honest" and number <= self.newest:
                return drand_round(number)
        if set(self.sources) == {"lies"}:
            raise Untrusted("all sources lie", code="bad_round")
        raise Unavailable(f"nobody has round {number}", code="no_round")


class Relay:
    """``how``: ``honest`` or one of the methods of ``_Answer``; ``newest`` is the last round that is out."""

    def __init__(self, how: str = "honest", newest: int = NEWEST) -> None:
        self.how, self.newest, self.url = how, newest, ""
        self.requested: list[str] = []
        self.stop = threading.Event()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    relay: Relay

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        relay = self.server.relay
        relay.requested.append(self.path)
        chain, public, number = self.path.removeprefix("/").split("/")
        if chain != network().hash or public != "public" or int(number) > relay.newest:
            self._send(404, b"")
        else:
            getattr(self, relay.how)(int(number))

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def _round(self, number: int, signature: bytes, **changed: Any) -> None:
        value = hashlib.sha256(signature).hexdigest()
        told = {"round": number, "randomness": value, "signature": signature.hex()}
        self._send(200, json.dumps({**told, **changed}).encode())

    def honest(self, number: int) -> None:
        self._round(number, sign(number))

    def early(self, number: int) -> None:
        self._round(number - 1, sign(number - 1))

    def exchanged(self, number: int) -> None:
        self._round(number, sign(number - 1))

    def other_key(self, number: int) -> None:
        self._round(number, sign(number, OTHER_SECRET))

    def other_value(self, number: int) -> None:
        self._round(number, sign(number), randomness="00" * 32)

    def nonsense(self, number: int) -> None:
        self._send(200, b'{"round": "many"}')

    def page(self, number: int) -> None:
        self._send(200, b"<html>welcome</html>")

    def short(self, number: int) -> None:
        self._round(number, b"signature")

    def broken(self, number: int) -> None:
        self._send(500, b"oops")

    def huge(self, number: int) -> None:
        self._send(200, b" " * (1 << 20) + b"{}")

    def moved(self, number: int) -> None:
        self._send(302, b"", Location=f"{self.server.relay.url}/elsewhere/public/{number}")

    def silent(self, number: int) -> None:
        self.server.relay.stop.wait(30)

    def slow(self, number: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.relay.stop.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()


@contextlib.contextmanager
def relays(*hows: str, newest: int = NEWEST) -> Iterator[list[Relay]]:
    """One relay for each way to behave, in this order."""
    with contextlib.ExitStack() as stack:
        made = []
        for how in hows:
            server = _Server(("127.0.0.1", 0), _Answer)
            server.relay = relay = Relay(how, newest)
            relay.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            stack.callback(relay.stop.set)
            made.append(relay)
        yield made
