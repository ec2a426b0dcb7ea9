"""Append records to an issuer's log: sign an entry for each, index it, and put both into the store.

Invariants: the database decides. One transaction (``appending``) holds the log's row in ``log_heads`` and covers all of
this: which rows are new, the entry's number in the log, whether the record can be indexed, and the answer to the
request. If any of it fails, the log is as before, nothing signed remains, and the next record can be appended.
Processes that share the database take turns, whether they are in one home or in homes on several machines.

An entry is put into the store after the transaction that commits it. Until then its bytes lie in ``pending_entries``,
and after a crash the next process puts them into the store first. Appending an equal record again returns the existing
entry, unless the caller wants another. Appending is refused while any source knows a newer entry than the catalog
(``registry.workflows.log.newer_entries``): a database that was restored from a backup would fork the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from operator import itemgetter

from registry.catalog import log_heads
from registry.catalog.database.database import Connection
from registry.catalog.index import indexing
from registry.catalog.index.table_rows import MadeRows
from registry.catalog.marks import settle
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.key_changes import changes_of, newest_change
from registry.core import log, records
from registry.core.errors import Conflict, NotFound, Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.issuers import DID_PREFIX, address_of_key
from registry.core.log import Signer
from registry.provenance.keys import signed_heads as signed_heads
from registry.workflows.log.beginning import check_log_is_here, check_may_begin
from registry.workflows.log.newer_entries import ask_anchors, check_newest
from registry.workflows.log.restored import check_confirmed
from registry.workflows.parts import Parts

_log = logging.getLogger(__name__)
Write = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Appended:
    """A record's CID, its entry's CID, and whether it was new."""

    record: CID
    entry: CID
    new: bool


@dataclass(frozen=True)
class LogTransaction:
    """A signer's log within one transaction: what is read by ``db`` is still true when it commits."""

    parts: Parts
    signer: Signer
    db: Connection
    signed: list[log_heads.Pending] = field(default_factory=list)  # entries appended in it
    kinds: set[type[records.Record]] = field(default_factory=set)  # of the records that these say

    @property
    def changes_answers(self) -> bool:
        """Whether an answer may change that a server keeps: none of those rests on rows alone."""
        return bool(self.kinds - {records.Contribution})

    def append(self, record: records.Record, *, again: bool = False, made: MadeRows | None = None) -> Appended:
        """Sign, append and index a record; the blocks it links to must be in the store already.

        ``made``: of a contribution, the rows that its table was made of.
        ``again``: also where the log holds an equal record, for what is moved back to where it was before. What
        ``indexing.index_entry`` raises for a record that can't be indexed ends the transaction.
        """
        cid = records.cid(record)
        existing = None if again else entries.entry_of(self.db, cid, self.signer.did)
        if existing is not None:
            return Appended(cid, existing, new=False)
        self._begin_if_new()
        return Appended(cid, self._append(record, made), new=True)

    def begin(self) -> bool:
        """Open the log, whoever gave the key to this home; whether that was to do."""
        new = entries.newest(self.db, self.signer.did) is None
        if new:
            self._append(_issuer_record(self.parts))
        return new

    def _begin_if_new(self) -> None:
        if entries.newest(self.db, self.signer.did) is None:
            check_may_begin(self.parts, self.signer)
            self.begin()

    def _now(self, previous: CID | None) -> str:
        """The time, or the previous entry's where a clock was set back by no more than clocks are corrected by."""
        now = self.parts.now()
        before = None if previous is None else entries.issued_at(self.db, previous)
        return before if before is not None and now < before and not log.clearly_before(now, before) else now

    def change_keys(self, make: Callable[[bytes, bytes, int], records.Keys]) -> Appended:
        """Append a ``keys`` entry; ``make`` is given the log, the entry before and the place: what its proof is of."""
        self._begin_if_new()
        newest, first = entries.newest(self.db, self.signer.did), entries.first(self.db, self.signer.did)
        assert newest is not None
        assert first is not None
        record = make(bytes(first), bytes(newest[0]), newest[1] + 1)
        return Appended(records.cid(record), self._append(record), new=True)

    def _get(self, wanted: CID) -> bytes:
        """A block of the store, or of an entry that a killed process committed and did not put there."""
        try:
            return self.parts.store.get(wanted)
        except NotFound:
            waiting = [*self.signed, *log_heads.pending(self.db, self.signer.did)]
            for cid, _, data in waiting:
                if cid == wanted:
                    return data
            raise

    def _append(self, record: records.Record, made: MadeRows | None = None) -> CID:
        newest = entries.newest(self.db, self.signer.did)
        authority = newest_change(self.db, self.signer.did)
        if authority is not None and not isinstance(record, records.Keys):
            check_in_force(self.db, self.signer)
        previous, seq = (newest[0], newest[1] + 1) if newest else (None, 0)
        first = entries.first(self.db, self.signer.did)
        data = records.encode(record)
        record_cid = cid_of(data, DAG_CBOR)
        new_blocks = {record_cid: data}

        def get(wanted: CID) -> bytes:
            return new_blocks[wanted] if wanted in new_blocks else self._get(wanted)

        entry = log.make_entry(
            self.signer,
            seq,
            previous,
            first,
            record_cid,
            self._now(previous),
            authority=authority[0] if authority else None,
            get=get,
        )
        signed = records.encode(entry)
        cid = cid_of(signed, DAG_CBOR)
        new_blocks[cid] = signed

        indexing.index_entry(self.db, cid, get, made)
        self.parts.store.put_many([(record_cid, data)])
        log_heads.add_pending(self.db, cid, entry, signed)
        log_heads.set_head(self.db, entry.issuer, seq, cid)
        self.signed.append((cid, seq, signed))
        self.kinds.add(type(record))
        return cid


