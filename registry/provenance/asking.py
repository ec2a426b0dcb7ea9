"""One HTTP request to a service that stamps, signs or has rounds of a beacon, and may lie, stall or send without end.

Invariants: at most ``limit`` bytes and ``seconds`` are spent on an answer; no redirect is followed; the address, which
may hold a password, is in no message: the host alone is. Whatever is no proper answer is ``Unavailable``. What
fetches content (``registry.content.sources``) has connections of its own, because its addresses come from strangers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3

from registry.core.errors import NotFound, Unavailable, UsageError

SECONDS = 20.0
CONNECT_SECONDS = 5.0
PIECE = 1 << 14


def host_of(url: str, variable: str = "EMOTIONET_TSA or EMOTIONET_OTS") -> str:
    """Host, port and path of an address, without user and password. ``UsageError`` for what is no http address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{parts.hostname or 'an address'!r} in {variable} is no http or https address",
            hint="write it whole, like https://tsa.example/tsr.",
        )
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


def ask(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int,
    seconds: float = SECONDS,
    name: str | None = None,
) -> bytes:
    """The answer's bytes. ``name``: as messages call the service. ``NotFound`` for a 404 or a 425 (too early);
    ``Unavailable`` for anything else than a 200 in time, its code ``too_large`` where it sends more than ``limit``."""
    name, until = name or host_of(url), time.monotonic() + seconds
    timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
    user, _, word = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        sent = dict(headers or {}) | (urllib3.make_headers(basic_auth=f"{user}:{word}") if user else {})
        address = url.replace(f"{urlsplit(url).netloc}", urlsplit(url).netloc.rpartition("@")[2], 1)
        try:
            answer = pool.request(method, address, body=body, headers=sent, redirect=False, preload_content=False)
            try:
                return _body(name, answer, limit, until)
            finally:
                with contextlib.suppress(Exception):  # whatever state the connection is in
                    answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"{name} can't be reached ({type(error).__name__})", hint="try again.") from error


def _body(name: str, answer: urllib3.BaseHTTPResponse, limit: int, until: float) -> bytes:
    if answer.status in (404, 425):
        raise NotFound(f"{name} does not have it")
    if answer.status != 200:
        raise Unavailable(f"{name} answers with status {answer.status}", hint="try again later.")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/html"):
        raise Unavailable(f"{name} answers with a web page", hint="check the address.")
    pieces, size = [], 0
    while piece := answer.read1(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise Unavailable(f"{name} sends more than {limit} bytes", code="too_large", hint="check the address.")
        if time.monotonic() > until:
            raise Unavailable(f"{name} is too slow", hint="try again later.")
    return b"".join(pieces)
