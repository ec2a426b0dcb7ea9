"""The only way into the catalog: index an entry or an evidence. Normal operation and a rebuild both call it.

Invariants: indexed rows follow from verified bytes alone (``get`` verifies; signatures are checked here), not from the
order of indexing. Indexing again changes nothing. An entry is indexed whole, or not at all once the caller's
transaction is rolled back. Records that an indexed record links to are indexed with it; rows, withdrawals, audits and
names count only once an entry signs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import insert_new, int64, storable, target_text
from registry.catalog.index.derived_runs import attach_release
from registry.catalog.index.edges import edges
from registry.catalog.index.key_changes import check_heeds, index_change, mark_revoked
from registry.catalog.index.snapshot_members import index_snapshot
from registry.catalog.index.table_rows import MadeRows, index_rows
from registry.catalog.index.taken_back import index_withdrawal, mark_again
from registry.catalog.schema import derived
from registry.core import records
from registry.core.errors import Conflict
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.log import read_entry
from registry.core.run_view import draw_view, plan_view


def note_entry(db: sa.Connection, entry_cid: CID, get: Get) -> records.Entry:
    """Give an entry its place in its issuer's log, without what it says.

    ``Untrusted`` if its signature does not hold; ``Conflict`` ``log_fork`` if its place is taken or its
    known neighbours contradict it (a gap is no contradiction: the rest may not be known).
    """
    entry = read_entry(entry_cid, get)
    prev = str(CID.decode(entry.prev)) if entry.prev else None
    if excluded_by(db, entry_cid, entry) is not None:
        raise Conflict(
            f"{entry.issuer} has two different entries with number {entry.seq}: its log forks", code="log_fork"
        )
    if entry.authority is not None:
        index_entry(db, entry.authority, get)  # and all before it: at most ``authority.MOST``
    check_heeds(db, entry)
    row = {
        "cid": str(entry_cid),
        "issuer": entry.issuer,
        "seq": entry.seq,
        "prev": prev,
        "record": str(entry.record),
        "issued_at": entry.issued_at,
    }
    insert_new(db, derived.entries, [row], key=["cid"])  # where its place was taken meanwhile, an error
    _keep(db, entry_cid, entry)
    mark_revoked(db, entry_cid, entry)
    return entry


def excluded_by(db: sa.Connection, entry_cid: CID, entry: records.Entry) -> str | None:
    """The indexed entry of the same issuer that excludes this one: in its place, before it or behind it; None: none."""
    prev = str(CID.decode(entry.prev)) if entry.prev else None
    e = derived.entries.c
    near = e.seq.in_((entry.seq - 1, int64(entry.seq, "the place"), entry.seq + 1))
    known = {row.seq: row for row in db.execute(sa.select(derived.entries).where(e.issuer == entry.issuer, near))}
    here, before, after = (known.get(entry.seq + step) for step in (0, -1, 1))
    if here and here.cid != str(entry_cid):
        return str(here.cid)
    if before and before.cid != prev:
        return str(before.cid)
    return str(after.cid) if after and after.prev != str(entry_cid) else None


def index_entry(db: sa.Connection, entry_cid: CID, get: Get, made: MadeRows | None = None) -> None:
    """Index an entry, the record it says, and all records that go along.

    ``made``: of a contribution whose table this process has just built, so that it is not read again.

    ``Untrusted``, ``Conflict`` (as ``note_entry``), ``InvalidInput`` for a malformed record or table,
    ``NotFound`` for a missing block.
    """
    done = sa.select(derived.entries.c.record_type).where(derived.entries.c.cid == str(entry_cid))
    if db.scalar(done) is not None:
        return
    entry = note_entry(db, entry_cid, get)
    record = records.parse(get(entry.record))
    _index_records(db, entry.record, get)
    if isinstance(record, records.Contribution):
        index_rows(db, entry.record, record, entry, get, made)
    elif isinstance(record, records.Keys):
        index_change(db, entry_cid, entry, record, get)
        mark_again(db, entry.issuer)
    elif isinstance(record, records.Withdrawal):
        index_withdrawal(db, entry, record)
    elif isinstance(record, records.Audit):
        insert_new(db, derived.audits, [_audit(entry.record, record)])
    elif isinstance(record, records.Name):
        insert_new(db, derived.names, [storable(_name(entry.record, record))])
    elif isinstance(record, records.Release):
        attach_release(db, entry.record, record, entry.issued_at, get)
    kind = records.type_of(record)
    db.execute(sa.update(derived.entries).where(derived.entries.c.cid == str(entry_cid)).values(record_type=kind))


def index_evidence(db: sa.Connection, cid: CID, get: Get) -> None:
    """Index an evidence of any kind, which the caller has checked against the place that it names: nothing here can."""
    evidence = records.parse_as(records.Evidence, get(cid))
    row = {"cid": str(cid), "entry": str(CID.decode(evidence.entry)), "kind": evidence.kind, "time": evidence.time}
    insert_new(db, derived.evidence, [storable(row)])
    _keep(db, cid, evidence)


def _keep(db: sa.Connection, cid: CID, record: records.Record) -> None:
    """Remember a record's type and what it names."""
    insert_new(db, derived.records, [{"cid": str(cid), "type": records.type_of(record)}])
    found = [{"record": str(cid), "target": edge.target, "relation": edge.relation} for edge in edges(record)]
    insert_new(db, derived.mentions, found)


