"""Cancel a run, or take up one that was stopped, failed or cancelled, at the step it had reached."""

from __future__ import annotations

from registry.catalog import runs
from registry.core.errors import Conflict
from registry.workflows.parts import Parts


def cancel(parts: Parts, run: str) -> None:
    """Stop a run; what it has finished stays."""
    with parts.catalog.write() as db:
        row = runs.row(db, run)
        if row["status"] in {"completed", "failed", "cancelled"}:
            raise Conflict(f"run {run} is {row['status']} already", code="run_ended")
        runs.update(db, run, status="cancelled", updated=parts.now())
        parts.queue.emit(db, run, "cancelled", {}, parts.now())
    parts.queue.cancel(run)


def resume(parts: Parts, run: str) -> None:
    """Queue the steps that are left; a run whose jobs are queued or under way is left as it is."""
    if parts.queue.pending(run):
        return
    with parts.catalog.write() as db:
        row = runs.row(db, run)
        if row["status"] == "completed":
            raise Conflict(
                f"run {run} is completed: publish it with `emotionet release publish {run}`", code="run_ended"
            )
        runs.update(db, run, status="running", error=None, updated=parts.now())
        if row["draw"] is None:
            parts.queue.enqueue(db, run, "draw" if row["plan"] else "prepare", {}, parts.now())
            return
        left = [fold["fold"] for fold in runs.folds(db, run) if fold["status"] != "completed"]
        for fold in left:
            runs.set_fold(db, run, fold, status="queued", error=None)
            parts.queue.enqueue(db, run, "fold", {"fold": fold}, parts.now())
        if not left:
            parts.queue.enqueue(db, run, "evaluate", {}, parts.now())
