"""Blocks from trustless gateways: read-only, asked in order of health, believed only after hashing.

Invariants: what a gateway may cost is bounded (2 MiB and ``seconds`` a block, no decompression); nothing but https
is asked, http for the loopback alone, and a redirect leads nowhere else; a host's addresses are looked up once, must
be public, and are the ones connected to, so that no answer of a name server turns a request inwards.

Source: the trustless gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import certifi
import urllib3

from registry.core.cid import CID, IDENTITY, verify
from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted, UsageError

MAX_BLOCK = 2 << 20
REDIRECTS = 3
PIECE = 64 << 10
HEADERS = {"Accept": "application/vnd.ipld.raw", "Accept-Encoding": "identity", "User-Agent": "emotionet"}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
WEIGHT = 0.2  # of the newest answer in a gateway's health
FAILURE = 10.0  # seconds that a failure counts for


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, for the next bytes, for a whole block, until another gateway is asked too."""

    connect: float = 5.0
    read: float = 10.0
    block: float = 60.0
    hedge: float = 2.0


def check_gateway(url: str) -> str:
    """A gateway's address without its last slash. ``UsageError`` unless https, or http of the loopback."""
    parts = urlsplit(url)
    good = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not good or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f"{url!r} is no gateway: write https://HOST (http is for this machine's loopback alone)")
    return url.rstrip("/")


class _Hosts:
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
        raise Unavailable(f"{host} has the address {inner[0] if inner else 'none'}, which is not public: not asked")
    return found[0]


class GatewayClient:
    """Implements ``registry.core.store.BlockReader`` over several gateways."""

    def __init__(self, gateways: Sequence[str], patience: Patience | None = None, parallel: int = 64) -> None:
        self._gateways = [check_gateway(url) for url in gateways]
        if not self._gateways:
            raise UsageError("no gateway is set up: set EMOTIONET_GATEWAYS, like https://trustless-gateway.link")
        self._patience = patience or Patience()
        self._hosts = _Hosts(self._patience)
        self._health = dict.fromkeys(self._gateways, 0.0)
        self._pool = ThreadPoolExecutor(parallel, "gateway")

    def close(self) -> None:
        """Let go of connections; requests under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._hosts.close()

    def has(self, cid: CID) -> bool:
        """Whether any gateway gives the block."""
        try:
            self.get(cid)
        except NotFound:
            return False
        return True

    def get(self, cid: CID) -> bytes:
        """The verified bytes.

        ``NotFound`` if every gateway says that it has them not; ``Untrusted`` (``wrong_bytes``) if one lied and
        none helped; ``Unavailable`` if they can't be reached, or not in time.
        """
        if cid.hash_code == IDENTITY:
            return cid.digest
        if len(self._gateways) == 1:
            return self._one(self._gateways[0], cid)
        left = sorted(self._gateways, key=self._health.__getitem__)
        asked: dict[Future[bytes], str] = {}
        failures: list[EmotionetError] = []
        while left or asked:
            if left:
                gateway = left.pop(0)
                asked[self._pool.submit(self._one, gateway, cid)] = gateway
            ended, _ = wait(asked, timeout=self._patience.hedge if left else None, return_when=FIRST_COMPLETED)
            for done in ended:
                del asked[done]
                error = done.exception()
                if error is None:
                    return done.result()
                if not isinstance(error, EmotionetError):
                    raise error
                failures.append(error)
        raise _worst(cid, failures)

    def _one(self, gateway: str, cid: CID) -> bytes:
        begin, penalty = time.monotonic(), FAILURE
        try:
            data = self._ask(gateway, f"{gateway}/ipfs/{cid}?format=raw", time.monotonic() + self._patience.block)
            try:
                verify(cid, data)
            except Untrusted as error:
                raise Untrusted(f"{gateway} gave wrong bytes for {cid}: leave it out", code="wrong_bytes") from error
            penalty = 0.0
            return data
        except NotFound:
            penalty = 0.0
            raise
        finally:
            taken = time.monotonic() - begin + penalty
            self._health[gateway] += WEIGHT * (taken - self._health[gateway])

    def _ask(self, gateway: str, url: str, until: float) -> bytes:
        """The body of one answer, redirects followed."""
        for _ in range(REDIRECTS + 1):
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            headers = {**HEADERS, "Host": parts.netloc}
            try:
                answer = self._hosts.pool(url).urlopen(
                    "GET", target, headers=headers, redirect=False, retries=False, preload_content=False
                )
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise Unavailable(f"{gateway} can't be reached ({type(error).__name__}): try again") from error
            location = answer.headers.get("Location") if answer.status in (301, 302, 303, 307, 308) else None
            if location is None:
                return _body(gateway, answer, until)
            answer.close()
            url = _redirected(gateway, url, location)
        raise Unavailable(f"{gateway} redirects without end: leave it out")


def _redirected(gateway: str, url: str, location: str) -> str:
    """Where a redirect leads, if that may be followed."""
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
    if not same and (new.scheme != "https" or not new.hostname or new.username):
        raise Unavailable(f"{gateway} redirects to {target[:200]!r}, which is not followed: leave it out")
    return target


def _body(gateway: str, answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """What an answer holds, up to a block's size. ``NotFound``, ``Unavailable`` or ``Untrusted`` otherwise."""
    whole = False
    try:
        if answer.status in (404, 410):
            raise NotFound(f"{gateway} does not have it")
        if answer.status != 200:
            raise Unavailable(f"{gateway} answers {answer.status}: try again later")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Untrusted(f"{gateway} sends compressed blocks, which nobody asked for: leave it out")
        pieces, size = [], 0
        while piece := answer.read1(PIECE, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BLOCK:
                raise Untrusted(f"{gateway} sends more than a block can have: leave it out", code="too_large")
            if time.monotonic() > until:
                raise Unavailable(f"{gateway} is too slow: try again, or another gateway")
        whole = True
        return b"".join(pieces)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise Unavailable(f"{gateway} broke off ({type(error).__name__}): try again") from error
    finally:
        if whole:
            answer.release_conn()
        else:
            with contextlib.suppress(Exception):  # whatever state it is in
                answer.close()


def _worst(cid: CID, failures: list[EmotionetError]) -> EmotionetError:
    """What to say of several gateways' failures."""
    lies = [error for error in failures if isinstance(error, Untrusted)]
    if lies:
        return lies[0]
    if all(isinstance(error, NotFound) for error in failures):
        return NotFound(f"no gateway that is set up has {cid}: name another in EMOTIONET_GATEWAYS")
    return Unavailable("; ".join(str(error) for error in failures if not isinstance(error, NotFound))[:500])
