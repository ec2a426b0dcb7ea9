"""Connections to hosts that somebody else named: only to public addresses that were checked.

Invariant: a host's name is looked up once, all of its addresses must be public, and the connection goes to one of them
under the host's own name and certificate, so no later answer of a name server can direct it into this network.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
import urllib3

from registry.core.errors import Unavailable


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, for the next bytes, for a whole block, until another gateway is asked too."""

    connect: float = 5.0
    read: float = 10.0
    block: float = 60.0
    hedge: float = 2.0


class Hosts:
    """Connection pools by origin, each bound to the public address that its host's name had."""

    def __init__(self, patience: Patience) -> None:
        self._timeout = urllib3.Timeout(connect=patience.connect, read=patience.read)
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}
        self._guard = threading.Lock()

    def pool(self, url: str) -> urllib3.HTTPConnectionPool:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        with self._guard:
            found = self._pools.get((parts.scheme, host, port))
        if found is None:
            found = self._connect(parts.scheme, host, port)
            with self._guard:
                self._pools[(parts.scheme, host, port)] = found
        return found

    def _connect(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        if scheme == "http":
            return urllib3.HTTPConnectionPool(host, port, timeout=self._timeout, maxsize=64, retries=False)
        return urllib3.HTTPSConnectionPool(
            _public_address(host, port),
            port,
            timeout=self._timeout,
            maxsize=64,
            retries=False,
            server_hostname=host,
            assert_hostname=host,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
        )

    def close(self) -> None:
        with self._guard:
            for pool in self._pools.values():
                pool.close()
            self._pools = {}


def _public_address(host: str, port: int) -> str:
    """One of a host's addresses. ``Unavailable`` if it has none, or one that is not public."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise Unavailable(f"{host} has no address: {error}") from error
    inner = [address for address in found if not ipaddress.ip_address(address.partition("%")[0]).is_global]
    if inner or not found:
        raise Unavailable(
            f"{host} has the address {inner[0] if inner else 'none'}, which is not public, so it was not contacted"
        )
    return found[0]
