"""A run's third step, once per fold: train it in a child process; store weights, history and predictions.

Invariants: the child gets CIDs and returns CIDs. The pixels are made once per machine and run, and compared with the
digests that preprocessing recorded. A fold's work folder survives a kill, so training continues from its checkpoint;
where machines share the blocks, the checkpoint is kept there too, and any of them continues from it (``carried``).
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import structs

from registry.catalog.queries.training_runs import runs
from registry.content.weights_folder import keep_weights, read_weights
from registry.core import records
from registry.core.errors import Cancelled, Conflict, EmotionetError, InvalidInput, Unavailable
from registry.core.ipld.cid import CID
from registry.core.ports.method import FoldOutcome, FoldTask, Method, SavedState
from registry.core.progress import silent
from registry.core.records import BaseSeen
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.core.tensors import NUMBERS, STATE, checkpoint_digest
from registry.jobs.engines import Needs
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.provenance.base_lineage import seen_by_base
from registry.workflows.fold_task import fold_task, read_members
from registry.workflows.parts import Parts
from registry.workflows.training import run_context
from registry.workflows.training.carried import Carried
from registry.workflows.training.run_context import RunContext

Report = Callable[[Mapping[str, Any]], None]
AGAIN = "again"


class _FoldReport:
    """What a fold's child says, on its way into the run's events and the fold's row."""

    def __init__(self, parts: Parts, job: Job) -> None:
        """``checkpoint``: the one that another machine kept; the fold is running from here on."""
        self._parts, self._job, self.fold = parts, job, job.payload["fold"]
        with parts.catalog.write() as db:
            parts.queue.guard(db, job)
            runs.set_fold(db, job.run, self.fold, status="running")
            (row,) = [one for one in runs.folds(db, job.run) if one["fold"] == self.fold]
            self._furthest: int = row["epoch"] or 0
            self.checkpoint: str | None = row["checkpoint"]
            if job.attempt > 1:
                told = {"fold": self.fold, "event": "taken_up", "attempt": job.attempt}
                parts.queue.emit(db, job.run, "fold", told, parts.now())

    def __call__(self, document: Mapping[str, Any]) -> None:
        """Write down what it says. ``Conflict`` (``lease_lost``) of a worker that was away for long, and speaks of a
        fold that another one trains."""
        parts, job = self._parts, self._job
        if "checkpoint" in document:
            self._keep(str(document["checkpoint"]))
            return
        with parts.catalog.write() as db:
            parts.queue.guard(db, job)
            parts.queue.emit(db, job.run, "fold", {"fold": self.fold, **document}, parts.now())
            if "epoch" not in document:
                return
            runs.set_fold(db, job.run, self.fold, epoch=int(document["epoch"]))
            if document["epoch"] > self._furthest:
                self._furthest = int(document["epoch"])
                parts.queue.progressed(db, job)

    def _keep(self, checkpoint: str) -> None:
        with self._parts.catalog.write() as db:
            self._parts.queue.guard(db, self._job)
            runs.set_fold(db, self._job.run, self.fold, checkpoint=checkpoint)
        self.let_go()
        self.checkpoint = checkpoint

    def let_go(self) -> None:
        """Unpin the checkpoint that is of no use any more; best effort, for nothing depends on it."""
        if self.checkpoint is not None:
            with suppress(Unavailable):
                self._parts.store.unpin(CID.parse(self.checkpoint))


