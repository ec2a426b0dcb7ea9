"""The outbox: signed transactions, kept before they are sent, so that a crash neither loses nor doubles an anchor.

Invariants: a row is flushed before its transaction leaves; rows are only ever appended; every hash that a
nonce was sent under is kept (a fee bump is another row of the same nonce); one submitter at a time among the
processes of one home. No key is in it: raw transactions are public.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from registry.core.errors import Unavailable, Untrusted, not_written
from registry.files import sync_file, sync_folder


@dataclass(frozen=True)
class Sent:
    """One signed transaction. All hex is 0x-prefixed and lower-case."""

    chain: str  # CAIP-2: rows of other chains are never sent to this one
    purpose: str  # the digest that it anchors, after the contract's address and a colon; or "deploy"
    nonce: int
    transaction: str
    raw: str


class Outbox(Protocol):
    """Where signed transactions are kept."""

    def lock(self) -> AbstractContextManager[None]:
        """One submitter at a time."""
        ...

    def add(self, sent: Sent) -> None:
        """Keep a signed transaction; it survives a crash after this call."""
        ...

    def rows(self) -> list[Sent]:
        """All that were kept, oldest first."""
        ...


class FileOutbox:
    """JSON lines in one file, flushed. A line that a crash cut off was never sent and is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One submitter at a time; a killed one lets go."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = self._path.with_suffix(".lock").open("w")
        except OSError as error:
            raise not_written(f"the outbox {self._path}", error) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def add(self, sent: Sent) -> None:
        """Append and flush; called under the lock."""
        try:
            new = not self._path.exists()
            self._cut_torn_tail()
            with self._path.open("ab") as handle:
                handle.write(json.dumps(asdict(sent), sort_keys=True).encode() + b"\n")
                sync_file(handle)
            if new:
                sync_folder(self._path.parent)
        except OSError as error:
            raise not_written(f"the outbox {self._path}", error) from error

    def _cut_torn_tail(self) -> None:
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            with self._path.open("r+b") as handle:
                handle.truncate(whole)

    def rows(self) -> list[Sent]:
        """All whole lines, oldest first. ``Untrusted`` (``outbox_damaged``) if one can't be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"the outbox {self._path} can't be read: {error.strerror}") from error
        try:
            return [msgspec.convert(json.loads(line), Sent) for line in data[: data.rfind(b"\n") + 1].splitlines()]
        except ValueError as error:
            raise Untrusted(
                f"the outbox {self._path} is damaged", code="outbox_damaged", hint="restore it from a backup."
            ) from error


class MemoryOutbox:
    """An outbox that lives as long as its process, for tests."""

    def __init__(self) -> None:
        self._rows: list[Sent] = []

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else is there."""
        yield

    def add(self, sent: Sent) -> None:
        """Keep it."""
        self._rows.append(sent)

    def rows(self) -> list[Sent]:
        """All of them."""
        return list(self._rows)
