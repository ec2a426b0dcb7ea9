"""Append records to an issuer's log: sign an entry for each, index it, and put both into the store.

Invariants: the database decides. What is new, which place in the log is next, whether it can be indexed and what a
request is answered are one transaction (``appending``): whatever fails leaves the log as it was, nothing signed
remains, and the next record can be appended. Two processes on one database, also of two homes, take turns. An entry
is put into the store after the transaction that knows it; until then its bytes wait in ``pending_entries``, and
whoever comes next after a crash puts them there first. An equal record appended again returns the entry that exists.
Appending is refused while the home knows a newer entry than the catalog (a catalog restored from a backup would fork
the log).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from registry.catalog.index import indexing
from registry.catalog.queries import entries
from registry.catalog.schema.database import Connection
from registry.core import log, records
from registry.core.errors import Conflict
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import Signer
from registry.files import own_file
from registry.workflows.parts import Parts


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
    signed: list[tuple[CID, int, bytes]] = field(default_factory=list)  # entries appended in it: CID, place, bytes

    def append(self, record: records.Record) -> Appended:
        """Sign, append and index a record; the blocks it links to must be in the store already.

        What ``indexing.index_entry`` raises for a record that can't be indexed ends the transaction.
        """
        cid = records.cid(record)
        existing = entries.entry_of(self.db, cid, self.signer.did)
        if existing is not None:
            return Appended(cid, existing, new=False)
        if entries.newest(self.db, self.signer.did) is None:
            self._append(_issuer_record(self.parts))
        return Appended(cid, self._append(record), new=True)

    def _now(self, previous: CID | None) -> str:
        """The time, or the previous entry's where a clock was set back by no more than clocks are corrected by."""
        now = self.parts.now()
        before = None if previous is None else entries.issued_at(self.db, previous)
        return before if before is not None and now < before and not log.apart(now, before) else now

    def _append(self, record: records.Record) -> CID:
        newest = entries.newest(self.db, self.signer.did)
        previous, seq = (newest[0], newest[1] + 1) if newest else (None, 0)
        first = entries.first(self.db, self.signer.did)
        data = records.encode(record)
        record_cid = cid_of(data, DAG_CBOR)
        entry = log.make_entry(self.signer, seq, previous, first, record_cid, self._now(previous))
        signed = records.encode(entry)
        cid = cid_of(signed, DAG_CBOR)
        new_blocks = {record_cid: data, cid: signed}

        def get(wanted: CID) -> bytes:
            return new_blocks[wanted] if wanted in new_blocks else self.parts.store.get(wanted)

        indexing.index_entry(self.db, cid, get)
        self.parts.store.put_many([(record_cid, data)])
        entries.add_pending(self.db, cid, entry, signed)
        self.signed.append((cid, seq, signed))
        return cid


@contextmanager
def appending(parts: Parts, signer: Signer) -> Iterator[LogTransaction]:
    """One transaction in which to decide what is new and to append it; then the new entries go into the store.

    It commits on leaving and rolls back on any error, with all that was appended in it.
    """
    folder = _folder(parts, signer.did)
    with _log_lock(folder):
        with parts.catalog.write() as db:
            _check_head(folder, entries.newest(db, signer.did))
            transaction = LogTransaction(parts, signer, db)
            yield transaction
        _put_into_store(parts, signer.did, transaction.signed)


def append(parts: Parts, signer: Signer, record: records.Record) -> Appended:
    """Sign and append one record that was decided on before."""
    with appending(parts, signer) as transaction:
        return transaction.append(record)


def finish_pending(parts: Parts, issuer: str) -> None:
    """Put an issuer's entries into the store that a killed process appended and did not get to put there."""
    with parts.catalog.read() as db:
        waiting = bool(entries.pending(db, issuer))
    if waiting:
        with _log_lock(_folder(parts, issuer)):
            _put_into_store(parts, issuer)


def put_record(parts: Parts, record: records.Record) -> CID:
    """Put a record into the store without an entry (what an appended record links to)."""
    data = records.encode(record)
    cid = cid_of(data, DAG_CBOR)
    parts.store.put(cid, data)
    return cid


def _put_into_store(parts: Parts, issuer: str, signed: Iterable[tuple[CID, int, bytes]] = ()) -> None:
    """Put pending entries into the store, remember the newest as the home's, and let go of them.

    ``signed`` are this process's own: another home with the same key may have taken them for a killed process's.
    """
    with parts.catalog.read() as db:
        pending = sorted({*entries.pending(db, issuer), *signed}, key=itemgetter(1))
    if not pending:
        return
    parts.store.put_many([(cid, data) for cid, _, data in pending])
    newest, seq, _ = pending[-1]
    _write(_folder(parts, issuer) / "head.json", json.dumps({"seq": seq, "entry": str(newest)}).encode())
    with parts.catalog.write() as db:
        entries.drop_pending(db, [cid for cid, _, _ in pending])


@contextmanager
def _log_lock(folder: Path) -> Iterator[None]:
    """One appender at a time among the processes of one home, so that ``head.json`` only ever goes forward."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes) -> None:
    with own_file(path) as stream:
        stream.write(data)


def _check_head(folder: Path, newest: tuple[CID, int] | None) -> None:
    head = folder / "head.json"
    if not head.exists():
        return
    known = json.loads(head.read_bytes())
    if newest is None or newest[1] < known["seq"]:
        raise Conflict(
            "the catalog is older than this home's log",
            code="catalog_is_older",
            hint="run `emotionet catalog rebuild` first.",
        )


def _issuer_record(parts: Parts) -> records.Issuer:
    contract = parts.anchors.contract
    return records.Issuer(chains=((parts.anchors.chain, contract),) if contract else ())


def _folder(parts: Parts, issuer: str) -> Path:
    return parts.settings.home / "log" / issuer.rsplit(":", 1)[-1]
