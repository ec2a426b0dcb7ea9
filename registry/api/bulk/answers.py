"""What is answered to rows: counts, and a line for each row that was not simply registered (or for every row).

Invariant: lines come in the order of the rows, however many there are, and do not lie in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from registry.api.hints import with_way
from registry.api.problems import HttpProblem
from registry.catalog.index.staged import Staged
from registry.content.labels import Rejection
from registry.core.errors import EmotionetError
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.images.registering.register_step import Statement

STATUSES = ("registered", "unchanged", "corrected", "referenced", "rejected")
MAX_MALFORMED = 100_000  # rows of one body that can't be read at all
_CHUNK = 1 << 16


class Answer(msgspec.Struct):
    """What became of one row."""

    row: int
    cid: str | None
    sha256: str | None = None
    status: str = "rejected"
    code: str | None = None
    reason: str | None = None
    note: str | None = None  # a box was cut, the image is withdrawn or can't be decoded


class Answers:
    """Collects them. ``everything``: also of rows that were simply registered."""

    def __init__(self, staged: Staged, *, everything: bool) -> None:
        self._staged, self._everything = staged, everything
        self._counts: Counter[str] = Counter()
        self._malformed = 0

    def malformed(self, row: Rejection) -> None:
        """A row that could not be read. ``HttpProblem`` 422 (``too_many_malformed``)."""
        self._malformed += 1
        if self._malformed > MAX_MALFORMED:
            reason = f"more than {MAX_MALFORMED} rows can't be read, the last one: {row.reason}"
            raise HttpProblem(422, f"{reason}; nothing was registered", code="too_many_malformed")
        self._tell(Answer(row.row, row.name or None, code=row.code, reason=row.reason))

    def refused(self, row: int, cid: str | None, error: EmotionetError) -> None:
        """A row whose image can't be registered."""
        self._tell(Answer(row, cid, code=error.code, reason=with_way(error)))

    def referenced(self, row: NewRow) -> None:
        """A row that waits for its image."""
        self._tell(Answer(row.row, str(row.cid), status="referenced", note=row.note))

    def unfit(self, bad: Rejection, row: NewRow) -> None:
        """A row whose boxes don't lie in its image."""
        self._tell(Answer(row.row, str(row.cid), row.sha256.hex(), code=bad.code, reason=bad.reason))

    def report(self, statement: Statement) -> None:
        """What became of the rows of a statement."""
        if len(statement.rows) == 1 and statement.status == "registered" and self._is_silent(statement.rows[0]):
            self._counts["registered"] += 1
            return
        code = reason = None
        if statement.error is not None:
            code, reason = statement.error.code, with_way(statement.error)
        for row, status in statement.outcomes():
            if status == "registered" and self._is_silent(row):
                self._counts[status] += 1
            else:
                self._tell(_answer(row, status, code, reason))

    def _is_silent(self, row: NewRow) -> bool:
        """Whether nothing is told of it where it was simply registered."""
        return row.note is None and not self._everything

    def _tell(self, answer: Answer) -> None:
        self._counts[answer.status] += 1
        self._staged.add(b"", "", msgspec.json.encode(answer), number=answer.row)

    def counts(self) -> dict[str, int]:
        """How many rows there were, and what became of how many."""
        return {"rows": self._counts.total(), **{status: self._counts[status] for status in STATUSES}}

    def lines(self) -> Iterator[bytes]:
        """The lines; nothing is told any more."""
        for page in self._staged.rows():
            for row in page:
                yield bytes(row.data)


def _answer(row: NewRow, status: str, code: str | None, reason: str | None) -> Answer:
    return Answer(row.row, str(row.cid), row.sha256.hex(), status, code, reason, row.note)


def ndjson(counts: dict[str, Any], lines: Iterable[bytes]) -> Iterator[bytes]:
    """A line a row, and a last one with the counts and ``complete``: without it the answer was cut off."""
    yield from _chunked(line + b"\n" for line in lines)
    yield json.dumps({**counts, "complete": True}).encode() + b"\n"


def document(counts: dict[str, Any], lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same as one JSON object: the counts, ``results`` and ``complete``."""
    yield json.dumps(counts).encode()[:-1] + b', "results": ['
    yield from _chunked((b"" if first else b",\n") + line for first, line in _firsts(lines))
    yield b'], "complete": true}'


def _firsts(lines: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    first = True
    for line in lines:
        yield first, line
        first = False


def _chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
