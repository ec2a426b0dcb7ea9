"""The steps of a run, each the handler of one kind of job, and the worker that runs them.

Invariant: a step that begins, is retried or fails for good adds an event to the run's.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from registry.core.errors import EmotionetError, with_hint
from registry.jobs.child import Report, child, end_with_parent
from registry.jobs.disk_reserve import allocate_reserve, free_reserve
from registry.jobs.engines import NAMES
from registry.jobs.queue import FETCH, Job
from registry.jobs.worker import Check, Worker
from registry.workflows.local_issuers import signing_issuers
from registry.workflows.parts import Parts
from registry.workflows.references.fetch_job import fetch_images, postpone
from registry.workflows.runs.control_run import fail, leave
from registry.workflows.training import clean_images, draw_folds, evaluate_run, prepare_run, train_fold
from registry.workflows.training.run_context import drop_pixels

Step = Callable[[Parts, Job, Check], None]
StepInChild = Callable[[Parts, Mapping[str, Any], Path, Report], dict[str, Any]]
STEPS: Mapping[str, Step] = {
    "prepare": prepare_run.prepare,
    "draw": draw_folds.draw,
    "fold": train_fold.train_fold,
    "evaluate": evaluate_run.evaluate,
}
IN_CHILD: Mapping[str, StepInChild] = {"fold": train_fold.fold_in_child, "measure": clean_images.measure_in_child}


def worker_of(parts: Parts) -> Worker:
    """A worker of this machine that does every step, and beside them fetches images by reference."""
    allocate_reserve(parts.settings.reserve)
    return Worker(
        parts.queue,
        {kind: partial(_begin, parts, step) for kind, step in STEPS.items()} | {FETCH: partial(fetch_images, parts)},
        partial(_failed, parts),
        name=f"{socket.gethostname()}-{os.getpid()}",
        parallel=max(map(parts.settings.at_once, NAMES)),
        lease_seconds=parts.settings.lease_seconds,
        again=partial(_report_retry, parts),
        free_disk=partial(_free_disk, parts),
        left=lambda job: None if job.kind == FETCH else leave(parts, job.run),
        issuers=partial(signing_issuers, parts),
        aside=FETCH,
    )


def _failed(parts: Parts, job: Job, error: EmotionetError) -> None:
    (postpone if job.kind == FETCH else fail)(parts, job, error)


def _begin(parts: Parts, step: Step, job: Job, check: Check) -> None:
    with parts.catalog.write() as db:
        parts.queue.emit(db, job.run, "step", {"step": job.kind, **job.payload}, parts.now())
    step(parts, job, check)


def _report_retry(parts: Parts, job: Job, error: EmotionetError) -> None:
    if job.kind == FETCH:
        return
    told = {"step": job.kind, "code": error.code, "error": with_hint(error), "attempt": job.attempt, **job.payload}
    with parts.catalog.write() as db:
        parts.queue.emit(db, job.run, "again", told, parts.now())


def _free_disk(parts: Parts, job: Job) -> None:
    """Free space on a full disk: delete what can be made again, and the file that is reserved for this."""
    free_reserve(parts.settings.reserve)
    if job.kind != FETCH:
        with contextlib.suppress(OSError):
            drop_pixels(parts, job.run)


def step_in_child(arguments: list[str], open_parts: Callable[[], Parts]) -> int:
    """``emotionet _child KIND SPEC``, which an engine starts: one step in this process, JSON lines on stdout."""
    end_with_parent()
    kind, spec = arguments[0], Path(arguments[1])
    given = json.loads(spec.read_text(encoding="utf-8"))
    stdout, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints goes to the log
    parts = open_parts()

    def work(report: Report) -> dict[str, Any]:
        return IN_CHILD[kind](parts, given, spec.parent, report)

    return child(stdout, spec.parent, work, int(given.get("token", 0)))
