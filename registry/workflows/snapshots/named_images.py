"""The images that a snapshot is to be chosen among: named one by one in a file or a request, or those of a snapshot.

Invariants: every name that is malformed, unknown here, withdrawn or repeated is told by its line; unless the caller
takes the rest, one such name refuses all of them, before anything is written. Empty lines, and those that begin with
``#``, are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from registry.catalog.database.database import Connection
from registry.catalog.database.sql import CHUNK, names_of
from registry.catalog.queries.labeled_images import referenced
from registry.catalog.queries.labeled_images.named import labelled
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.core import records
from registry.core.errors import InvalidInput, not_read
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

LONGEST = 600  # characters of a line that can be a name
SHOWN = 80  # of what stands there
MOST = 10_000_000  # lines


class Rejected(NamedTuple):
    """A line that names no image that can be taken. ``code``: malformed, unknown, withdrawn or repeated."""

    row: int
    name: str
    code: str
    reason: str


class RejectedNames(InvalidInput):
    """What was named can't all be taken; nothing was written."""

    code = "rejected_images"

    def __init__(self, rejected: Sequence[Rejected]) -> None:
        first = rejected[0]
        more = f", and {len(rejected) - 1} more" if len(rejected) > 1 else ""
        hint = "mend these lines, or take the rest (partial)."
        super().__init__(f"line {first.row} ({first.name}) {first.reason}{more}", hint=hint)
        self.rejected = tuple(rejected)


class Chosen(NamedTuple):
    """``sha256s`` rise; ``snapshot``: whose images they are."""

    sha256s: list[bytes]
    rejected: list[Rejected]
    snapshot: CID | None = None


def images_of_snapshot(parts: Parts, snapshot: CID) -> Chosen:
    """All images that a snapshot holds. Errors as ``read_as``; ``Untrusted`` where its table is not what it states."""
    record = read_as(parts, records.Snapshot, snapshot)
    checked_tables.check_heads(record, parts.store.get)
    rows = checked_tables.items(record, parts.store.get)
    return Chosen([row["sha256"] for row in rows], [], snapshot)


def named_images(db: Connection, lines: Iterable[str], *, partial: bool = False) -> Chosen:
    """The images that lines name by a CID or a sha256 in hex. ``RejectedNames`` for lines that can't be taken, unless
    ``partial``; ``InvalidInput`` (``no_images_named``) where none is left."""
    rejected: list[Rejected] = []
    found: dict[str, int] = {}
    withdrawn = {one.hex() for one in withdrawn_images(db)}
    for batch in _batches(lines):
        known = labelled(db, (name for _, _, names in batch for name in names))
        unknown = (name for _, _, names in batch if not known.keys() & names for name in names)
        waiting = referenced.waiting(db, unknown)
        for row, shown, names in batch:
            sha256 = next((known[name] for name in names if name in known), None)
            code, reason = _wrong(sha256, names, withdrawn, found)
            if code == "unknown" and waiting.intersection(names):
                reason = "names an image that waits for its bytes"
            if reason:
                rejected.append(Rejected(row, shown, code, reason))
            elif sha256 is not None:
                found[sha256] = row
    if rejected and not partial:
        raise RejectedNames(rejected)
    if not found:
        raise InvalidInput(
            "the list names no image that can be taken", code="no_images_named", hint="give a CID or sha256 a line."
        )
    return Chosen([bytes.fromhex(one) for one in sorted(found)], rejected)


def _wrong(sha256: str | None, names: Sequence[str], withdrawn: set[str], found: dict[str, int]) -> tuple[str, str]:
    if not names:
        return "malformed", "is neither a CID nor a sha256 of 64 hex digits"
    if sha256 is None:
        return "unknown", "names no labelled image that is known here"
    if sha256 in withdrawn:
        return "withdrawn", "names an image that was withdrawn"
    if sha256 in found:
        return "repeated", f"names the image of line {found[sha256]} again"
    return "", ""


def _batches(lines: Iterable[str]) -> Iterator[list[tuple[int, str, list[str]]]]:
    """Lines that say something: their number, what stands there, and every text that it may be known by."""
    numbered = ((row, line.strip()) for row, line in enumerate(lines, 1))
    said = ((row, line) for row, line in numbered if line and not line.startswith("#"))
    while batch := list(islice(said, CHUNK)):
        if batch[-1][0] > MOST:
            raise InvalidInput(f"there are more than {MOST} lines", code="too_many_images", hint="name fewer at once.")
        yield [(row, line[:SHOWN], _names(line)) for row, line in batch]


def _names(line: str) -> list[str]:
    try:
        return names_of(line) if len(line) <= LONGEST else []
    except InvalidInput:
        return []


def lines_of(path: Path) -> Iterator[str]:
    """A file's lines, as they are asked for. ``Unavailable`` where it can't be read, ``InvalidInput`` where it is no
    text."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            while line := stream.readline(LONGEST + 2):
                yield line
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8", code="not_text", hint="write a CID a line.") from error
    except OSError as error:
        raise not_read(path, error) from error
