"""A run's third step, once a fold: train it in a child process, keep weights, history and predictions.

Invariants: the child gets CIDs and gives CIDs; the pixels are made again once a machine and a run,
checked against the digests that preprocessing recorded; a fold's work folder survives a kill, so
that training goes on where it was.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from registry.catalog import runs
from registry.content import importer, reader
from registry.core import records, tables
from registry.core.cid import CID
from registry.core.method import FoldOutcome, FoldTask
from registry.core.store import BlockStore
from registry.jobs import fold as child_process
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows import run_context
from registry.workflows.parts import Parts


def work_folder(parts: Parts, run: str) -> Path:
    """Where a run's pixels, checkpoints and logs lie."""
    return parts.settings.work / run


def train_fold(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``fold``; the last one to end queues ``evaluate``."""
    fold = int(job.payload["fold"])
    context = run_context.load(parts, job.run)
    folder = work_folder(parts, job.run) / f"fold-{fold}"
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"draw": context.row["draw"], "fold": fold, "folder": str(folder)}), encoding="utf-8")
    with parts.catalog.write() as db:
        parts.queue.guard(db, job)
        runs.set_fold(db, job.run, fold, status="running")

    def report(document: Mapping[str, Any]) -> None:
        with parts.catalog.write() as db:
            parts.queue.emit(db, job.run, "fold", {"fold": fold, **document}, parts.now())
            if "epoch" in document:
                runs.set_fold(db, job.run, fold, epoch=int(document["epoch"]))

    result = child_process.run_child(spec, folder / "log.txt", check, report)
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.set_fold(
            db,
            job.run,
            fold,
            status="completed",
            training=result["training"],
            predictions=result["predictions"],
            tensors=result["tensors"],
        )
        if all(row["status"] == "completed" for row in runs.folds(db, job.run)):
            parts.queue.enqueue(db, job.run, "evaluate", {}, parts.now())


def fold_in_child(parts: Parts, spec: Path, report: Callable[[Mapping[str, Any]], None]) -> dict[str, str]:
    """What the child process does: the whole fold, from the draw's CID to the training's."""
    wanted = json.loads(spec.read_text(encoding="utf-8"))
    draw_cid, fold, folder = CID.parse(wanted["draw"]), int(wanted["fold"]), Path(wanted["folder"])
    started = parts.now()
    task = make_task(parts, draw_cid, fold, folder)
    plan = _plan(parts.store, draw_cid)
    outcome = parts.method(plan.method.id).train_fold(task, report)
    training = _keep_outcome(parts, draw_cid, fold, outcome, started)
    rows = [
        [sha256, fold, task.labels[sha256], [list(box) for box in task.rows[sha256].boxes], [list(d) for d in found]]
        for sha256, found in outcome.predictions.items()
    ]
    predictions = tables.build(*records.PREDICTIONS, rows, parts.store.put)
    parts.store.flush()
    return {"training": str(training), "predictions": str(predictions), "tensors": outcome.tensors}


def _plan(store: BlockStore, draw_cid: CID) -> records.Plan:
    draw = records.parse_as(records.Draw, store.get(draw_cid))
    return records.parse_as(records.Plan, store.get(draw.plan))


def make_task(parts: Parts, draw_cid: CID, fold: int, folder: Path) -> FoldTask:
    """One fold's task from records alone; makes the pixels again if this machine does not have them."""
    store = parts.store
    draw = records.parse_as(records.Draw, store.get(draw_cid))
    plan = records.parse_as(records.Plan, store.get(draw.plan))
    preprocessing = records.parse_as(records.Preprocessing, store.get(plan.preprocessing))
    snapshot = records.parse_as(records.Snapshot, store.get(preprocessing.snapshot))
    recipe = records.parse_as(records.Recipe, store.get(plan.recipe))
    items, where = run_context.read_items(store, snapshot)
    kept = [row for row in run_context.read_prepared(store, preprocessing.output) if row.reason is None]
    method = parts.method(plan.method.id)
    array = folder.parent / f"{preprocessing.output}.npy"
    with (folder.parent / "pixels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the folds start together: the first makes the pixels for all
        read = run_context.image_reader(store, where)
        index = method.materialize(kept, read, recipe.values, array, lambda what, done, total: None)
    folds = {row["sha256"]: row["fold"] for row in tables.rows_as_dicts(draw.folds, store.get)}
    return FoldTask(
        fold=fold,
        seed=plan.seed,
        recipe=recipe.values,
        classes=snapshot.classes,
        array=array,
        index=index,
        rows={row.sha256: row for row in kept},
        labels={item.sha256: item.label for item in items},
        train=tuple(sorted(sha256 for sha256, member in folds.items() if member != fold)),
        validate=tuple(sorted(sha256 for sha256, member in folds.items() if member == fold)),
        base=weights_files(store, plan.base) if plan.base else None,
        workdir=folder,
    )


def weights_files(store: BlockStore, directory: CID) -> dict[str, bytes]:
    """The files of a weights directory by name."""
    return {
        name: reader.read_whole(store, entry.cid) for name, entry in reader.list_directory(store, directory).items()
    }


def _keep_outcome(parts: Parts, draw_cid: CID, fold: int, outcome: FoldOutcome, started: str) -> CID:
    added = {name: importer.add_bytes(parts.store, data) for name, data in outcome.weights.items()}
    directory = importer.add_directory(parts.store, {name: (file.cid, file.tsize) for name, file in added.items()})
    history = tables.build(
        *records.HISTORY, [[epoch, dict(values)] for epoch, values in outcome.history], parts.store.put
    )
    record = records.Training(
        draw=draw_cid,
        fold=fold,
        arguments=dict(outcome.arguments),
        hardware=dict(outcome.hardware),
        events=tuple(dict(event) for event in outcome.events),
        weights=directory.cid,
        tensors=outcome.tensors,
        history=history,
        started=started,
        ended=parts.now(),
    )
    data = records.encode(record)
    cid = records.cid(record)
    parts.store.put(cid, data)
    return cid
