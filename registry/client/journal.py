"""What of one import was acknowledged, in a file that survives the process.

Invariants: a line is on disk before its batch counts as done; half a line, which a killed process leaves, is none. The
Idempotency-Key of a batch follows from the journal's own random number and the batch's bytes: a batch that was sent
before a kill is sent again under the same key, whether or not its answer came. One process at a time has a journal.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from pathlib import Path
from typing import IO, Any

import msgspec

from registry.core.errors import Conflict, not_written
from registry.files import sync_file

_VERSION = 1


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    about: str
    id: str


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    outcome: dict[str, Any]


class Journal:
    """``path`` None: in memory alone, for what need not be resumed."""

    def __init__(self, path: Path | None = None, about: str = "") -> None:
        """``about`` is what is imported to where. ``Conflict`` if the file is of something else, or in use."""
        self._path, self._stream = path, None
        self._done: dict[str, dict[str, Any]] = {}
        self._id = secrets.token_hex(16)
        if path is not None:
            self._stream = _open(path)
            try:
                self._read(path, about)
            except BaseException:
                self.close()
                raise

    @property
    def done(self) -> int:
        """How many batches are done."""
        return len(self._done)

    def _read(self, path: Path, about: str) -> None:
        assert self._stream is not None
        lines = self._stream.read().split(b"\n")
        whole = sum(len(line) + 1 for line in lines[:-1])
        self._stream.truncate(whole)  # half a line behind the last is none
        self._stream.seek(whole)
        if not lines[:-1]:
            self._write(_Head(version=_VERSION, about=about, id=self._id))
            return
        try:
            head = msgspec.json.decode(lines[0], type=_Head)
            found = [msgspec.json.decode(line, type=_Done) for line in lines[1:-1]]
        except msgspec.MsgspecError as error:
            raise Conflict(f"{path} is no journal of an import", code="journal", hint="name another file.") from error
        if (head.version, head.about) != (_VERSION, about):
            raise Conflict(f"{path} is the journal of another import", code="journal", hint="name another file.")
        self._id, self._done = head.id, {one.key: one.outcome for one in found}

    def key(self, body: bytes) -> str:
        """The Idempotency-Key of a batch."""
        return hashlib.sha256(self._id.encode() + b"\0" + body).hexdigest()

    def outcome(self, key: str) -> dict[str, Any] | None:
        """What was answered to a batch; None if it is not done."""
        return self._done.get(key)

    def finish(self, key: str, outcome: dict[str, Any]) -> None:
        """A batch is done."""
        self._done[key] = outcome
        self._write(_Done(key=key, outcome=outcome))

    def _write(self, line: msgspec.Struct) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(msgspec.json.encode(line) + b"\n")
            sync_file(self._stream)
        except OSError as error:
            raise not_written(self._path, error) from error

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file; ``remove``: the import came to its end."""
        if self._stream is not None:
            if remove and self._path is not None:
                self._path.unlink(missing_ok=True)
            self._stream.close()
            self._stream = None


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError as error:
        raise not_written(path, error) from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise Conflict(f"{path} is in use by another process", code="journal", hint="wait for it.") from error
    return stream
