"""Splits a body of rows into rows, before any row is checked.

Invariants: a body is walked once, as it comes; a row has at most ``MAX_ROW`` bytes, and no more than one and what was
read ahead is in memory; what is wrong inside one row (half a surrogate pair, bytes that are no UTF-8) stays in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from registry.core.errors import InvalidInput

MAX_ROW = 1 << 20  # bytes
MAX_BLANK = 100_000  # lines in a row that hold nothing
_PIECE = 1 << 16
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)  # a quote alone: its text has no end yet
_BLANK = b" \t\r\n"


def lines(body: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines of NDJSON that hold something, with their numbers. ``InvalidInput``: ``row_too_long``, or
    ``malformed_rows`` for more than ``MAX_BLANK`` empty lines in a row, which cost work and say nothing."""
    number = last = 0
    while line := body.readline(MAX_ROW + 1):
        number += 1
        if len(line) > MAX_ROW:
            raise _too_long(f"line {number}")
        if line := line.strip(_BLANK):
            last = number
            yield number, line
        elif number - last > MAX_BLANK:
            raise InvalidInput(
                f"more than {MAX_BLANK} lines up to line {number} are empty",
                code="malformed_rows",
                hint="send one row a line.",
            )


def elements(body: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Elements of a JSON array, as they stand. ``InvalidInput`` if it is none."""
    yield from enumerate(_elements(body), 1)


class _Window:
    """What of the body is in memory: from the element that is being read on."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self.data, self.dropped = b"", 0

    def more(self, keep: int) -> bool:
        """Forget what lies before ``keep``, read on; whether there was more."""
        piece = self._body.read(_PIECE)
        self.data, self.dropped = self.data[keep:] + piece, self.dropped + keep
        return bool(piece)


def _elements(body: IO[bytes]) -> Iterator[bytes]:
    window = _Window(body)
    while not window.data.strip(_BLANK):
        if not window.more(len(window.data)):
            raise _no_array("it is empty")
    begin = len(window.data) - len(window.data.lstrip(_BLANK))
    if window.data[begin : begin + 1] != b"[":
        raise _no_array("it does not begin with [")
    start, at, depth, first = begin + 1, begin + 1, 1, True
    while True:
        found = _TOKEN.search(window.data, at)
        if found is None or found[0] == b'"':
            at = len(window.data) if found is None else found.start()
            if len(window.data) - start > MAX_ROW:
                raise _too_long(f"the row that begins at byte {window.dropped + start}")
            if not window.more(start):
                raise _no_array("it has no end" if found is None else f"a string at its end is not closed ({at})")
            at, start = at - start, 0
            continue
        token, at = found[0], found.end()
        depth += (token in b"[{") - (token in b"]}")
        if depth > 1 or (depth == 1 and token != b","):
            continue
        element = window.data[start : found.start()].strip(_BLANK)
        if token == b"," or element or not first:
            yield element
        start, first = at, False
        if depth == 0:
            _check_end(window, token, start)
            return


def _check_end(window: _Window, token: bytes, at: int) -> None:
    while True:
        if token != b"]" or window.data[at:].strip(_BLANK):
            raise _no_array(f"there is something after its end at byte {window.dropped + at}")
        at = len(window.data)
        if not window.more(at):
            return
        at = 0


def _too_long(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} has more than {MAX_ROW >> 20} MiB", code="row_too_long", hint="a row is one label of one image."
    )


def _no_array(reason: str) -> InvalidInput:
    return InvalidInput(
        f"the body is not a JSON array of rows: {reason}", code="malformed_rows", hint="send [{...}, {...}]."
    )
