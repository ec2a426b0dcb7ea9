"""Cancel a run, or resume one that was stopped, failed or cancelled, at the step that it had reached.

Invariant: one transaction writes the status of a run, of its folds and of its jobs, so a run that has ended has no fold
that is running.
"""

from __future__ import annotations

from registry.catalog.queries.training_runs import runs
from registry.core.errors import Conflict, EmotionetError, with_hint
from registry.jobs.queue import Job
from registry.workflows.local_issuers import check_signs_as
from registry.workflows.parts import Parts

ENDED = frozenset({"completed", "failed", "cancelled"})


def cancel(parts: Parts, run: str) -> None:
    """Cancel a run. Its finished steps stay."""
    with parts.catalog.write() as db:
        row = runs.row(db, run)
        if row["status"] in ENDED:
            raise Conflict(
                f"run {run} is {row['status']} already",
                code="run_ended",
                hint="`emotionet runs list` shows which runs are not finished.",
            )
        parts.queue.cancel_in(db, run)  # first: a job that is about to start would call its fold running
        runs.stop_folds(db, run, "cancelled")
        runs.update(db, run, status="cancelled", updated=parts.now())
        parts.queue.emit(db, run, "cancelled", {}, parts.now())


def resume(parts: Parts, run: str) -> None:
    """Queue the remaining steps. A run whose jobs are queued or running is left as it is.

    Cancelled jobs that have not noticed it yet do not count: the child that takes up their fold ends them.
    """
    with parts.catalog.write() as db:
        row = runs.row(db, run)
        if row["status"] == "completed":
            raise Conflict(
                f"run {run} is completed", code="run_ended", hint=f"publish it: `emotionet release publish {run}`."
            )
        if parts.queue.wanted(db, run):
            return
        if row["draw"] is None:
            check_signs_as(parts, row["issuer"], f"the plan of run {run}")
        runs.update(db, run, status="queued", error=None, updated=parts.now())
        parts.queue.emit(db, run, "resumed", {}, parts.now())
        left = [fold["fold"] for fold in runs.folds(db, run) if fold["status"] != "completed"]
        for fold in left:
            runs.set_fold(db, run, fold, status="queued", error=None)
        if row["draw"] is None:
            parts.queue.enqueue(db, run, "draw" if row["plan"] else "prepare", {}, parts.now())
            return
        for fold in left:
            parts.queue.enqueue(db, run, "fold", {"fold": fold}, parts.now())
        if not left:
            parts.queue.enqueue(db, run, "evaluate", {}, parts.now())


def leave(parts: Parts, run: str) -> None:
    """The worker of a run stops: the run is no longer running unless another worker has a job of it."""
    with parts.catalog.write() as db:
        if runs.row(db, run)["status"] != "running" or parts.queue.wanted(db, run, "running"):
            return
        runs.stop_folds(db, run, "queued")
        runs.update(db, run, status="queued", updated=parts.now())
        parts.queue.emit(db, run, "left", {}, parts.now())


def fail(parts: Parts, job: Job, error: EmotionetError) -> None:
    """A job failed for good, so its run has failed: its other jobs are cancelled."""
    with parts.catalog.write() as db:
        if runs.row(db, job.run)["status"] == "cancelled":
            return  # and what failed on the way out is no news
        parts.queue.cancel_in(db, job.run)
        runs.stop_folds(db, job.run, "cancelled")
        if job.kind == "fold":
            runs.set_fold(db, job.run, job.payload["fold"], status="failed", error=with_hint(error))
        runs.update(db, job.run, status="failed", error=with_hint(error), updated=parts.now())
        said = {"step": job.kind, "code": error.code, "error": with_hint(error), **job.payload}
        if error.hint:
            said["hint"] = error.hint
        parts.queue.emit(db, job.run, "failed", said, parts.now())
