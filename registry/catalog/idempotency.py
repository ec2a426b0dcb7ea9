"""Requests that may be repeated: what each Idempotency-Key was used for, what it has done so far, and its answer.

Invariants: a key belongs to one token and one request, by a digest of all that the answer depends on; another request
under it is refused. A key is there before the work for it begins. What a step of the work does and that it did so are
of one transaction, as are the last step and the answer; so whoever repeats a request that was cut off anywhere goes on
where it ended. An answer's lines are kept once, packed, for ``KEPT``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import insert_new
from registry.catalog.schema.operational import answer_parts, idempotency
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID

KEPT = timedelta(days=1)
_PART = 1 << 20  # bytes of lines that are packed together
_K, _A = idempotency.c, answer_parts.c


@dataclass(frozen=True)
class Keyed:
    """A token's key, and the digest of the request."""

    token: str
    key: str
    request: str

    def begin(self, db: sa.Connection, now: str) -> None:
        """Keep the key, and forget those that are older than ``KEPT``. ``InvalidInput``: it is of another request."""
        old = (datetime.fromisoformat(now) - KEPT).strftime("%Y-%m-%dT%H:%M:%SZ")
        outdated = sa.select(_K.token, _K.key).where(_K.created < old)
        db.execute(sa.delete(answer_parts).where(sa.tuple_(_A.token, _A.key).in_(outdated)))
        db.execute(sa.delete(idempotency).where(_K.created < old))
        row = {"token": self.token, "key": self.key, "request": self.request, "contributions": [], "created": now}
        insert_new(db, idempotency, [row])
        if db.scalar(sa.select(_K.request).where(*self._mine())) != self.request:
            raise InvalidInput(
                "this Idempotency-Key was used for a different request",
                code="idempotency_key_reused",
                hint="use a new one.",
            )

    def counts(self, db: sa.Connection) -> dict[str, Any] | None:
        """What was counted in the answer; None where there is none yet."""
        found: dict[str, Any] | None = db.scalar(sa.select(_K.response).where(*self._mine()))
        return found

    def contributions(self, db: sa.Connection) -> list[CID]:
        """What was registered for it so far."""
        return [CID.parse(text) for text in db.scalar(sa.select(_K.contributions).where(*self._mine())) or ()]

    def add(self, db: sa.Connection, contribution: CID) -> None:
        """One more; in the transaction in which it was registered."""
        known = [str(cid) for cid in (*self.contributions(db), contribution)]
        db.execute(sa.update(idempotency).where(*self._mine()).values(contributions=known))

    def finish(self, db: sa.Connection, counts: Mapping[str, Any], lines: Iterable[bytes]) -> None:
        """Keep the answer; nothing changes where there is one."""
        mine = sa.update(idempotency).where(*self._mine(), _K.response.is_(None))
        if db.execute(mine.values(response=dict(counts)).returning(_K.key)).first() is None:
            return
        for number, part in enumerate(_packed(lines)):
            row = {"token": self.token, "key": self.key, "part": number, "data": part}
            db.execute(sa.insert(answer_parts).values(row))

    def lines(self, db: sa.Connection) -> Iterator[bytes]:
        """The answer's lines."""
        parts = sa.select(_A.part).where(_A.token == self.token, _A.key == self.key).order_by(_A.part)
        for number in db.scalars(parts).all():
            here = sa.select(_A.data).where(_A.token == self.token, _A.key == self.key, _A.part == number)
            yield from zlib.decompress(db.scalar(here) or b"").splitlines()

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return _K.token == self.token, _K.key == self.key


def _packed(lines: Iterable[bytes]) -> Iterator[bytes]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line) + 1
        if size >= _PART:
            yield zlib.compress(b"\n".join(part))
            part, size = [], 0
    if part:
        yield zlib.compress(b"\n".join(part))
