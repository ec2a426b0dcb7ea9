"""The bucket's history: numbered commits, each an object that says which packs came and which went.

Invariants: a commit's number is taken by ``create``, so any number of machines append to one history without a gap or a
fork, and what one commits the others see at their next look. A commit names only packs that were written before. One
that came damaged over the network is read again, never taken. An answer that was lost is found out: a commit is known
by its id. Every ``STEP`` commits a base tells all packs at once, for who comes later.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from registry.content.stores.s3.bucket import Bucket
from registry.content.stores.s3.known import Known
from registry.content.stores.s3.pack import PackName, Row, named, read_index
from registry.core.errors import EmotionetError, Unavailable, Untrusted
from registry.core.ipld import encoding

STEP = 256
TRIES = 4  # to read what may have been changed on the way
_DIGEST = 32
_READERS = 16  # indexes that are read at the same time


@dataclass(frozen=True)
class Commit:
    """``again``: multihashes of blocks that were put once more; ``gone``: names of packs that others took the place
    of; ``time`` in seconds since 1970."""

    id: bytes
    time: int
    packs: tuple[PackName, ...] = ()
    again: tuple[bytes, ...] = ()
    gone: tuple[str, ...] = ()

    def data(self) -> bytes:
        """The object: a digest, then what it is over."""
        packs = [one.values() for one in self.packs]
        values = {"id": self.id, "time": self.time, "packs": packs, "again": list(self.again), "gone": list(self.gone)}
        return sealed(values)


def new_commit(packs: Iterable[PackName], again: Iterable[bytes] = (), gone: Iterable[str] = ()) -> Commit:
    """A commit of now, by a name of its own."""
    return Commit(secrets.token_bytes(16), int(time.time()), tuple(packs), tuple(sorted(again)), tuple(gone))


def sealed(value: Any) -> bytes:
    """A value behind its digest."""
    data = encoding.encode(value)
    return hashlib.sha256(data).digest() + data


def unsealed(data: bytes) -> dict[str, Any] | None:
    """What was sealed; None where it was changed since."""
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        return None
    found = encoding.decode(data[_DIGEST:])
    return found if isinstance(found, dict) else None


class Commits:
    """The history of one bucket, and what this machine knows of it."""

    def __init__(self, bucket: Bucket, known: Known) -> None:
        self._bucket, self._known = bucket, known
        self._begun = False

    def catch_up(self) -> list[Commit]:
        """Take in what others committed; the commits that were new here."""
        if not self._begun:
            self._begun = True
            self._jump(self._known.position())
        found: list[Commit] = []
        while True:
            before = self._known.position()
            commit = self._read(before + 1)
            if commit is None:
                return found
            self._take(before, commit, None)
            found.append(commit)

    def add(self, commit: Commit, rows: Sequence[Iterable[Row]], check: Callable[[list[Commit]], None]) -> None:
        """Append a commit; ``rows`` of each of its packs. ``check`` is given what others committed meanwhile, each time
        before it is tried, and may raise to give it up."""
        check(self.catch_up())
        while True:
            before = self._known.position()
            if self._bucket.create(_name(before + 1), commit.data()) or self._is(before + 1, commit):
                self._take(before, commit, rows)
                if (before + 1) % STEP == 0:
                    self._write_base(before + 1)
                return
            check(self.catch_up())

    def _is(self, number: int, commit: Commit) -> bool:
        there = self._read(number)
        return there is not None and there.id == commit.id

    def _take(self, before: int, commit: Commit, rows: Sequence[Iterable[Row]] | None) -> None:
        if rows is None:
            rows = self._indexes(commit.packs)
        packs = list(zip(commit.packs, rows, strict=True))
        self._known.take(before + 1, before, packs, commit.gone, commit.again, commit.time)

    def _indexes(self, packs: Sequence[PackName]) -> list[list[Row]]:
        """Rows of each pack; none of one that is gone, as a later commit says."""
        with ThreadPoolExecutor(max(1, min(_READERS, len(packs)))) as pool:
            return [found or [] for found in pool.map(lambda one: read_index(self._bucket, one), packs)]

    def _read(self, number: int) -> Commit | None:
        values = self._sealed(_name(number))
        if values is None:
            return None
        try:
            packs = tuple(named(one) for one in values["packs"])
            return Commit(
                bytes(values["id"]), int(values["time"]), packs, tuple(values["again"]), tuple(map(str, values["gone"]))
            )
        except (LookupError, TypeError, ValueError) as error:
            raise Untrusted(f"{_name(number)} is no commit", code="s3_malformed") from error

    def _sealed(self, name: str) -> dict[str, Any] | None:
        for _ in range(TRIES):
            data = self._bucket.get(name)
            if data is None:
                return None
            if (values := unsealed(data)) is not None:
                return values
        raise Unavailable(f"{self._bucket.name} gives a damaged {name}", code="s3_damaged", hint="try again.")

    def _write_base(self, number: int) -> None:
        """All packs as of a commit. Best effort: without it who comes later reads more commits."""
        packs = self._known.places()
        if self._known.position() == number:
            try:
                values = {"time": int(time.time()), "packs": [one.values() for one in packs]}
                self._bucket.create(_base(number), sealed(values))
            except EmotionetError:
                return

    def _jump(self, before: int) -> None:
        """Take in the newest base, where there is one behind ``before``."""
        names = [one.name for one in self._bucket.list("bases/", after=_base(before))]
        values = self._sealed(names[-1]) if names else None
        if values is None:
            return
        packs = [named(one) for one in values["packs"]]
        known = {one.name for one in self._known.places()}
        new = [one for one in packs if one.name not in known]
        gone = known - {one.name for one in packs}
        found = list(zip(new, self._indexes(new), strict=True))
        self._known.take(int(names[-1].rsplit("/", 1)[-1]), before, found, gone, None, int(values["time"]))


def _name(number: int) -> str:
    return f"commits/{number:012}"


def _base(number: int) -> str:
    return f"bases/{number:012}"
