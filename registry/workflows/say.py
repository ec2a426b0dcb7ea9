"""Say a record: sign an entry for it, append it to the issuer's log, keep both, index both.

Invariants: an equal record said again returns the entry that exists. The log never forks: an entry
is written to a pending file before anything else knows it, and whoever comes next after a crash
finishes that entry first. Appending is refused while the home knows a newer entry than the catalog
(a catalog restored from a backup would fork the log).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.catalog import entries, indexing
from registry.core import log, records
from registry.core.cid import CID, DAG_CBOR, cid_of
from registry.core.errors import Conflict
from registry.workflows.parts import Parts


@dataclass(frozen=True)
class Said:
    """A record's CID, its entry's CID, and whether it was new."""

    record: CID
    entry: CID
    new: bool


@contextmanager
def _log_lock(folder: Path) -> Iterator[None]:
    """One appender at a time among the processes of one home."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def _commit(parts: Parts, folder: Path, pending: Path) -> CID:
    """Put a pending entry into store and catalog, remember it as the newest, and forget the pending file."""
    data = pending.read_bytes()
    entry = records.parse_as(records.Entry, data)
    cid = cid_of(data, DAG_CBOR)
    parts.store.put_many([(cid, data)])
    with parts.catalog.write() as db:
        indexing.index_entry(db, cid, parts.store.get)
    _write(folder / "head.json", json.dumps({"seq": entry.seq, "entry": str(cid)}).encode())
    pending.unlink()
    return cid


def _check_head(folder: Path, newest: tuple[CID, int] | None) -> None:
    head = folder / "head.json"
    if not head.exists():
        return
    known = json.loads(head.read_bytes())
    if newest is None or newest[1] < known["seq"]:
        raise Conflict(
            "the catalog is older than this home's log: run `emotionet catalog rebuild` first", code="catalog_is_older"
        )


def _append(parts: Parts, folder: Path, record: CID) -> CID:
    issuer = parts.key.did
    with parts.catalog.read() as db:
        newest = entries.newest(db, issuer)
    _check_head(folder, newest)
    previous, seq = (newest[0], newest[1] + 1) if newest else (None, 0)
    entry = log.make_entry(parts.key, seq, previous, record, parts.now())
    pending = folder / "pending.cbor"
    _write(pending, records.encode(entry))
    return _commit(parts, folder, pending)


def _issuer_record(parts: Parts) -> records.Issuer:
    contract = parts.anchors.contract
    return records.Issuer(chains=((parts.anchors.chain, contract),) if contract else ())


def _folder(parts: Parts) -> Path:
    return parts.settings.home / "log" / parts.key.did.rsplit(":", 1)[-1]


def settle(parts: Parts) -> None:
    """Finish an entry that a killed process left pending. Call before deciding what is new."""
    folder = _folder(parts)
    with _log_lock(folder):
        if (folder / "pending.cbor").exists():
            _commit(parts, folder, folder / "pending.cbor")


def say(parts: Parts, record: records.Record) -> Said:
    """Sign and keep a record; the blocks it links to must be in the store already."""
    data = records.encode(record)
    cid = cid_of(data, DAG_CBOR)
    folder = _folder(parts)
    with _log_lock(folder):
        pending = folder / "pending.cbor"
        if pending.exists():
            _commit(parts, folder, pending)
        with parts.catalog.read() as db:
            existing = entries.entry_of(db, cid, parts.key.did)
            first = entries.newest(db, parts.key.did) is None
        if existing is not None:
            return Said(cid, existing, new=False)
        if first:
            issuer = records.encode(_issuer_record(parts))
            parts.store.put_many([(cid_of(issuer, DAG_CBOR), issuer)])
            _append(parts, folder, cid_of(issuer, DAG_CBOR))
        parts.store.put_many([(cid, data)])
        return Said(cid, _append(parts, folder, cid), new=True)


def keep(parts: Parts, record: records.Record) -> CID:
    """Put a record into the store without an entry (what a said record links to)."""
    data = records.encode(record)
    cid = cid_of(data, DAG_CBOR)
    parts.store.put(cid, data)
    return cid
