"""A request's body as a file that a thread reads while it comes in, unpacked on the way.

Invariants: of a body, packed or not, no more lies in memory than a piece of it; it has at most ``ROWS_BYTES`` as it is
sent and as it unpacks, and takes at most ``BODY_SECONDS``; ``digest`` is of the bytes as they were sent, once they
have all been read.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import IO, Any

from anyio import from_thread

from registry.api.problems import HttpProblem
from registry.api.v1.wire import BODY_SECONDS, ROWS_BYTES
from registry.core.errors import InvalidInput
from registry.core.extras import need

CODINGS = ("identity", "gzip", "zstd")
_FEED = 256  # bytes that zstd unpacks at once: at most to 8 MiB
_WINDOW = 8 << 20  # bytes of memory that zstd's own format asks of whoever reads


class _Sent(io.RawIOBase):
    """The bytes as they are sent; to be read by a thread that anyio started."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces, self._left, self._came = pieces, memoryview(b""), 0
        self._until = time.monotonic() + BODY_SECONDS
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(from_thread.run(self._next))
            self._count(self._left)
        taken = min(len(buffer), len(self._left))
        buffer[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken

    async def _next(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    def _count(self, piece: memoryview) -> None:
        self._came += len(piece)
        self.digest.update(piece)
        if self._came > ROWS_BYTES:
            raise _too_large("has")
        if time.monotonic() > self._until:
            reason = f"the body took more than {BODY_SECONDS} seconds: send it in several requests"
            raise HttpProblem(408, reason, code="body_slow", headers={"Connection": "close"})


class _Unpacked(io.RawIOBase):
    """What a packed body unpacks to, bounded; what is wrong with it is ``InvalidInput`` (``bad_encoding``)."""

    def __init__(self, stream: Any, coding: str, errors: tuple[type[Exception], ...]) -> None:
        self._stream, self._coding, self._errors, self._came = stream, coding, errors, 0

    @classmethod
    def opened(cls, stream: Any, coding: str, errors: tuple[type[Exception], ...]) -> IO[bytes]:
        return io.BufferedReader(cls(stream, coding, errors), 1 << 16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except self._errors as error:
            raise InvalidInput(
                f"the body is no {self._coding}, or was cut off: {error}",
                code="bad_encoding",
                hint="send it as Content-Encoding says, or plain.",
            ) from error
        self._came += len(data)
        if self._came > ROWS_BYTES:
            raise _too_large("unpacks to")
        buffer[: len(data)] = data
        return len(data)


class _Zstd:
    """Frames of zstd, read a little at a time; ``EOFError`` where the last one is cut off, which zstandard's own reader
    does not tell."""

    def __init__(self, sent: IO[bytes], zstandard: Any) -> None:
        self._sent, self._left, self._data = sent, b"", b""
        self._begin = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj
        self._frame = self._begin()
        self._fresh = True  # nothing of the frame has come yet

    def read(self, size: int) -> bytes:
        while not self._data:
            piece = self._left or self._sent.read(_FEED)
            if not piece:
                if not self._fresh:
                    raise EOFError("its last frame has no end")
                return b""
            self._data, self._left, self._fresh = self._frame.decompress(piece), b"", False
            if self._frame.eof:
                self._left = self._frame.unused_data
                self._frame, self._fresh = self._begin(), True
        found, self._data = self._data[:size], self._data[size:]
        return found


def _too_large(verb: str) -> HttpProblem:
    reason = f"the body {verb} more than {ROWS_BYTES >> 20} MiB: send it in several requests"
    return HttpProblem(413, reason, code="body_too_large")


def open_body(pieces: AsyncIterator[bytes], coding: str) -> tuple[IO[bytes], Callable[[], str]]:
    """The body to be read, and a function that reads what is left of it and gives its digest in hex.

    ``HttpProblem`` 415 for a coding that is none of ``CODINGS``.
    """
    sent = _Sent(pieces)
    raw: IO[bytes] = io.BufferedReader(sent, 1 << 16)
    plain = raw
    if coding == "gzip":
        packed = gzip.GzipFile(fileobj=raw)
        plain = _Unpacked.opened(packed, coding, (OSError, EOFError, zlib.error))
    elif coding == "zstd":
        need("zstd", "a body that is packed with zstd")
        import zstandard

        plain = _Unpacked.opened(_Zstd(raw, zstandard), coding, (zstandard.ZstdError, EOFError))
    elif coding not in ("", "identity"):
        headers = {"Accept-Encoding": ", ".join(CODINGS)}  # RFC 9110, section 15.5.16
        raise HttpProblem(415, f"send the body as one of {', '.join(CODINGS)}", headers=headers)

    def digest() -> str:
        while raw.read(1 << 16):
            pass
        return sent.digest.hexdigest()

    return plain, digest
