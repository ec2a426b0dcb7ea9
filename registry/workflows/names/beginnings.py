"""What the beginning of a CID or an id matches: one thing, or an error that names all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import names
from registry.core.errors import InvalidInput, NotFound

SIGNS = 4  # of a CID after its common start, at least; also of a run's id and of a digest
SHOWN = 10  # things that match, as an error lists them
CALLED = {"plan": "run"}  # what people know as something else
WHOLE = 59  # signs of such a CID
COMMON = re.compile(r"bafyrei|bafybei|bafkrei")  # how the CIDs begin that are made here: records, files, raw blocks
_BEGUN = re.compile(r"([a-z0-9]+)(?:(?:…|\.{3})([a-z0-9]*))?", re.ASCII)
Candidates = Sequence[tuple[str, str]]  # what matches, and what it is


def is_beginning(text: str) -> bool:
    """Whether it is written as a CID's beginning, with or without its end."""
    return bool(COMMON.match(text) and _BEGUN.fullmatch(text)) and len(text) < WHOLE


def begin_and_end(text: str) -> tuple[str, str]:
    """A text as lists shorten it ("bafyreia3b…x7k2") taken apart; the end is empty where it has none, or is whole."""
    match = _BEGUN.fullmatch(text)
    return (match[1], match[2] or "") if match else (text, "")


def records_that_begin(db: Connection, text: str, kinds: Sequence[str]) -> Candidates:
    """Records whose CID begins (and, after "…", ends) so; an entry is what it signs, unless it is meant itself."""
    start, end = begin_and_end(text)
    common = text[:7]
    enough = SIGNS if len(end) < SIGNS else SIGNS - 1  # pages show no more of an id's beginning
    if len(start) < len(common) + enough:
        raise InvalidInput(
            f"{text!r} is too short to tell CIDs apart",
            code="too_short",
            hint=f"give at least {SIGNS} signs after {common}.",
        )
    rows = [row for row in names.records_begun(db, start, kinds) if row["cid"].endswith(end)]
    if len({row["record"] for row in rows}) == 1:
        return [(rows[0]["cid"], rows[0]["type"])]
    return [(row["cid"], row["type"]) for row in rows]


def single_match(text: str, found: Candidates, what: str = "id") -> str:
    """The one thing that matches. ``NotFound`` for none, ``InvalidInput`` ``ambiguous`` with all for several."""
    if not found:
        raise NotFound(
            f"no {what} here begins with {text[:100]!r}", hint="give more of it, or look it up in a list with --wide."
        )
    if len(found) > 1:
        listed = ", ".join(f"{one} ({CALLED.get(kind, kind)})" for one, kind in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise InvalidInput(
            f"{text[:100]!r} may be any of {len(found)}: {listed}{more}", code="ambiguous", hint="give more of it."
        )
    return found[0][0]
