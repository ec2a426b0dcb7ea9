"""A load of HTTP requests over kept connections, from a process of its own that does as little as it can.

It knows answers with a length and chunked ones, and nothing else of HTTP: what it costs must not be taken for the
server's cost. Addresses are asked for in turn.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import cast


@dataclass(frozen=True)
class Load:
    """What came of it: answers, those that were no 200 or 304, seconds of the whole, milliseconds of each answer."""

    answers: int
    others: int
    seconds: float
    times: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        return statistics.quantiles(self.times, n=1000)[round(share * 1000) - 1] if len(self.times) > 1 else 0.0


class _Asker(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], first: int, until: float) -> None:
        self.requests, self.next, self.until = requests, first, until
        self.ended = asyncio.get_running_loop().create_future()
        self.times, self.others, self.buffer, self.left = list[float](), 0, b"", -1
        self.chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to ask."""
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        if time.perf_counter() >= self.until:
            self.transport.close()
            return
        self.begun, self.buffer, self.left, self.chunked = time.perf_counter(), b"", -1, False
        self.transport.write(self.requests[self.next % len(self.requests)])
        self.next += 1

    def data_received(self, data: bytes) -> None:
        """Ask again once the answer is whole."""
        if self.left < 0:
            self.buffer += data
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._begin(head)
            data, self.buffer = rest, b""
        if self.chunked:
            self.buffer = self.buffer[-4:] + data
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return
            self.left = 0
        else:
            self.left -= len(data)
        if self.left <= 0:
            self.times.append(1000 * (time.perf_counter() - self.begun))
            self._ask()

    def _begin(self, head: bytes) -> None:
        self.others += head[9:12] not in (b"200", b"304")
        lines = head.lower().split(b"\r\n")
        self.chunked = b"transfer-encoding: chunked" in lines
        sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        self.left = sizes[0] if sizes and head[9:12] != b"304" else 0

    def connection_lost(self, error: Exception | None) -> None:
        """Over: the time is, or the server was."""
        if not self.ended.done():
            self.ended.set_result(None)


async def _run(host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    askers = []
    for number in range(connections):
        first = number * len(requests) // connections
        make = lambda first=first: _Asker(requests, first, begun + seconds)  # noqa: E731
        askers.append((await loop.create_connection(make, host, port))[1])
    await asyncio.gather(*(one.ended for one in askers))
    times = [time for one in askers for time in one.times]
    return Load(len(times), sum(one.others for one in askers), time.perf_counter() - begun, times)


def request(path: str, headers: dict[str, str] | None = None) -> bytes:
    """A GET as it is sent."""
    lines = [f"GET {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _child(host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    return asyncio.run(_run(host, port, requests, connections, seconds))


def load(address: str, requests: Sequence[bytes], *, connections: int = 64, seconds: float = 3.0) -> Load:
    """Ask for ``seconds`` over so many connections."""
    host, _, port = address.rpartition(":")
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_child, (host, int(port), requests, connections, seconds))


if __name__ == "__main__":
    found = load(sys.argv[1], [request(sys.argv[2])])
    print(f"{found.rate:.0f} a second, p50 {found.quantile(0.5):.1f} ms, p99 {found.quantile(0.99):.1f} ms")
