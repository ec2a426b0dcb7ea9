"""Content credentials (C2PA): what the training-and-mining assertion of a picture says.

A stranger's manifest is parsed by a library outside Python, so a process of its own does it (``credentials_child``),
with bounded memory and time, no file and no network: what it can't read in time is ``notRead``, and it is started
again. Without the library (the extra ``rights``) whatever carries credentials is ``notRead``.

Invariants: nothing is raised and nothing is fetched; one picture at a time goes through the process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

from registry.core.picture_bytes import picture_kind
from registry.core.snapshots.use import UNREAD

COMMAND = (sys.executable, "-P", "-m", "registry.imaging.credentials_child")
PATIENCE = 20.0  # seconds for one picture, and for the process to start
TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
}
_STRICT = ("notAllowed", "constrained", UNREAD, "allowed")
_MOST_ANSWER = 1 << 20  # bytes
_lock = threading.Lock()


def are_in(data: bytes) -> bool:
    """Whether bytes hold a C2PA manifest store, or a part of one."""
    return b"c2pa" in data and (b"jumb" in data or b"caBX" in data or b"C2PA" in data)


def training_mining(data: bytes) -> str | None:
    """``notAllowed``, ``constrained`` or ``allowed``, the strictest that is said; ``notRead``; None: they say
    nothing of it."""
    kind = TYPES.get(picture_kind(data) or "")
    if kind is None or find_spec("c2pa") is None:
        return UNREAD
    with _lock:
        answer = _reader.ask(kind, data)
    return UNREAD if answer is None else judged(answer)


def judged(answer: object) -> str | None:
    """What the process found, as one word. An ``allowed`` that nobody vouches for is not believed; a no is."""
    if not isinstance(answer, dict) or not isinstance(uses := answer.get("uses"), list):
        return UNREAD
    said = {use if use in _STRICT else UNREAD for use in uses}
    if answer.get("valid") is not True:
        said = {UNREAD if use == "allowed" else use for use in said} | {UNREAD}
    return next((word for word in _STRICT if word in said), None)


class _Reader:
    """The process that reads credentials, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._of = 0  # the process that started it: a fork starts its own

    def ask(self, kind: str, data: bytes) -> object | None:
        """The answer about one picture; None where there is none in time."""
        try:
            process = self._started()
            return self._answer(process, struct.pack(">HQ", len(kind), len(data)) + kind.encode() + data)
        except (OSError, ValueError):
            self.stop()
            return None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None or self._of != os.getpid():
            self._process = subprocess.Popen(  # noqa: S603  our own module, or a test's
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": "", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            self._of = os.getpid()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], asked: bytes) -> object:
        """Send and receive, both without waiting for ever. ``ValueError`` where it takes too long, or has ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        ends, left, answer = time.monotonic() + PATIENCE, memoryview(asked), b""
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            ready.register(process.stdin, selectors.EVENT_WRITE)
            while not answer.endswith(b"\n"):
                events = ready.select(max(0.0, ends - time.monotonic()))
                if not events or len(answer) > _MOST_ANSWER:
                    raise ValueError("no answer in time")
                for key, _ in events:
                    if key.fileobj is process.stdin:
                        left = left[os.write(process.stdin.fileno(), left[: 1 << 16]) :]
                        if not left:
                            ready.unregister(process.stdin)
                    elif not (part := os.read(process.stdout.fileno(), 1 << 16)):
                        raise ValueError("the reader has ended")
                    else:
                        answer += part
        return json.loads(answer)

    def stop(self) -> None:
        """End the process; the next picture starts another."""
        process, self._process = self._process, None
        if process is not None and self._of == os.getpid():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


_reader = _Reader()
atexit.register(_reader.stop)
