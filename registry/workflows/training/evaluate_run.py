"""A run's last step: pool the folds' predictions and compute every figure from them.

Invariant: every figure follows from published records alone: the predictions table, the draw, the plan, the
preprocessing's groups, the snapshot's attributes and the trainings' histories. Level 6 of the audit calls the same
function.
"""

from __future__ import annotations

import shutil

from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import Conflict
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.evaluation.result import to_record
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.provenance.release_view import evaluate_draw
from registry.workflows.log.append import put_record
from registry.workflows.parts import Parts
from registry.workflows.training import run_context


def evaluate(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``evaluate``; the run is completed when it ends."""
    context = run_context.begin(parts, job)
    with parts.catalog.read() as db:
        folds = runs.folds(db, job.run)
    unfinished = [row["fold"] for row in folds if not row["training"]]
    if unfinished:
        raise Conflict(f"folds {unfinished} are not trained yet", code="folds_missing")
    judged = [fold for fold in folds if fold["fold"] is not None]  # the refit judges nobody
    rows = [row for fold in judged for row in tables.iterate(CID.parse(fold["predictions"]), parts.store.get)]
    predictions = tables.build(records.PREDICTIONS, rows, parts.store.put)
    draw = context.cid("draw")
    trainings = [CID.parse(row["training"]) for row in folds]
    result = evaluate_draw(parts.store.get, draw, predictions, trainings)
    check()
    curves = tables.build(records.CURVES, result.curves, parts.store.put)
    evaluation = put_record(parts, to_record(draw, predictions, trainings, curves, result))
    parts.store.flush()
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.update(db, job.run, evaluation=str(evaluation), status="completed", updated=parts.now())
        parts.queue.emit(db, job.run, "completed", {}, parts.now())
    shutil.rmtree(run_context.work_folder(parts, job.run), ignore_errors=True)  # all of it is in records now
