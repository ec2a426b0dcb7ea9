"""A run's second step: draw the folds once the plan's anchor is final.

Invariants: the folds' seed contains the beacons that the plan names: with a chain the hash of the block with the plan's
anchor, with drand the first round after it, so a training on these folds began after them. With a journal (or
``unanchored``) the seed follows from the plan alone, and the audit says so. The folds follow only from the draw's seed,
the groups and the labels.
"""

from __future__ import annotations

from collections.abc import Mapping

from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.draw import check_repeats, draw_seed, repeated_folds
from registry.core.table import tables
from registry.evaluation.sentences import warning_event
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows.fold_task import read_items, read_prepared
from registry.workflows.log.append import put_record
from registry.workflows.parts import Parts
from registry.workflows.plan_beacons import beacons_of
from registry.workflows.training import run_context
from registry.workflows.training.run_context import RunContext


def _beacons(context: RunContext, check: Check) -> tuple[records.Beacon, ...]:
    """What the plan names; nothing where nobody waits for its anchor."""
    if context.options["unanchored"]:
        return ()
    plan = records.parse_as(records.Plan, context.parts.store.get(context.cid("plan")))

    def tell(note: records.Note) -> None:
        context.emit("warning", warning_event(note))

    return beacons_of(context.parts, plan, context.cid("plan_entry"), context.signer().did, check, tell)


def draw(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``draw``; queues one ``fold`` a fold, and the refit where the plan wants one."""
    context = run_context.begin(parts, job)
    plan_cid = context.cid("plan")
    beacons = _beacons(context, check)
    seed = draw_seed(bytes(plan_cid), int(context.values["seed"]), [one.value for one in beacons])
    folds = _folds(context, seed)
    rows = [[sha256, repeat, fold] for (sha256, repeat), fold in folds.items()]
    table = tables.build(records.FOLDS, rows, parts.store.put)
    cid = put_record(parts, records.Draw(plan=plan_cid, beacons=beacons, seed=seed, folds=table))
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
    kept = [row for row in read_prepared(parts.store.get, preprocessing.output) if row.reason is None]
    items, _ = read_items(parts.store.get, context.snapshot)
    label = {item.sha256: item.label for item in items}
    groups = {row.sha256: row.group for row in kept}
    labels = {row.sha256: label[row.sha256] for row in kept}
    k, repeats = int(context.values["folds"]["k"]), int(context.values["folds"]["repeats"])
    folds = repeated_folds(groups, labels, k, repeats, seed)
    check_repeats(folds, groups, k, repeats)
    return folds
