"""Threads by kind of work: none of one kind waits behind another.

Invariants: how many threads work on a kind and how many requests wait for them is bounded; who comes then is told to
come again (503), and who alone has too much heavy work under way is told so (429). Litestar runs its handlers in the
one executor that it is given, which is this; the kind is the request's, set before its route is looked for.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from litestar.concurrency import set_asyncio_executor

from registry.api.common import PREFIX
from registry.api.problems import HttpProblem

READ, PAGE, WRITE, HEAVY = "read", "page", "write", "heavy"


@dataclass(frozen=True)
class Size:
    """How many threads, how many requests may wait for them, and how many of them one address may have here."""

    threads: int
    waiting: int
    of_one: int | None = None


SIZES = {READ: Size(6, 1000), PAGE: Size(4, 200), WRITE: Size(6, 200), HEAVY: Size(4, 40, 6)}
_HEAVY = (  # seconds of computing for who asks
    ("POST", r"/audits"),
    ("POST", r"/releases/[^/]+/claims"),
    ("GET", r"/releases/[^/]+/(?:report|compare.*)"),
    ("GET", r"/releases/compare.*"),
    ("GET", r"/snapshots/[^/]+/diff/.*"),
    ("POST", r"/releases/[^/]+/predict.*"),
)
_PATTERNS = tuple((method, re.compile(f"(?:{re.escape(PREFIX)})?{path}")) for method, path in _HEAVY)
_MACHINES = (PREFIX, "/ipfs/", "/metrics", "/healthz", "/readyz", "/schema", "/static/")
_asked: ContextVar[tuple[str, str, str]] = ContextVar("asked", default=("GET", PREFIX, ""))  # method, path, client


def kind_of(method: str, path: str) -> str:
    """Of a request: what it costs, and whom it may keep waiting."""
    if any(method == wanted and pattern.fullmatch(path) for wanted, pattern in _PATTERNS):
        return HEAVY
    if not path.startswith(_MACHINES):
        return PAGE
    return READ if method in ("GET", "HEAD", "OPTIONS") else WRITE


def begin(scope: Any) -> None:
    """Say which request it is that this task works on, and whose."""
    client = scope.get("client")
    _asked.set((scope["method"], scope["path"], client[0] if client else ""))


class _Pool:
    def __init__(self, kind: str, size: Size) -> None:
        self.size = size
        self.here, self.of = 0, Counter[str]()  # under way or waiting, all and by address
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(size.threads, thread_name_prefix=kind)

    def submit(self, client: str, work: Callable[[], Any]) -> Future[Any]:
        self._enter(client)
        try:
            future = self._threads.submit(work)
        except BaseException:
            self._leave(client)
            raise
        future.add_done_callback(lambda _: self._leave(client))
        return future

    def _enter(self, client: str) -> None:
        with self._lock:
            if self.size.of_one is not None and self.of[client] >= self.size.of_one:
                detail = "this address has as much heavy work under way as one may have: wait for it"
                raise HttpProblem(429, detail, headers={"Retry-After": "5"})
            if self.here >= self.size.threads + self.size.waiting:
                raise HttpProblem(503, "too many requests of this kind wait: try again", headers={"Retry-After": "5"})
            self.here += 1
            self.of[client] += 1

    def _leave(self, client: str) -> None:
        with self._lock:
            self.here -= 1
            self.of[client] -= 1
            if not self.of[client]:
                del self.of[client]


class Pools(Executor):
    """The executor for all handlers of this process."""

    def __init__(self) -> None:
        self._pools = {kind: _Pool(kind, size) for kind, size in SIZES.items()}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        """Do this in a thread for the kind of the request that asks. ``HttpProblem`` 429 or 503 beyond the bounds."""
        method, path, client = _asked.get()
        return self._pools[kind_of(method, path)].submit(client, lambda: fn(*args, **more))

    def read(self, work: Callable[[], Any]) -> Future[Any]:
        """Do this in a thread for reading, whatever the request is."""
        return self._pools[READ].submit("", work)

    def under_way(self) -> dict[str, int]:
        """Requests that a thread works on, or that wait for one, by kind."""
        return {kind: pool.here for kind, pool in self._pools.items()}


pools = Pools()


def install() -> None:
    """Give them to Litestar."""
    set_asyncio_executor(pools)  # type: ignore[arg-type]
