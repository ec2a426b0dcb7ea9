"""How much one client may ask in a minute: by its network address, and by its token.

Invariants: memory is bounded: the clients that asked longest ago are forgotten first, and begin anew. Of IPv6 the first
64 bits count, because a client has all of what is behind them. Each process counts for itself.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from functools import lru_cache
from typing import Any

from litestar.connection import ASGIConnection

from registry.api.problems import HttpProblem

REMEMBERED = 20_000
USUAL = 6000  # requests of an address in a minute where nothing is set
LOCAL = ""  # the key of whoever is on this machine, or has no address


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The client's network address; what a proxy says of it counts only where the server trusts that proxy."""
    return connection.client.host if connection.client else ""


@lru_cache(maxsize=REMEMBERED)
def network_of(address: str) -> str:
    """What is counted together; ``LOCAL`` for this machine."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return LOCAL  # a socket of this machine
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return network_of(str(found.ipv4_mapped))
        return LOCAL if found.is_loopback else str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return LOCAL if found.is_loopback else str(found)


class Limit:
    """So many requests a minute for each key, all at once or spread; 0: any number. Threads may share it."""

    def __init__(self, per_minute: int, what: str) -> None:
        self.per_minute, self._what = per_minute, what
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many are left, as of when

    def check(self, key: str) -> None:
        """Count one request. ``HttpProblem`` 429 with Retry-After where none is left."""
        if not self.per_minute:
            return
        now, rate = time.monotonic(), self.per_minute / 60
        with self._lock:
            left, at = self._left.pop(key, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - at) * rate)
            self._left[key] = (max(0.0, left - 1), now) if left >= 1 else (left, now)
            while len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            wait = int((1 - left) / rate) + 1
            detail = f"more than {self.per_minute} requests came from this {self._what} within a minute: wait"
            raise HttpProblem(429, detail, headers={"Retry-After": str(wait)})


class Limits:
    """The limits of one server. ``by_address`` None: ``USUAL`` for addresses of other machines."""

    def __init__(self, by_address: int | None, by_token: int) -> None:
        self._local = by_address is not None
        self._addresses = Limit(USUAL if by_address is None else by_address, "address")
        self.tokens = Limit(by_token, "token")

    def check(self, scope: Any) -> None:
        """Count one request. ``HttpProblem`` 429 beyond its address's limit."""
        network = network_of(scope["client"][0] if scope.get("client") else "")
        if network != LOCAL or self._local:
            self._addresses.check(network)

    def lets(self, scope: Any) -> bool:
        """Whether a request may be answered before any guard is asked; it counts then."""
        try:
            self.check(scope)
        except HttpProblem:
            return False
        return True
