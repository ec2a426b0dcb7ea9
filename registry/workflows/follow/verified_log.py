"""Verify another issuer's log from where it is known to a newer head, and give its entries their places.

Invariants: nothing of a log gets a place before every entry between the known head (or the opening) and the new one
was verified: signature, issuer, number, the entry before it. A known head never goes back. Two histories are kept as
evidence with both halves. What a log may cost is bounded.
"""

from __future__ import annotations

from registry.catalog import follows
from registry.catalog.index import indexing
from registry.catalog.queries.signed_records import entries
from registry.content.sources.fetch import Through
from registry.core import log, records
from registry.core.errors import Conflict, EmotionetError, Untrusted
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent
from registry.workflows.follow.heads import Said
from registry.workflows.log.index_logs import LARGEST, remember_fork
from registry.workflows.parts import Parts

MOST_ENTRIES = 1 << 20  # of one log that are new at once
MOST_BYTES = 1 << 30  # that they may have together
_AT_ONCE = 1000


class Bounded:
    """A reader of entries: one is small, and all that are read have an end."""

    def __init__(self, through: Through) -> None:
        self._through, self._left = through, MOST_BYTES

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``InvalidInput`` ``too_large`` beyond the bounds."""
        data = self._through.get(cid)
        self._left -= len(data)
        if len(data) > LARGEST or self._left < 0:
            raise Untrusted(f"{cid} is larger than an entry may be, or the log is", code="too_large")
        return data


def take_head(parts: Parts, issuer: str, said: Said, get: Bounded, progress: Progress = silent) -> int:
    """Verify the log up to a head that a source named; how many entries are new.

    ``Untrusted``: ``bad_signature``, ``log_gap``, ``log_fork`` (remembered), ``other_log``, ``not_an_entry``,
    ``too_large``; ``Conflict`` ``rolled_back``; ``NewerVersion``; what the source raises.
    """
    with parts.catalog.read() as db:
        known = follows.head(db, issuer)
    if known is not None and known[0] == said.entry:
        return 0
    newest = log.read_entry(said.entry, get.get)
    if newest.issuer != issuer:
        raise Untrusted(f"{said.source} names an entry of {newest.issuer} as one of {issuer}", code="other_log")
    if known is not None and newest.seq <= known[1]:
        return _older(parts, issuer, said, newest.seq, known[1])
    if newest.seq - (known[1] if known else -1) > MOST_ENTRIES:
        raise Untrusted(f"the log says to have {newest.seq + 1} entries: too many to follow", code="too_large")
    found = _walked(parts, issuer, said.entry, newest.seq, known, get, progress)
    _place(parts, issuer, found)
    return len(found)


def _older(parts: Parts, issuer: str, said: Said, seq: int, known: int) -> int:
    """A head that is not newer: on the way to the known one, or of another history."""
    with parts.catalog.read() as db:
        here = entries.at(db, issuer, seq)
    if here != said.entry:
        raise _forks(parts, issuer, said.entry)
    if said.served:
        raise Conflict(
            f"{said.source} says that the log ends with entry {seq}, but it went on to entry {known}",
            code="rolled_back",
            hint="ask who runs it whether a backup was restored.",
        )
    return 0


def _walked(
    parts: Parts,
    issuer: str,
    head: CID,
    seq: int,
    known: tuple[CID, int] | None,
    get: Bounded,
    progress: Progress,
) -> list[CID]:
    """The new entries, the oldest first, each verified."""
    found: list[CID] = []
    refused = head
    try:
        for cid, entry in log.walk_back(head, known[0] if known else None, get.get):
            if cid == (known[0] if known else None):
                break
            found.append(cid)
            refused = CID.decode(entry.prev) if entry.prev and known and entry.seq == known[1] + 1 else cid
            progress("entries", len(found), seq - (known[1] if known else -1))
            last = entry
    except Untrusted as error:
        if error.code == "log_fork" and known is not None:
            raise _forks(parts, issuer, refused) from error
        raise
    if known is None:
        log.check_first(last, records.parse(get.get(last.record)))
    return found[::-1]


def _forks(parts: Parts, issuer: str, refused: CID) -> Untrusted:
    """The error that says so, after both halves were kept as evidence."""
    try:
        parts.store.flush()
        with parts.catalog.write() as db:
            remember_fork(parts, db, refused)
    except EmotionetError:  # it forks further back than what is at hand
        pass
    return Untrusted(
        f"{issuer} has signed two histories: {refused} is not in the one that is known here", code="log_fork"
    )


def _place(parts: Parts, issuer: str, found: list[CID]) -> None:
    """Give verified entries their places, a thousand in one transaction; the head moves with them."""
    parts.store.flush()
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        try:
            with parts.catalog.write() as db:
                for cid in some:
                    entry = indexing.note_entry(db, cid, parts.store.get)
                follows.set_head(db, issuer, entry.seq, some[-1])
        except Conflict as error:  # a file brought another history before
            for cid in some:
                with parts.catalog.write() as db:
                    remember_fork(parts, db, cid)
            raise Untrusted(str(error), code="log_fork") from error
