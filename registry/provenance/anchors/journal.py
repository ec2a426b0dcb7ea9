"""The embedded place to anchor: a file of one JSON object a line, on this machine.

It remembers when something was said first, for the home's own use. **It proves nothing to anybody
else**: whoever owns the file can write any time into it, or all of it anew. Its anchors therefore say
``journal``, never ``finalized``, and an audit counts level 3 as not held.

Invariants: lines are only appended, under an exclusive lock, and flushed to the disk before they are
answered; any number of processes and threads share one file. A line ends with a newline and carries
sha2-256 over the line before's checksum and its own body, so that an accident in the middle is found:
that is ``Untrusted`` ``journal_damaged``. A last line without its newline is a write that a crash cut
off; it was never answered, so it is cut away at the next append, with a warning in the log.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from registry.core.errors import InvalidInput, Unavailable, Untrusted
from registry.core.ports.anchor import Anchor, AnchorProof
from registry.core.records import check_time
from registry.files import sync_folder

_log = logging.getLogger(__name__)
_START = "0" * 64  # checksum before the first line


def utc_now() -> str:
    """RFC 3339, UTC, seconds, from this machine's clock."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Journal:
    """``registry.core.ports.anchor.Anchors`` on a file. ``publisher``: 0x address, or what gives it when needed (to
    read what others anchored needs no key); ``now`` tells the time to write."""

    chain = "journal"
    contract = None

    def __init__(self, path: Path, publisher: str | Callable[[], str], now: Callable[[], str] = utc_now) -> None:
        self._path = path
        self._who = publisher
        self._now = now
        self._threads = threading.Lock()
        self._forget()

    @property
    def _publisher(self) -> str:
        return (self._who if isinstance(self._who, str) else self._who()).lower()

    def submit(self, digest: bytes) -> Anchor:
        """Write the digest down, unless it is there. Returns once it is on the disk."""
        _check(digest)
        with self._threads, self._opened(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as handle:
            self._catch_up(handle)
            if (self._publisher, digest) not in self._times:
                self._append(handle, digest)
            return self._anchor(digest, self._publisher)

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """``journal`` if it is written down for this publisher (the own one unless given), otherwise ``none``."""
        _check(digest)
        with self._threads:
            self._look()
            return self._anchor(digest, (publisher or self._publisher).lower())

    def anchored_by(self, publisher: str) -> list[bytes]:
        """Every digest that is written down for this publisher."""
        with self._threads:
            self._look()
            return [digest for who, digest in self._times if who == publisher.lower()]

    def _look(self) -> None:
        """Read what others appended; a file that is gone knows nothing."""
        try:
            with self._opened(os.O_RDONLY, fcntl.LOCK_SH) as handle:
                self._catch_up(handle)
        except FileNotFoundError:
            self._forget()

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """The anchor; ``Unavailable`` if nobody submits it within ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while True:
            anchor = self.status(digest)
            if anchor.status != "none":
                return anchor
            if time.monotonic() >= end:
                raise Unavailable(f"{digest.hex()} is not in the journal", code="not_anchored", hint="submit it first.")
            time.sleep(0.05)

    def _anchor(self, digest: bytes, publisher: str) -> Anchor:
        at = self._times.get((publisher, digest))
        if at is None:
            return Anchor(digest=digest, status="none", chain=self.chain, publisher=publisher)
        proof = AnchorProof(kind="journal", statement={"publisher": publisher, "time": at})
        return Anchor(digest=digest, status="journal", chain=self.chain, publisher=publisher, time=at, proof=proof)

    def _forget(self) -> None:
        """What was read so far: up to which byte of which file, its last checksum, and the times."""
        self._file: tuple[int, int] | None = None
        self._read = 0
        self._checksum = _START
        self._times: dict[tuple[str, bytes], str] = {}

    @contextmanager
    def _opened(self, flags: int, lock: int) -> Iterator[int]:
        try:
            if flags & os.O_CREAT:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not flags & os.O_CREAT:
                raise
            raise Unavailable(f"the journal {self._path} can't be opened: {error.strerror}") from error
        try:
            fcntl.flock(handle, lock)
            yield handle
        except OSError as error:
            raise Unavailable(f"the journal {self._path} can't be used: {error.strerror}") from error
        finally:
            os.close(handle)

    def _catch_up(self, handle: int) -> None:
        """Read what was appended since the last look; everything if the file is another one."""
        found = os.fstat(handle)
        if self._file != (found.st_dev, found.st_ino) or found.st_size < self._read:
            self._forget()
            self._file = (found.st_dev, found.st_ino)
        data = _read_from(handle, self._read, found.st_size)
        complete = data[: data.rfind(b"\n") + 1]
        for line in complete.splitlines(keepends=True):
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            value = json.loads(line)
            digest, publisher, at = bytes.fromhex(value["digest"]), value["publisher"], value["time"]
            check_time(at)
            intact = line == _line(digest, publisher, at, self._checksum)
        except (ValueError, KeyError, TypeError, InvalidInput):
            intact = False
        if not intact:
            raise Untrusted(
                f"the journal {self._path} is damaged at byte {self._read}",
                code="journal_damaged",
                hint="restore it from a backup.",
            )
        self._times.setdefault((publisher, digest), at)
        self._checksum = value["sha256"]
        self._read += len(line)

    def _append(self, handle: int, digest: bytes) -> None:
        size = os.fstat(handle).st_size
        if size > self._read:
            _log.warning(
                "the journal %s ended in a line that a crash cut off: %d bytes cut", self._path, size - self._read
            )
            os.ftruncate(handle, self._read)
        at = self._now()
        check_time(at)
        line = _line(digest, self._publisher, at, self._checksum)
        os.lseek(handle, self._read, os.SEEK_SET)
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
        os.fsync(handle)
        if self._read == 0:
            sync_folder(self._path.parent)
        self._take(line)


def _check(digest: bytes) -> None:
    if len(digest) != 32:
        raise InvalidInput(f"a digest has 32 bytes, not {len(digest)}", code="bad_digest")


def _line(digest: bytes, publisher: str, at: str, before: str) -> bytes:
    body = {"digest": digest.hex(), "publisher": publisher, "time": at}
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    checksum = hashlib.sha256(f"{before}{text}".encode()).hexdigest()
    return (json.dumps(body | {"sha256": checksum}, separators=(",", ":"), sort_keys=True) + "\n").encode()


def _read_from(handle: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(handle, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)
