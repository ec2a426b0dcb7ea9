"""Index the log that a file brings: the release, its plan, the entries between them, and their evidence.

Invariants: only signed entries count, each under its own issuer. Of another issuer's log, no contribution and no
withdrawal of an image is indexed, because a file does not decide whose labels count here; such an entry only keeps its
place in the log. An issuer's withdrawal of its own release or record is indexed. Evidence is indexed as the file states
it: nobody here has asked its chain. An entry that can't be indexed does not stop the rest. One that is refused because
its issuer signed another in its place is remembered: that the log forks is told from then on (``forks``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from registry.catalog.database.database import Connection
from registry.catalog.database.engines import translated
from registry.catalog.index import indexing
from registry.catalog.queries import log_forks
from registry.catalog.queries.signed_records import entries
from registry.core import log, records
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NewerVersion, NotFound, Untrusted
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.workflows.parts import Parts

LARGEST = 64 << 10  # no entry and no evidence comes near
_MARKS = (b"\x64type\x65entry", b"\x64type\x68evidence")


class Fork(str):
    """What is wrong with an entry whose place in its issuer's log another one has."""


class Sorted(NamedTuple):
    """Entries with their issuers and places, evidence, and what is wrong with others."""

    entries: list[tuple[str, int, CID]]
    evidence: list[CID]
    problems: list[str]


def signed_in(path: Path) -> list[CID]:
    """What may be an entry or an evidence among the blocks of a CAR file that was read before."""
    with path.open("rb") as stream:
        _, sections = car.read_raw(stream)
        try:
            return [cid for cid, data in sections if cid.codec == DAG_CBOR and _may_be(data)]
        except (Untrusted, InvalidInput):
            return []


def _may_be(data: bytes) -> bool:
    return len(data) <= LARGEST and any(mark in data for mark in _MARKS)


def held_entries_before(parts: Parts, roots: Iterable[CID]) -> list[CID]:
    """The entries and evidence among ``roots``, and the entries before them that are held."""
    found: dict[CID, None] = {}
    pending = [root for root in roots if root.codec == DAG_CBOR]
    while pending:
        cid = pending.pop()
        if cid in found or not parts.store.has(cid):
            continue
        try:
            record = records.parse(parts.store.get(cid))
            before = record.prev if isinstance(record, records.Entry) else getattr(record, "entry", None)
            if isinstance(record, (records.Entry, records.Evidence)):
                found[cid] = None
                pending += [CID.decode(before)] if before else []
        except NewerVersion:
            found[cid] = None  # index_logs tells of it
        except (InvalidInput, NotFound):
            continue
    return list(found)


def index_logs(parts: Parts, cids: Iterable[CID]) -> list[str]:
    """Index every entry and evidence among ``cids`` that is held; returns what is wrong with the others."""
    found = sorted_out(parts, cids)
    with parts.catalog.write() as db:
        return index_sorted(parts, db, found)


def index_sorted(parts: Parts, db: Connection, found: Sorted) -> list[str]:
    """The same of what ``sorted_out`` found, in the caller's transaction."""
    problems = list(found.problems)
    for _, (_, _, cid) in sorted((_is_audit(parts, one[2]), one) for one in found.entries):
        wrong = _tried(db, lambda cid=cid: _entry(parts, db, cid))  # type: ignore[misc]
        if any(isinstance(one, Fork) for one in wrong):
            remember_fork(parts, db, cid)
        problems += wrong
    for cid in found.evidence:
        problems += _tried(db, lambda cid=cid: indexing.index_evidence(db, cid, parts.store.get))  # type: ignore[misc]
    return problems


def sorted_out(parts: Parts, cids: Iterable[CID]) -> Sorted:
    """What is held of these, read before a transaction begins."""
    found = Sorted([], [], [])
    for cid in cids:
        if not parts.store.has(cid):
            continue
        try:
            record = records.parse(parts.store.get(cid))
        except NewerVersion as error:
            found.problems.append(str(error))
            continue
        except (InvalidInput, NotFound):
            continue
        if isinstance(record, records.Entry):
            found.entries.append((record.issuer, record.seq, cid))
        elif isinstance(record, records.Evidence):
            found.evidence.append(cid)
    return found


def _tried(db: Connection, attempt: Callable[[], None]) -> list[str]:
    try:
        with translated(), db.begin_nested():
            attempt()
    except (NotFound, Untrusted, InvalidInput, Conflict) as error:
        return [Fork(error) if error.code == "log_fork" else str(error)]
    return []


def remember_fork(parts: Parts, db: Connection, cid: CID) -> None:
    """Keep which entry excludes this one, which is signed by the same issuer."""
    entry = log.read_entry(cid, parts.store.get)
    held = indexing.excluded_by(db, cid, entry)
    if held is not None:
        log_forks.note(db, issuer=entry.issuer, held=held, refused=str(cid), now=parts.now())


def _entry(parts: Parts, db: Connection, cid: CID) -> None:
    """An entry with what it says, or its place in the log where that is not here or does not count."""
    get = parts.store.get
    entry = log.read_entry(cid, get)
    if parts.store.has(entry.record) and _counts(db, records.parse(get(entry.record)), entry.issuer):
        indexing.index_entry(db, cid, get)
    else:
        indexing.note_entry(db, cid, get)


def _counts(db: Connection, record: records.Record, issuer: str) -> bool:
    """Whether more than an entry's place is taken from a file."""
    if isinstance(record, records.Withdrawal):
        if record.target is None or record.contributor is not None:
            return False  # of rows: the audit looks at them, and ``apply_withdrawal`` takes them in
        return len(record.target) != 32 and entries.entry_of(db, CID.decode(record.target), issuer) is not None
    if isinstance(record, records.Audit):  # anybody's, of what is known here: who it is by is shown with it
        return len(record.target) != 32 and entries.entry_of(db, CID.decode(record.target), None) is not None
    return not isinstance(record, records.Contribution)


def _is_audit(parts: Parts, cid: CID) -> bool:
    """Whether an entry signs an audit, which waits for what it is about."""
    try:
        said = log.read_entry(cid, parts.store.get).record
        return parts.store.has(said) and isinstance(records.parse(parts.store.get(said)), records.Audit)
    except EmotionetError:
        return False