def _index_records(db: sa.Connection, root: CID, get: Get) -> None:
    """Index a record and all records it links to, each once (no recursion: a chain of records may be long)."""
    pending = [root]
    while pending:
        cid = pending.pop()
        if db.scalar(sa.select(derived.records.c.cid).where(derived.records.c.cid == str(cid))) is not None:
            continue
        record = records.parse(get(cid))
        if isinstance(record, records.Entry):
            note_entry(db, cid, get)
        else:
            _keep(db, cid, record)
            detail = _DETAILS.get(type(record))
            if detail:
                detail(db, cid, record, get)
        pending += [edge.record for edge in edges(record) if edge.record is not None]


def _preprocessing(db: sa.Connection, cid: CID, record: Any, get: Get) -> None:
    names = ("snapshot", "recipe", "output")
    insert_new(db, derived.preprocessings, [{"cid": str(cid), **{name: str(getattr(record, name)) for name in names}}])


def _plan(db: sa.Connection, cid: CID, record: Any, get: Get) -> None:
    view = plan_view(get, record)
    row = {
        "cid": str(cid),
        "preprocessing": str(record.preprocessing),
        "snapshot": str(view.preprocessing.snapshot),
        "recipe": str(record.recipe),
        "recipe_name": view.recipe.name,
        "method": record.method.id,
        "final": record.final,
    }
    insert_new(db, derived.plans, [storable(row)])


def _draw(db: sa.Connection, cid: CID, record: Any, get: Get) -> None:
    insert_new(db, derived.draws, [{"cid": str(cid), "plan": str(record.plan), "beacon": bool(record.beacons)}])


def _release(db: sa.Connection, cid: CID, record: Any, get: Get) -> None:
    view = draw_view(get, record.draw)
    row = {
        "cid": str(cid),
        "plan": str(view.draw.plan),
        "plan_entry": str(record.plan_entry),
        "draw": str(record.draw),
        "snapshot": str(view.preprocessing.snapshot),
        "preprocessing": str(view.plan.preprocessing),
        "evaluation": str(record.evaluation),
        "recipe_name": view.recipe.name,
        "final": view.plan.final,
        "licence": record.licence,
        "card": str(record.card),
        "supersedes": str(CID.decode(record.supersedes)) if record.supersedes else None,
    }
    insert_new(db, derived.releases, [storable(row)])
    rows = [
        {"release": str(cid), "position": position, **records.to_value(one), "cid": str(one.cid)}
        for position, one in enumerate(record.weights)
    ]
    insert_new(db, derived.weights, map(storable, rows))


def _name(cid: CID, record: records.Name) -> dict[str, Any]:
    return {"cid": str(cid), "name": record.name, "target": target_text(record.target)}


def _audit(cid: CID, record: records.Audit) -> dict[str, Any]:
    checks = [records.to_value(check) for check in record.checks]
    return {"cid": str(cid), "target": target_text(record.target), "levels": list(record.levels), "checks": checks}


_DETAILS: Mapping[type[records.Record], Callable[[sa.Connection, CID, Any, Get], None]] = {
    records.Snapshot: index_snapshot,
    records.Preprocessing: _preprocessing,
    records.Plan: _plan,
    records.Draw: _draw,
    records.Release: _release,
}