def train_fold(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``fold`` (None: the refit); the last one to end queues ``evaluate``."""
    fold: int | None = job.payload["fold"]
    context = run_context.begin(parts, job)
    report = _FoldReport(parts, job)
    result = _train(context, job, check, report)
    named = {name: result[name] for name in ("training", "predictions", "tensors")}
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.set_fold(db, job.run, fold, status="completed", checkpoint=None, **named)
        if all(row["status"] == "completed" for row in runs.folds(db, job.run)):
            parts.queue.enqueue(db, job.run, "evaluate", {}, parts.now())
    report.let_go()
    shutil.rmtree(work_folder(context, fold), ignore_errors=True)  # so that checkpoints of many folds never add up


def work_folder(context: RunContext, fold: int | None) -> Path:
    """Where a fold's checkpoint and log lie while it trains."""
    return run_context.work_folder(context.parts, context.run) / ("refit" if fold is None else f"fold-{fold}")


def _train(context: RunContext, job: Job, check: Check, report: _FoldReport) -> dict[str, Any]:
    """Run the fold's child; once more where it failed in a way that the recipe has an answer to."""
    parts, method = context.parts, context.parts.method(context.options["method"])
    engine = parts.engine(context.row["engine"])
    folder = work_folder(context, report.fold)
    spec = {"draw": context.row["draw"], "fold": report.fold, "after": None, "token": job.fence}
    images = int(context.row["kept"] or 0)
    needs = _needs(method, context.values, images)
    try:
        return engine.run("fold", {**spec, "checkpoint": report.checkpoint}, folder, needs, check, report)
    except (Cancelled, Conflict, Unavailable):  # to stop, or to be tried again as it is
        raise
    except EmotionetError as error:
        again = method.second_try(context.values, error.code)
        if again is None:
            raise
        report({"event": "second_try", "after": error.code, "reason": str(error)})
        needs = _needs(method, again, images)
        return engine.run("fold", {**spec, "after": error.code}, folder / AGAIN, needs, check, report)


def _needs(method: Method, values: Mapping[str, Any], images: int) -> Needs:
    cost = method.cost(values, images)
    return Needs(cost.memory, cost.threads)


def fold_in_child(parts: Parts, spec: Mapping[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """What the child process does: the whole fold, from the draw's CID to the training's."""
    draw_cid, fold, started = CID.parse(spec["draw"]), spec["fold"], parts.now()
    task = make_task(parts, draw_cid, fold, folder)
    method = parts.method(draw_view(parts.store.get, draw_cid).plan.method.id)
    events: tuple[dict[str, Any], ...] = ()
    if spec["after"] is not None:
        values = method.second_try(task.recipe, str(spec["after"]))
        if values is None:
            raise InvalidInput(f"the recipe allows no second attempt after {spec['after']}", code="bad_recipe")
        task, events = structs.replace(task, recipe=values), ({"event": "second_try", "after": spec["after"]},)
    elif parts.settings.blocks_are_shared:  # a second try is not carried: it begins where the first one failed
        carried = Carried(parts.store, folder, method.about().carried, parts.settings.checkpoint_seconds)
        carried.restore(spec.get("checkpoint"), report)
        report = carried.keeping(report)
    outcome = method.train_fold(task, report)
    outcome = structs.replace(outcome, events=(*events, *outcome.events))
    base = seen_by_base(parts.store.get, draw_cid, task.validate)
    training = _keep_outcome(parts, draw_cid, fold, outcome, started, base)
    rows = [
        [sha256, fold, task.labels[sha256], [list(box) for box in task.rows[sha256].boxes], [list(d) for d in found]]
        for sha256, found in outcome.predictions.items()
    ]
    predictions = tables.build(records.PREDICTIONS, rows, parts.store.put) if fold is not None else None
    parts.store.flush()
    return {
        "training": str(training),
        "predictions": str(predictions) if predictions else None,
        "tensors": outcome.tensors,
    }


def make_task(parts: Parts, draw_cid: CID, fold: int | None, folder: Path) -> FoldTask:
    """One fold's task from records alone (None: all images, none judged); makes the pixels if they are not here."""
    store = parts.store
    view = draw_view(store.get, draw_cid)
    members = read_members(store.get, view.snapshot, view.preprocessing.output)
    method = parts.method(view.plan.method.id)
    values = method.read_recipe(view.recipe.version, view.recipe.values)
    # a second try lies in a folder of its own below the first
    shared = folder.parents[1] if folder.name == AGAIN else folder.parent
    array = shared / f"{view.preprocessing.output}.npy"
    with (shared / "pixels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the folds start together: the first makes the pixels for all
        read = run_context.image_reader(store, members.where)
        index = method.materialize(members.kept, read, values, array, silent)
    base = read_weights(store, view.plan.base, method.about().files) if view.plan.base else None
    return fold_task(store.get, view, members, fold, recipe=values, base=base, array=array, index=index, folder=folder)


def _keep_checkpoint(parts: Parts, kept: SavedState) -> records.Checkpoint:
    files = {name: (kept.folder / name).read_bytes() for name in (STATE, NUMBERS)}
    return records.Checkpoint(epoch=kept.epoch, cid=keep_weights(parts.store, files), state=checkpoint_digest(files))


def _keep_outcome(
    parts: Parts, draw_cid: CID, fold: int | None, outcome: FoldOutcome, started: str, base: BaseSeen | None
) -> CID:
    history = tables.build(
        records.HISTORY, [[epoch, dict(values), state] for epoch, values, state in outcome.history], parts.store.put
    )
    record = records.Training(
        draw=draw_cid,
        fold=fold,
        arguments=dict(outcome.arguments),
        hardware=dict(outcome.hardware),
        events=tuple(dict(event) for event in outcome.events),
        base=base,
        weights=keep_weights(parts.store, outcome.weights),
        tensors=outcome.tensors,
        history=history,
        checkpoints=tuple(_keep_checkpoint(parts, one) for one in outcome.checkpoints),
        started=started,
        ended=max(started, parts.now()),  # a clock may be set back
    )
    data = records.encode(record)
    cid = records.cid(record)
    parts.store.put(cid, data)
    return cid
