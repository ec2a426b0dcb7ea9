"""Requests to one server, repeated until they are answered.

Invariants: only what a repetition can mend is repeated: no answer, half an answer, an answer that is none, or a status
that says to come again. Pauses grow at random, so that many clients do not come back at once, and never fall short of
the server's Retry-After. A connection that wrote is closed after its answer: what a confused server or proxy sends
twice is never read as the answer to the next request. Redirects are not followed: they would take the token along.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, UsageError

T = TypeVar("T")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_ANSWER = 256 << 20  # bytes of one document
_CLASSES: dict[int, type[EmotionetError]] = {404: NotFound, 410: NotFound, 409: Conflict}
OnRetry = Callable[[str, float], None]


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, without a byte, for a whole answer; the first pause, the longest, and how long a request is
    repeated before it is given up."""

    connect: float = 10.0
    silence: float = 120.0
    answer: float = 900.0
    first: float = 0.5
    longest: float = 60.0
    give_up: float = 900.0


class WrongAnswer(Unavailable):
    """An answer that is not what the API answers: of something in between, or cut off."""

    code = "wrong_answer"


class _Problem(msgspec.Struct, frozen=True):
    """Of an RFC 9457 document what is told."""

    detail: str = ""
    code: str = "error"
    hint: str | None = None


class _Refused(Exception):
    """A status that is no success, and after how many seconds the server says to come again."""

    def __init__(self, error: EmotionetError, status: int, after: float | None) -> None:
        super().__init__(str(error))
        self.error, self.status, self.after = error, status, after


def check_server(url: str, *, token: bool, plain_http: bool = False) -> str:
    """A server's address without its last slash. ``UsageError`` unless https, or http of this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f"{url!r} is not the address of a registry", hint="write https://HOST.")
    if parts.scheme == "http" and token and not plain_http and parts.hostname not in LOOPBACK:
        raise UsageError(
            f"{url} would be sent the token where everyone on the way can read it",
            code="plain_http",
            hint="use https; within a network that you trust, allow it with --plain-http.",
        )
    return url.rstrip("/")


class Connection:
    """One server, and the token that is sent to it. Threads may share it."""

    def __init__(
        self,
        server: str,
        token: str | None = None,
        *,
        patience: Patience | None = None,
        plain_http: bool = False,
        on_retry: OnRetry = lambda reason, seconds: None,
    ) -> None:
        self.server = check_server(server, token=token is not None, plain_http=plain_http)
        self.patience = patience or Patience()
        self._on_retry = on_retry
        headers = {"User-Agent": "emotionet-client", "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        silence = self.patience.silence
        self._http = httpx.Client(
            base_url=self.server,
            headers=headers,
            follow_redirects=False,
            timeout=httpx.Timeout(silence, connect=self.patience.connect),
        )

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        read: Callable[[Iterator[bytes], httpx.Headers], T],
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        repeat: bool = True,
        stopped: threading.Event | None = None,
    ) -> T:
        """What ``read`` makes of an answer's bytes; it raises ``WrongAnswer`` for one that is none.

        Without ``repeat`` a request whose answer was lost is not sent again: it may have been carried out.
        ``InvalidInput``, ``NotFound`` or ``Conflict`` as the server says; ``Unavailable`` once patience has ended, or
        once it is ``stopped``: no request begins after that.
        """
        begun, attempt, stopped = time.monotonic(), 0, stopped or threading.Event()
        sent = {**(headers or {}), **({} if method in ("GET", "HEAD") else {"Connection": "close"})}
        wanted = {name: value for name, value in (params or {}).items() if value is not None}
        while True:
            if stopped.is_set():
                raise Unavailable("no more is sent: it was stopped", code="stopped")
            try:
                return self._once(method, path, read, content, sent, wanted)
            except _Refused as refused:
                error, after = refused.error, refused.after
                if refused.status not in AGAIN and after is None:
                    raise error from None
            except WrongAnswer as wrong:
                if not repeat:
                    raise
                error, after = wrong, None
            pause = max(self._pause(attempt), after or 0.0)
            if time.monotonic() - begun + pause > self.patience.give_up:
                raise error
            self._on_retry(f"waiting for {self.server}: {error}", pause)
            stopped.wait(pause)
            attempt += 1

    def _pause(self, attempt: int) -> float:
        return random.uniform(0.3, 1.0) * min(self.patience.longest, self.patience.first * 2.0 ** min(attempt, 20))  # noqa: S311  no secret

    def _once(
        self,
        method: str,
        path: str,
        read: Callable[[Iterator[bytes], httpx.Headers], T],
        content: bytes | None,
        headers: dict[str, str],
        params: dict[str, Any],
    ) -> T:
        until = time.monotonic() + self.patience.answer
        try:
            with self._http.stream(method, path, content=content, headers=headers, params=params) as answer:
                if not answer.is_success:
                    raise self._refused(answer)
                return read(_timely(answer, until), answer.headers)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise WrongAnswer(
                f"{self.server} did not answer ({type(error).__name__})",
                code="no_answer",
                hint="check the address; the same command again goes on where this one was.",
            ) from error

    def _refused(self, answer: httpx.Response) -> _Refused:
        status, problem = answer.status_code, _Problem()
        try:
            body = b"".join(_bounded(answer.iter_raw(), 1 << 16))
            problem = msgspec.json.decode(body, type=_Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError, WrongAnswer):
            pass
        said = problem.detail or f"{self.server} answers {status}"
        if status in AGAIN:
            error: EmotionetError = Unavailable(said, code=problem.code, hint="try again later.")
        elif status < 400:
            error = Unavailable(
                f"{self.server} leads elsewhere, to {answer.headers.get('Location', '?')[:200]}, which is not followed",
                code="redirected",
                hint="give the address that it leads to, if that is where you want to send your token.",
            )
        else:
            error = _CLASSES.get(status, InvalidInput)(said, code=problem.code, hint=problem.hint)
        return _Refused(error, status, retry_after(answer.headers.get("Retry-After"), self.patience.longest))


def retry_after(text: str | None, longest: float) -> float | None:
    """Seconds of a Retry-After, at most ``longest`` (or a minute); None where there is none that can be read."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), max(longest, 60.0))


def _timely(answer: httpx.Response, until: float) -> Iterator[bytes]:
    """An answer's bytes; ``WrongAnswer`` for one that takes for ever, each byte in time."""
    for piece in answer.iter_raw():
        if time.monotonic() > until:
            raise WrongAnswer("the answer does not come to its end", code="no_answer", hint="try again.")
        yield piece


def _bounded(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise WrongAnswer("the answer is larger than any that is expected")
        yield piece


def document(kind: type[T]) -> Callable[[Iterator[bytes], httpx.Headers], T]:
    """Reads an answer's JSON as ``kind``. ``WrongAnswer`` where it is none."""

    def read(pieces: Iterator[bytes], _: httpx.Headers) -> T:
        body = b"".join(_bounded(pieces, MAX_ANSWER))
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WrongAnswer(f"the answer is not what a registry answers: {error}") from error

    return read
