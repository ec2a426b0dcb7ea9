"""What the handlers share: the home, pages, CIDs from addresses, the problems that they may answer with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypedDict

from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec

from registry import assembly
from registry.api.gateway.public import Public
from registry.api.problems import MEDIA_TYPE, Problem
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.workflows.names.resolve import resolve
from registry.workflows.parts import Parts

Home = NamedDependency[assembly.Home]
Published = NamedDependency[Public]
Document = dict[str, Any]
PREFIX = "/api/v1"

MEANING = {
    400: "The request is malformed, or has a parameter that this address does not take (`unknown_parameter`) or that"
    " comes twice (`repeated_parameter`)",
    401: "A token is missing, unknown, expired or revoked",
    403: "The token lacks the scope, or may not do this in that name",
    404: "It is not here",
    406: "No form that is asked for can be given",
    408: "The body did not come in time",
    409: "It contradicts what is already there",
    410: "It was withdrawn",
    412: "It is not here, and only what is here was asked for",
    413: "The body is too large",
    415: "The body's type is not taken",
    416: "The range lies outside the content",
    422: "A value is malformed or does not verify",
    429: "Too many requests came from this address or with this token",
    502: "What lies here does not verify",
    503: "Something could not be reached, or is busy",
}


def problems(*statuses: int, scoped: bool = False) -> dict[int, ResponseSpec]:
    """A handler's problem documents, for the description; 400, 429 and 503 always, 401 and 403 with a scope."""
    known = {400, 429, 503, *statuses, *((401, 403) if scoped else ())}
    return {
        status: ResponseSpec(Problem, description=MEANING[status], media_type=MEDIA_TYPE, generate_examples=False)
        for status in sorted(known)
    }


def record(parts: Parts, published: Public, text: str, *kinds: str) -> CID:
    """The CID of a published record, of ``kinds`` or of any: by its CID (an entry's stands for its record's), a name,
    ``latest`` or its beginning.

    ``NotFound``, with the same text whether the record is private, unsigned or not held; ``HttpProblem`` 410 for a
    withdrawn image.
    """
    cid = resolve(parts, text, *kinds)
    published.check(cid)
    return cid


class Page(TypedDict):
    """One page of a list; ``next`` is the cursor of the page after it, or null."""

    items: list[Document]
    next: str | None


def page(items: Iterable[Document], following: str | None) -> Page:
    """One page of a list; ``next`` is the cursor of the page after it."""
    return Page(items=list(items), next=following)


def cursor_key(cursor: str | None) -> bytes | None:
    """The sha256 that a list by sha256 has for a cursor. ``UsageError`` if it is none."""
    try:
        found = None if cursor is None else bytes.fromhex(cursor)
    except ValueError:
        found = b""
    if found is not None and len(found) != 32:
        raise UsageError("this cursor was not given by a page", hint="start again without a cursor.")
    return found


def page_of_sorted(rows: Iterator[Document], key: str, cursor: str | None, limit: int) -> Page:
    """One page of rows that come in rising order of ``key``; the cursor is the last key of the page before."""
    left = (row for row in rows if cursor is None or row[key] > cursor)
    found = list(islice(left, limit + 1))
    return page(found[:limit], str(found[limit - 1][key]) if len(found) > limit else None)
