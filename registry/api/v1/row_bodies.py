"""Splits bodies of POST /images into rows, before any row is checked.

Invariants: a body is walked once, and no further than one row beyond what a request may hold, so that what it costs
is bounded by its bytes; what is wrong inside one row (half a surrogate pair, bytes that are no UTF-8) stays in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from registry.api.problems import HttpProblem
from registry.api.v1.wire import MAX_ROWS
from registry.core.errors import InvalidInput

_LINE = re.compile(rb"[^\s][^\n]*")
_CSV_LINE = re.compile(rb"[^\s][^\r\n]*")
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)  # a quote alone: its text has no end
_BLANK = b" \t\r\n"
T = TypeVar("T")


def lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines of NDJSON that hold something, with their numbers. ``HttpProblem`` 413 beyond ``MAX_ROWS``."""
    number, at = 1, 0
    for found in bounded(_LINE.finditer(body)):
        number += body.count(b"\n", at, found.start())
        at = found.start()
        yield number, found[0]


def elements(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Elements of a JSON array, as they stand. ``InvalidInput`` if it is none, 413 beyond ``MAX_ROWS``."""
    yield from enumerate(bounded(_elements(body)), 1)


def check_csv(body: bytes) -> None:
    """``HttpProblem`` 413 for a table of more lines than rows may come; a cell that is valid holds no line break."""
    for _ in bounded(_CSV_LINE.finditer(body), MAX_ROWS + 1):  # the first names the columns
        pass


def bounded(rows: Iterable[T], most: int = MAX_ROWS) -> Iterator[T]:
    """``rows`` as they are; ``HttpProblem`` 413 (``too_many_rows``) in place of the first that is too many."""
    walked = iter(rows)
    yield from islice(walked, most)
    if next(walked, None) is not None:
        reason = f"these are more than {MAX_ROWS} rows: send them in several requests"
        raise HttpProblem(413, reason, code="too_many_rows")


def _elements(body: bytes) -> Iterator[bytes]:
    begin = len(body) - len(body.lstrip(_BLANK))
    if body[begin : begin + 1] != b"[":
        raise _no_array("it does not begin with [")
    depth, start = 0, begin + 1
    for found in _TOKEN.finditer(body, begin):
        token = found[0]
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
        elif token == b'"':
            raise _no_array(f"the string that begins at byte {found.start()} is not closed")
        if depth == 0 or (depth == 1 and token == b","):
            element = body[start : found.start()].strip(_BLANK)
            if token == b"," or element or start != begin + 1:
                yield element
            start = found.end()
        if depth == 0:
            if token != b"]" or body[start:].strip(_BLANK):
                raise _no_array(f"there is something after its end at byte {found.start()}")
            return
    raise _no_array("it has no end")


def _no_array(reason: str) -> InvalidInput:
    return InvalidInput(
        f"the body is not a JSON array of rows: {reason}", code="malformed_rows", hint="send [{...}, {...}]."
    )
