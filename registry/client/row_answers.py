"""The answer to rows: one document, or lines that end with one that says so.

Invariant: an answer that does not say what became of every row that was sent is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import msgspec

from registry.client.answers import Counts, RowAnswer
from registry.client.connection import WrongAnswer, document

COUNTED = ("registered", "unchanged", "corrected", "referenced")
Answers = tuple[dict[str, int], list[RowAnswer]]


def read_rows(rows: int) -> Callable[[Iterator[bytes], httpx.Headers], Answers]:
    """Reads the answer to ``rows`` rows. ``WrongAnswer`` where it is cut off, or about other rows."""

    def read(pieces: Iterator[bytes], headers: httpx.Headers) -> Answers:
        if headers.get("Content-Type", "").partition(";")[0].strip() == "application/x-ndjson":
            counts, answers = _lines(pieces)
        else:
            counts = document(Counts)(pieces, headers)
            answers = counts.results
        if counts.rows != rows or not counts.complete or any(not 0 <= one.row - 2 < rows for one in answers):
            raise WrongAnswer(f"the answer is about {counts.rows} rows, and {rows} were sent")
        return {name: getattr(counts, name) for name in COUNTED}, answers

    return read


def _lines(pieces: Iterator[bytes]) -> tuple[Counts, list[RowAnswer]]:
    whole = b"".join(pieces)
    *lines, rest = whole.split(b"\n")
    try:
        if rest or not lines:
            raise WrongAnswer("the answer is cut off")
        return msgspec.json.decode(lines[-1], type=Counts), [
            msgspec.json.decode(one, type=RowAnswer) for one in lines[:-1]
        ]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WrongAnswer(f"the answer is not what a registry answers: {error}") from error
