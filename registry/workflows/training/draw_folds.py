"""A run's second step: once the plan's anchor is final, draw who is judged in which fold.

Invariants: with a chain, the folds' seed holds the hash of the block that the plan's anchor lies
in, so whoever trained on these folds trained after that block; with a journal (or ``unanchored``)
it follows from the plan alone, and the audit says so. The folds follow from the draw's seed, the
groups and the labels only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from registry.catalog.index import indexing
from registry.catalog.queries import runs
from registry.core import records
from registry.core.draw import check_repeats, draw_seed, repeated_folds
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.core.ports.anchor import Anchor
from registry.core.table import tables
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows.log.append import keep
from registry.workflows.parts import Parts
from registry.workflows.training import run_context
from registry.workflows.training.run_context import RunContext


def evidence_of(entry: CID, anchor: Anchor) -> records.Evidence:
    """What a finalized anchor on a chain is remembered as."""
    if anchor.contract is None or anchor.transaction is None or anchor.block_hash is None:
        raise Unavailable("the chain did not say where the anchor lies", hint="try again.")
    return records.Evidence(
        entry=bytes(entry),
        chain=anchor.chain,
        contract=anchor.contract,
        transaction=anchor.transaction,
        block_hash=anchor.block_hash,
        block_number=anchor.block_number or 0,
        time=anchor.time or "",
    )


def keep_evidence(parts: Parts, entry: CID, anchor: Anchor) -> CID | None:
    """Keep the evidence of a finalized anchor beside its entry; None where there is none to keep."""
    if anchor.status != "finalized":
        return None
    cid = keep(parts, evidence_of(entry, anchor))
    parts.store.flush()
    with parts.catalog.write() as db:
        indexing.index_evidence(db, cid, parts.store.get)
    return cid


def wait_until_final(parts: Parts, entry: CID, check: Check) -> Anchor:
    """The entry's anchor once it is as final as this place can make it. ``Unavailable`` after the limit."""
    digest = anchor_digest(entry)
    until = time.monotonic() + parts.settings.finality_seconds
    anchor = parts.anchors.submit(digest)
    while anchor.status not in {"journal", "finalized"}:
        check()
        if time.monotonic() > until:
            raise Unavailable(f"the anchor of {entry} is still {anchor.status}", hint="try again later.")
        try:
            anchor = parts.anchors.wait(digest, 2.0)
        except Unavailable:
            anchor = parts.anchors.submit(digest)  # sends again what a reorganisation dropped
    return anchor


def _beacon(context: RunContext, check: Check) -> records.Beacon | None:
    if context.options["unanchored"]:
        return None
    entry = context.cid("plan_entry")
    anchor = wait_until_final(context.parts, entry, check)
    if anchor.status != "finalized":
        return None
    keep_evidence(context.parts, entry, anchor)
    evidence = evidence_of(entry, anchor)
    return records.Beacon(
        chain=evidence.chain,
        contract=evidence.contract,
        transaction=evidence.transaction,
        block_number=evidence.block_number,
        block_hash=evidence.block_hash,
        time=evidence.time,
    )


def draw(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``draw``; queues one ``fold`` a fold, and the refit where the plan wants one."""
    context = run_context.begin(parts, job)
    plan_cid = context.cid("plan")
    beacon = _beacon(context, check)
    block_hash = bytes.fromhex(beacon.block_hash.removeprefix("0x")) if beacon else None
    seed = draw_seed(bytes(plan_cid), int(context.values["seed"]), block_hash)
    folds = _folds(context, seed)
    rows = [[sha256, repeat, fold] for (sha256, repeat), fold in folds.items()]
    table = tables.build(*records.FOLDS, rows, parts.store.put)
    cid = keep(parts, records.Draw(plan=plan_cid, beacon=beacon, seed=seed, folds=table))
    parts.store.flush()
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.update(db, job.run, draw=str(cid), updated=parts.now())
        for fold in range(run_context.fold_count(context.values)):
            parts.queue.enqueue(db, job.run, "fold", {"fold": fold}, parts.now())
        if context.options["final"] == records.REFIT:
            parts.queue.enqueue(db, job.run, "fold", {"fold": None}, parts.now())


def _folds(context: RunContext, seed: bytes) -> Mapping[tuple[bytes, int], int]:
    parts = context.parts
    preprocessing = records.parse_as(records.Preprocessing, parts.store.get(context.cid("preprocessing")))
    kept = [row for row in run_context.read_prepared(parts.store, preprocessing.output) if row.reason is None]
    items, _ = run_context.read_items(parts.store, context.snapshot)
    label = {item.sha256: item.label for item in items}
    groups = {row.sha256: row.group for row in kept}
    labels = {row.sha256: label[row.sha256] for row in kept}
    k, repeats = int(context.values["folds"]["k"]), int(context.values["folds"]["repeats"])
    folds = repeated_folds(groups, labels, k, repeats, seed)
    check_repeats(folds, groups, k, repeats)
    return folds
