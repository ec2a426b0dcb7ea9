"""Who is signed in to the pages, and that a form was sent from one of them.

Invariants: the cookie holds a secret of the session alone, never the token; it is HttpOnly and SameSite=Strict, and
Secure where the page came by https. Every form that is sent carries a value that follows from the cookie of who was
shown it, so that no other site can make a form that counts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from registry.api.problems import HttpProblem
from registry.catalog import sessions
from registry.catalog.sessions import SignedIn

SESSION, VISIT = "emotionet_session", "emotionet_visit"
HOURS = 12  # how long a session lasts
TRIES, WINDOW, CLIENTS = 10, 60.0, 10_000  # wrong tokens of one client within so many seconds; clients remembered
AnyRequest = Request[Any, Any, Any]


def cookie(request: AnyRequest, name: str, value: str, seconds: int | None = None) -> Cookie:
    """A cookie of ours; ``seconds`` None: until the browser is closed."""
    secure = request.url.scheme == "https"
    return Cookie(name, value=value, max_age=seconds, httponly=True, samesite="strict", secure=secure, path="/")


def signed_in(request: AnyRequest) -> SignedIn | None:
    """Whose session the request's cookie belongs to. Asked once a request."""
    if "emotionet.signed_in" not in request.scope:
        secret, home = request.cookies.get(SESSION), request.app.state.home
        found = None
        if secret and len(secret) <= 200:
            with home.catalog.read() as db:
                found = sessions.find(db, secret, home.now(), request.app.state.accounts)
        request.scope["emotionet.signed_in"] = found  # type: ignore[typeddict-unknown-key]
    known: SignedIn | None = request.scope["emotionet.signed_in"]  # type: ignore[typeddict-item]
    return known


def _secret(request: AnyRequest) -> str | None:
    """What this browser's forms follow from: its session's secret, else that of its visit."""
    return (request.cookies.get(SESSION) if signed_in(request) else None) or request.cookies.get(VISIT)


def _token(secret: str) -> str:
    return hmac.new(secret.encode(), b"emotionet form", hashlib.sha256).hexdigest()


def csrf(request: AnyRequest) -> tuple[str, Cookie | None]:
    """The value that a form shown now must carry, and the cookie to set where the browser has none yet."""
    secret = _secret(request)
    if secret:
        return _token(secret), None
    secret = secrets.token_urlsafe(24)
    return _token(secret), cookie(request, VISIT, secret)


def check_origin(request: AnyRequest) -> None:
    """``HttpProblem`` 403 for what another site's page sends."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or site not in (None, "same-origin", "none"):
        raise HttpProblem(
            403, "this form was sent from another site's page: open it here and send it again", code="csrf"
        )


def check_csrf(request: AnyRequest, sent: str) -> None:
    """``HttpProblem`` 403 unless the form was shown to this browser."""
    secret = _secret(request)
    if not secret or not hmac.compare_digest(_token(secret), sent):
        detail = "this form is too old, or was not made for this browser: open the page again and send it from there"
        raise HttpProblem(403, detail, code="csrf")


class WrongTokens:
    """How often clients sent a token that is none. Threads may share it.

    Invariant: bounded: the clients that erred longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, client: str) -> None:
        """``HttpProblem`` 429 after ``TRIES`` within ``WINDOW`` seconds."""
        with self._lock:
            times = self._at.get(client, deque())
            while times and times[0] < time.monotonic() - WINDOW:
                times.popleft()
            if len(times) >= TRIES:
                wait = str(int(WINDOW - (time.monotonic() - times[0])) + 1)
                detail = "too many wrong tokens came from this address: wait a minute"
                raise HttpProblem(429, detail, headers={"Retry-After": wait})

    def add(self, client: str) -> None:
        """Count one more failed try to sign in from ``client``, now."""
        with self._lock:
            self._at.setdefault(client, deque(maxlen=TRIES)).append(time.monotonic())
            self._at.move_to_end(client)
            while len(self._at) > CLIENTS:
                self._at.popitem(last=False)
