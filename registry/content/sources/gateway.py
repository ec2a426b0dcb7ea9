"""Blocks from trustless gateways: read-only, the healthiest gateway first, every block hashed.

Invariants: the cost of a request is bounded (2 MiB and ``seconds`` per block, no decompression). Only https is used,
http only for the loopback, and a redirect can't change that. A host's addresses are looked up once, must be public, and
are the ones connected to, so no answer of a name server can direct a request into this network.

Source: the trustless gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import urljoin, urlsplit

import urllib3

from registry.content.sources.hosts import Hosts, Patience
from registry.content.stores.verified import VerifiedSource, verified_block
from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted, UsageError
from registry.core.ipld.cid import CID, MAX_BLOCK
from registry.core.ports.store import WITHDRAWN

LEAVE_OUT = "leave it out of EMOTIONET_GATEWAYS."
REDIRECTS = 3
PAUSES = (0.2, 1.0)  # seconds before all gateways are asked again
PIECE = 64 << 10
HEADERS = {"Accept": "application/vnd.ipld.raw", "Accept-Encoding": "identity", "User-Agent": "emotionet"}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
WEIGHT = 0.2  # of the newest answer in a gateway's health
FAILURE = 10.0  # seconds that a failure counts for


def check_gateway(url: str) -> str:
    """A gateway's address without its last slash. ``UsageError`` unless https, or http of the loopback."""
    parts = urlsplit(url)
    good = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not good or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(
            f"{url!r} is not the address of a gateway",
            hint="write https://HOST (http is for this machine's loopback alone).",
        )
    return url.rstrip("/")


class GatewayClient(VerifiedSource):
    """Implements ``registry.core.ports.store.BlockReader`` over several gateways."""

    def __init__(self, gateways: Sequence[str], patience: Patience | None = None, parallel: int = 64) -> None:
        self._gateways = [check_gateway(url) for url in gateways]
        if not self._gateways:
            raise UsageError(
                "no gateway is configured", hint="set EMOTIONET_GATEWAYS, like https://trustless-gateway.link."
            )
        self._patience = patience or Patience()
        self._hosts = Hosts(self._patience)
        self._health = dict.fromkeys(self._gateways, 0.0)
        self._pool = ThreadPoolExecutor(parallel, "gateway")

    def close(self) -> None:
        """Let go of connections; requests under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._hosts.close()

    def fetch_block(self, cid: CID) -> bytes:
        """The verified bytes.

        ``NotFound`` if every gateway says that it has them not; ``Untrusted`` (``wrong_bytes``) if one lied and
        none helped; ``Unavailable`` if they can't be reached, or not in time.
        """
        for pause in PAUSES:
            try:
                return self._round(cid)
            except Unavailable:  # broken off, busy, unreachable for a moment: all of them once more
                time.sleep(pause)
        return self._round(cid)

    def _round(self, cid: CID) -> bytes:
        """Ask every gateway at most once."""
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
            data = self._answer(gateway, f"{gateway}/ipfs/{cid}?format=raw", time.monotonic() + self._patience.block)
            verified_block(cid, data, gateway, LEAVE_OUT)
            penalty = 0.0
            return data
        except NotFound as error:
            penalty = 0.0
            raise NotFound(f"block {cid}: {error}", code=error.code) from error
        finally:
            taken = time.monotonic() - begin + penalty
            self._health[gateway] += WEIGHT * (taken - self._health[gateway])

    def document(self, gateway: str, path: str) -> bytes:
        """A JSON document of one of the gateways, unverified; bounded, and errors, as of a block."""
        until = time.monotonic() + self._patience.block
        return self._answer(gateway, f"{gateway}{path}", until, accept="application/json")

    def _answer(self, gateway: str, url: str, until: float, accept: str = HEADERS["Accept"]) -> bytes:
        """The body of one answer, redirects followed."""
        for _ in range(REDIRECTS + 1):
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            headers = {**HEADERS, "Accept": accept, "Host": parts.netloc}
            try:
                answer = self._hosts.pool(url).urlopen(
                    "GET", target, headers=headers, redirect=False, retries=False, preload_content=False
                )
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise Unavailable(f"{gateway} can't be reached ({type(error).__name__})", hint="try again.") from error
            location = answer.headers.get("Location") if answer.status in (301, 302, 303, 307, 308) else None
            if location is None:
                return _body(gateway, answer, until)
            answer.close()
            url = _redirected(gateway, url, location)
        raise Unavailable(f"{gateway} redirects without end", hint=LEAVE_OUT)


def _redirected(gateway: str, url: str, location: str) -> str:
    """Where a redirect leads, if that may be followed."""
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
    if not same and (new.scheme != "https" or not new.hostname or new.username):
        raise Unavailable(
            f"{gateway} redirects to {target[:200]!r}, which is not followed",
            hint=LEAVE_OUT,
        )
    return target


def _body(gateway: str, answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """What an answer holds, up to a block's size. ``NotFound``, ``Unavailable`` or ``Untrusted`` otherwise."""
    whole = False
    try:
        if answer.status == 410:
            raise NotFound(f"{gateway} says that it was withdrawn", code=WITHDRAWN)
        if answer.status == 404:
            raise NotFound(f"{gateway} does not have it")
        if answer.status != 200:
            raise Unavailable(f"{gateway} answers {answer.status}", hint="try again later.")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Untrusted(f"{gateway} sends compressed blocks, which were not requested", hint=LEAVE_OUT)
        pieces, size = [], 0
        while piece := answer.read1(PIECE, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BLOCK:
                raise Untrusted(
                    f"{gateway} sends more bytes than a block may have",
                    code="too_large",
                    hint=LEAVE_OUT,
                )
            if time.monotonic() > until:
                raise Unavailable(f"{gateway} is too slow", hint="try again, or another gateway.")
        whole = True
        return b"".join(pieces)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise Unavailable(f"{gateway} closed the connection ({type(error).__name__})", hint="try again.") from error
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
        code = WITHDRAWN if any(error.code == WITHDRAWN for error in failures) else NotFound.code
        said = f"none of the configured gateways has {cid}"
        return NotFound(said, code=code, hint="add another to EMOTIONET_GATEWAYS.")
    return Unavailable("; ".join(str(error) for error in failures if not isinstance(error, NotFound))[:500])
