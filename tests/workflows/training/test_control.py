"""Cancelled, failed, left and resumed at any moment: a run's status, its folds and its jobs say the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core.errors import Conflict, EmotionetError
from registry.core.ipld.cid import CID
from registry.jobs.queue import Job
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs.control_run import cancel, fail, leave, resume
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

SLOW = Wanted('{"delay": 300, "epochs": 4}', "simulated", overrides={"folds": 2})


@pytest.fixture
def snapshot(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(12)))
    return CID.parse(take_snapshot(opened)["snapshot"])


def state(opened: Home, run: str) -> dict[str, Any]:
    with opened.catalog.read() as db:
        return {**runs.row(db, run), "folds": {one["fold"]: one["status"] for one in runs.folds(db, run)}}


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def serving(opened: Home) -> Iterator[None]:
    """A worker that serves, as in `emotionet serve`."""
    worker = opened.worker()
    thread = threading.Thread(target=worker.work)
    thread.start()
    yield
    worker.stopping.set()
    thread.join(30)


def is_at(opened: Home, run: str, status: str) -> Callable[[], bool]:
    return lambda: status in state(opened, run)["folds"].values()


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_a_resume_right_after_a_cancel_is_not_lost(opened: Home, snapshot: CID, pause: float) -> None:
    run = start_run(opened, snapshot, SLOW)
    with serving(opened):
        until(is_at(opened, run, "running"))
        cancel(opened, run)
        assert (state(opened, run)["status"], set(state(opened, run)["folds"].values())) == (
            "cancelled",
            {"cancelled"},
        )
        time.sleep(pause)
        resume(opened, run)
        assert state(opened, run)["status"] in ("queued", "running")
        until(lambda: state(opened, run)["status"] == "completed")
    with pytest.raises(Conflict, match="is completed"):
        resume(opened, run)


def test_resumed_twice_it_is_queued_once(opened: Home, snapshot: CID) -> None:
    run = start_run(opened, snapshot, SLOW)
    cancel(opened, run)
    for _ in range(2):
        resume(opened, run)
    assert opened.queue.pending(run) == 1
    assert state(opened, run)["status"] == "queued"


def claimed(opened: Home, run: str) -> Job:
    job = opened.queue.claim("here", 60.0, time.time(), run=run)
    assert job is not None
    return job


def with_a_running_fold(opened: Home, snapshot: CID) -> tuple[str, Job]:
    run = start_run(opened, snapshot, SLOW)
    with opened.catalog.write() as db:
        runs.update(db, run, status="running")
        runs.set_fold(db, run, 0, status="running")
    return run, claimed(opened, run)


def test_a_run_that_has_ended_has_no_fold_that_is_running(opened: Home, snapshot: CID) -> None:
    run, job = with_a_running_fold(opened, snapshot)
    fold = Job(job.id, run, "fold", {"fold": 1}, job.token, 1)
    fail(opened, fold, EmotionetError("no room", code="disk_full"))
    found = state(opened, run)
    assert (found["status"], found["error"], found["folds"]) == ("failed", "no room", {0: "cancelled", 1: "failed"})
    cancelled, _ = with_a_running_fold(opened, snapshot)
    cancel(opened, cancelled)
    fail(opened, Job(9, cancelled, "fold", {"fold": 1}, 1, 1), EmotionetError("on the way out"))
    assert state(opened, cancelled)["folds"] == {0: "cancelled", 1: "cancelled"}


def test_who_leaves_a_run_leaves_nothing_running(opened: Home, snapshot: CID) -> None:
    run, job = with_a_running_fold(opened, snapshot)
    leave(opened, run)
    assert state(opened, run)["status"] == "running"  # another worker is at it
    opened.queue.release(job)
    leave(opened, run)
    assert (state(opened, run)["status"], set(state(opened, run)["folds"].values())) == ("queued", {"queued"})
    resume(opened, run)
    assert opened.queue.pending(run) == 1
