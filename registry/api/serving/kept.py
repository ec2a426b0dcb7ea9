"""Answers that are given again as they are, before a route is looked for and without asking the database.

Invariants: an answer is kept where its handler says by which mark (``catalog.marks``) it would be the same, and is
given while that mark is what it was before the handler began. Only whole answers of status 200 to a plain GET are kept:
none that sets a cookie, none to a request with a range or a token. Who asks while an answer is made waits for it, never
for the client that it is made for. Memory is bounded.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from registry.api.gateway.ranges import etag_matches
from registry.catalog.marks import Marks

BYTES, LARGEST = 64 << 20, 1 << 20
_ASKED_OTHERWISE = frozenset((b"range", b"if-range", b"authorization", b"cache-control", b"service-worker"))
_OF_ONE_ANSWER = frozenset((b"x-request-id", b"date"))
_OF_A_BODY = frozenset((b"content-length", b"content-type", b"content-disposition"))
Headers = Sequence[tuple[bytes, bytes]]
Key = tuple[str, bytes, bytes]


class Answer(NamedTuple):
    """One answer; ``mark`` is what the mark ``by`` was when it was made."""

    headers: Headers
    body: bytes
    etag: str | None
    by: str
    mark: object
    route: str | None


def key_of(scope: Any) -> Key | None:
    """Under which a request's answer is kept; None where it may not be."""
    if scope["method"] != "GET":
        return None
    accept = b""
    for name, value in scope["headers"]:
        if name in _ASKED_OTHERWISE:
            return None
        if name == b"accept":
            accept += b"," + value
    return scope["path"], scope["query_string"], accept


class Kept:
    """The answers of one process. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._made: dict[Key, asyncio.Event] = {}  # what is being made, in this process's event loop

    async def found(self, key: Key, marks: Marks | None) -> Answer | None:
        """The same as ``find``, after whoever makes it now."""
        answer, made = self.find(key, marks), self._made.get(key)
        if answer is not None or made is None:
            return answer
        await made.wait()
        return self.find(key, marks)

    @contextmanager
    def making(self, key: Key) -> Iterator[Callable[[], None]]:
        """Others wait meanwhile, at most until the function that this gives is called."""
        made = asyncio.Event()
        mine = self._made.setdefault(key, made) is made

        def end() -> None:
            made.set()
            if self._made.get(key) is made:
                del self._made[key]

        try:
            yield end if mine else lambda: None
        finally:
            end()

    def find(self, key: Key, marks: Marks | None) -> Answer | None:
        """The answer under a key, if it still holds."""
        with self._lock:
            found = self._answers.get(key)
            if found is None or marks is None or getattr(marks, found.by) != found.mark:
                return None
            self._answers.move_to_end(key)
            return found

    def put(self, key: Key, answer: Answer) -> None:
        """Keep an answer; those that were not asked for longest go."""
        with self._lock:
            self._drop(key)
            self._answers[key] = answer
            self._bytes += _size(answer)
            while self._bytes > BYTES:
                self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        old = self._answers.pop(key, None)
        if old is not None:
            self._bytes -= _size(old)


def _size(answer: Answer) -> int:
    return len(answer.body) + 2000  # and what holds it


async def give(answer: Answer, scope: Any, send: Any, request_id: str) -> None:
    """Send a kept answer, or 304 to who has it."""
    status, headers, body = 200, [*answer.headers, (b"x-request-id", request_id.encode())], answer.body
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), None)
    if asked is not None and answer.etag is not None and etag_matches(asked.decode("latin-1"), answer.etag):
        status, body = 304, b""
        headers = [one for one in headers if one[0] not in _OF_A_BODY]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Recorder:
    """Sends an answer on, and has it whole at the end. ``came`` is called once, before anything of the answer is sent:
    when it is here as a whole, or when its first piece is."""

    def __init__(self, send: Any, came: Callable[[Recorder], None]) -> None:
        self._send, self._came = send, came
        self._start: Any = None  # not sent before the first piece, because sending may wait for the client
        self._headers: Headers = ()
        self._parts: list[bytes] | None = None
        self._whole = False
        self.came_whole = False  # in one piece

    async def __call__(self, message: Any) -> None:
        """One message of an answer."""
        if message["type"] == "http.response.start":
            cookie = any(name.lower() == b"set-cookie" for name, _ in message["headers"])
            if message["status"] == 200 and not cookie:
                self._headers, self._parts = list(message["headers"]), []
            self._start = message
            return
        self._note(message)
        if self._start is not None:
            start, self._start = self._start, None
            self.came_whole = self._whole
            self._came(self)
            await self._send(start)
        await self._send(message)

    def _note(self, message: Any) -> None:
        if message["type"] == "http.response.body" and self._parts is not None:
            self._parts.append(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if sum(map(len, self._parts)) > LARGEST:
                self._parts = None

    def answer(self, by: str, marks: Marks, route: str | None) -> Answer | None:
        """What was sent, if it can be kept."""
        if self._parts is None or not self._whole:
            return None
        headers = [(name.lower(), value) for name, value in self._headers]
        etag = next((value.decode("latin-1") for name, value in headers if name == b"etag"), None)
        plain = None if etag is None else etag.removeprefix("W/").strip('"')
        headers = [one for one in headers if one[0] not in _OF_ONE_ANSWER]
        return Answer(headers, b"".join(self._parts), plain, by, getattr(marks, by), route)