def check_in_force(db: Connection, signer: Signer) -> None:
    """``Conflict`` (``key_replaced``) unless this key signs its issuer's log now, as the catalog knows: a process that
    was started before the log was handed over still holds the key of then."""
    changes = changes_of(db, signer.did)
    if not changes or DID_PREFIX + address_of_key(signer.public_key) == changes[-1].successor:
        return
    change = changes[-1]
    now = "it is closed" if change.successor is None else f"that of {change.successor} signs it"
    raise Conflict(
        f"this key does not sign the log of {signer.did} any more: since entry {change.seq} {now}",
        code="key_replaced",
        hint="put the newer key into this home, or hand the log over with its recovery key: docs/keys.md.",
    )


@contextmanager
def appending(parts: Parts, signer: Signer, write: Write | None = None) -> Iterator[LogTransaction]:
    """One transaction in which to decide what is new and to append it; then the new entries go into the store.

    ``write`` begins it, the catalog unless given. It commits on leaving and rolls back on any error, with all that was
    appended in it.
    """
    check_confirmed(parts.settings.home, signer.did)
    ask_anchors(parts, signer.did)  # before the lock: a chain may take its time
    with (write or parts.catalog.write)() as db:
        check_newest(parts, db, signer.did, log_heads.lock(db, signer.did))
        check_log_is_here(parts, db, signer)
        transaction = LogTransaction(parts, signer, db)
        yield transaction
    _put_pending(parts, signer.did, transaction.signed)
    if transaction.changes_answers:
        settle(parts.catalog)


def append(parts: Parts, signer: Signer, record: records.Record) -> Appended:
    """Sign and append one record that was decided on before."""
    with appending(parts, signer) as transaction:
        return transaction.append(record)


def finish_pending(parts: Parts, issuer: str) -> None:
    """Put into the store the entries that a killed process appended and did not get to put there."""
    with parts.catalog.read() as db:
        waiting = bool(log_heads.pending(db, issuer))
    if waiting:
        _put_pending(parts, issuer)


def put_record(parts: Parts, record: records.Record) -> CID:
    """Put a record into the store without an entry (what an appended record links to)."""
    data = records.encode(record)
    cid = cid_of(data, DAG_CBOR)
    parts.store.put(cid, data)
    return cid


def _put_pending(parts: Parts, issuer: str, signed: Iterable[log_heads.Pending] = ()) -> None:
    """Put pending entries into the store, remember the newest there, and let go of them.

    ``signed`` are this process's own: another one may have put them into its store, which need not be this one's.
    """
    with parts.catalog.write(serial=False) as db:
        log_heads.lock(db, issuer)
        pending = sorted({*log_heads.pending(db, issuer), *signed}, key=itemgetter(1))
        if not pending:
            return
        parts.store.put_many([(cid, data) for cid, _, data in pending])
        newest, seq, _ = pending[-1]
        parts.store.set_log_head(issuer, seq, newest)
        _remember_here(parts, issuer, seq, newest)
        log_heads.drop_pending(db, [cid for cid, _, _ in pending])


def _remember_here(parts: Parts, issuer: str, seq: int, entry: CID) -> None:
    """Write the newest entry to the home's folder, as a hint only: if that fails, the entry stays in the log."""
    try:
        signed_heads.remember(parts.settings.home, issuer, seq, entry)
    except Unavailable as error:
        _log.warning("the newest entry of %s is not noted in the home: %s", issuer, error)


def _issuer_record(parts: Parts) -> records.Issuer:
    contract = parts.anchors.contract
    return records.Issuer(chains=((parts.anchors.chain, contract),) if contract else ())
