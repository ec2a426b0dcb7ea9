"""Refill the catalog from the blocks of a store.

Invariants: everything that follows from records in the store is made again in one transaction (a killed rebuild leaves
the old catalog), only through ``registry.catalog.index.indexing``. Rows of other records, whose blocks lie elsewhere or
are damaged here, are preserved (``registry.catalog.index.preserved_rows``), and so are the tables that no record can
refill (``registry.catalog.schema.operational``). A damaged or missing block affects only the records that need it, and
is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog import log_heads
from registry.catalog.database.database import Catalog
from registry.catalog.database.engines import translated
from registry.catalog.index.indexing import index_entry, index_evidence, note_entry
from registry.catalog.index.preserved_rows import PreservedRows
from registry.catalog.index.taken_back import mark_all
from registry.catalog.schema import derived
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NewerVersion, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, IDENTITY, RAW
from registry.core.ipld.dag import Get
from registry.core.ipld.encoding import links
from registry.core.log import position_of_newer, verify_entry

_MARKS: dict[bytes, type[records.Record]] = {
    b"\x64type\x65entry": records.Entry,
    b"\x64type\x68evidence": records.Evidence,
}
_Way = Callable[[sa.Connection, CID, Get], object]
_LARGEST = 64 * 1024  # no entry and no evidence comes near


class _Found:
    """What a scan of the store found."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int, CID]] = []
        self.later: list[tuple[str, int, CID]] = []  # entries that came after this program
        self.evidence: list[CID] = []
        self.multihashes: set[bytes] = set()
        self.problems: list[dict[str, str]] = []

    def problem(self, cid: CID | str, error: Exception) -> None:
        self.problems.append({"cid": str(cid), "problem": str(error)})


def _scan(get: Get, cids: Iterable[CID]) -> _Found:
    """Find entries and evidence among all blocks; a store may list any of them under the raw codec."""
    found = _Found()
    for listed in cids:
        if listed.codec not in (RAW, DAG_CBOR):
            found.multihashes.add(listed.multihash)
            continue
        try:
            data = get(listed)
        except NotFound as error:
            found.problem(listed, error)
            continue
        found.multihashes.add(listed.multihash)
        kind = next((kind for mark, kind in _MARKS.items() if mark in data), None)
        if kind is not None and len(data) <= _LARGEST:
            _take(found, CID.v1(DAG_CBOR, listed.digest, listed.hash_code), data, kind, get)
    return found


def _take(found: _Found, cid: CID, data: bytes, kind: type[records.Record], get: Get) -> None:
    try:
        record = records.parse_as(kind, data)
    except NewerVersion as error:
        found.problem(cid, error)
        place = position_of_newer(data) if kind is records.Entry else None
        if place is not None:
            found.later.append((*place, cid))
        return
    except InvalidInput:
        return  # some other bytes that hold the mark
    if isinstance(record, records.Entry):
        try:
            verify_entry(record, get)
        except (Untrusted, NotFound, NewerVersion) as error:
            found.problem(cid, error)
        else:
            found.entries.append((record.issuer, record.seq, cid))
    else:
        found.evidence.append(cid)


def rebuild(
    catalog: Catalog,
    get: Get,
    cids: Iterable[CID],
    now: str,
    *,
    issuers: Collection[str] | None = None,
    evidence_holds: Callable[[records.Evidence], bool] = lambda evidence: True,
    also: Callable[[sa.Connection], object] = lambda db: None,
) -> dict[str, Any]:
    """Make the catalog again from the blocks ``cids``, read by ``get`` (which verifies).

    Only logs of ``issuers`` are taken (None: all whose entries lie in the store) and what the catalog knew
    before of other logs, as far as it did, and only evidence that ``evidence_holds`` (a chain can be asked;
    nothing here can). ``also`` indexes more, at the end of the same transaction.
    Returns ``time, entries, evidence, images, stored, problems: [{cid, problem}]``.
    ``Unavailable`` if a block can't be read; then nothing has changed.
    """
    found = _scan(get, cids)
    with catalog.write() as db:
        preserved = PreservedRows(db)
        for issuer in sorted(issuers or ()):
            log_heads.lock(db, issuer)  # whose logs are written here: what they withdrew is withdrawn here
        _index_logs(db, get, found, issuers, preserved.entries())
        for cid in sorted(found.evidence):
            if evidence_holds(records.parse_as(records.Evidence, get(cid))):
                _index_evidence(db, cid, get, found)
        _place_later(db, found, issuers)
        stored = _mark_stored(db, get, found.multihashes)
        preserved.put_back({str(cid) for cid in found.evidence}, issuers)
        also(db)
        mark_all(db)
        counts = {table.name: db.scalar(sa.select(sa.func.count()).select_from(table)) for table in derived.REBUILDABLE}
    return {
        "time": now,
        "entries": counts["entries"],
        "evidence": counts["evidence"],
        "images": counts["images"],
        "stored": stored,
        "problems": found.problems,
    }


def _index_logs(
    db: sa.Connection, get: Get, found: _Found, issuers: Collection[str] | None, known: Mapping[str, str | None]
) -> None:
    """The entries of ``issuers``, and of others as far as the catalog knew them before."""
    for issuer, _, cid in sorted(found.entries):
        if issuers is None or issuer in issuers or known.get(str(cid)) is not None:
            _index(db, cid, get, found)
        elif str(cid) in known:
            _index(db, cid, get, found, (note_entry,))


def _place_later(db: sa.Connection, found: _Found, issuers: Collection[str] | None) -> None:
    """Entries that can't be read here take their places in their logs all the same."""
    for issuer, seq, cid in found.later:
        if issuers is None or issuer in issuers:
            log_heads.lock(db, issuer)
            log_heads.set_head(db, issuer, seq, cid)


def _index(
    db: sa.Connection, cid: CID, get: Get, found: _Found, ways: Iterable[_Way] = (index_entry, note_entry)
) -> None:
    """Index an entry; if what it says can't be, keep at least its place in the log."""
    for attempt in ways:
        try:
            with translated(), db.begin_nested():
                attempt(db, cid, get)
            return
        except Unavailable:
            raise
        except (NotFound, Untrusted, InvalidInput, Conflict) as error:
            if attempt is index_entry:
                found.problem(cid, error)


def _index_evidence(db: sa.Connection, cid: CID, get: Get, found: _Found) -> None:
    try:
        with translated(), db.begin_nested():
            index_evidence(db, cid, get)
    except (NotFound, InvalidInput) as error:
        found.problem(cid, error)


def _mark_stored(db: sa.Connection, get: Get, held: Collection[bytes]) -> int:
    """Mark images whose whole DAG is held under one of their CIDs; returns how many."""
    stored: set[str] = set()
    for row in db.execute(sa.select(derived.image_cids)):
        if row.sha256 not in stored and _complete(CID.parse(row.cid), get, held):
            stored.add(row.sha256)
    names = sorted(stored)
    for start in range(0, len(names), 500):
        part = derived.images.c.sha256.in_(names[start : start + 500])
        db.execute(sa.update(derived.images).where(part).values(stored=True))
    return len(stored)


def _complete(root: CID, get: Get, held: Collection[bytes]) -> bool:
    pending = [root]
    while pending:
        cid = pending.pop()
        if cid.hash_code == IDENTITY:
            continue  # it holds its own bytes
        if cid.multihash not in held:
            return False
        if cid.codec != RAW:
            try:
                pending += links(get(cid), cid.codec)
            except (NotFound, InvalidInput):
                return False
    return True
