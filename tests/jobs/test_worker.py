"""The worker: jobs end once, whatever happens to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.catalog.database.database import Catalog
from registry.catalog.queries.training_runs import runs
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted
from registry.jobs import worker as workers
from registry.jobs.disk_reserve import SIZE, allocate_reserve, free_reserve
from registry.jobs.queue import Job, Queue
from registry.jobs.worker import ATTEMPTS, Check, Worker

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def queue(catalog: Catalog) -> Queue:
    return Queue(catalog)


@pytest.fixture
def run(catalog: Catalog) -> str:
    with catalog.write() as db:
        return runs.create(db, snapshot="s", recipe_name="r", engine="local", options={}, now=NOW)


class Bench:
    """A worker whose one handler is given, and what it was told to give up."""

    def __init__(
        self, queue: Queue, handler: Callable[[Job, Check], None], lease: float = 5.0, parallel: int = 2
    ) -> None:
        self.failed: list[tuple[str, str]] = []
        self.again: list[tuple[int, str]] = []
        self.left: list[str] = []
        self.room = threading.Event()
        self.worker = Worker(
            queue,
            {"work": handler},
            lambda job, error: self.failed.append((job.kind, str(error))),
            name="test",
            parallel=parallel,
            lease_seconds=lease,
            again=lambda job, error: self.again.append((job.attempt, error.code)),
            free_disk=lambda job: self.room.set(),
            left=lambda job: self.left.append(job.kind),
        )


def enqueue(catalog: Catalog, queue: Queue, run: str, count: int = 1) -> None:
    with catalog.write() as db:
        for number in range(count):
            queue.enqueue(db, run, "work", {"number": number}, NOW)


def test_every_job_runs_once_and_side_by_side(catalog: Catalog, queue: Queue, run: str) -> None:
    seen: list[int] = []
    together = threading.Barrier(2, timeout=20)

    def handler(job: Job, check: Check) -> None:
        together.wait()
        check()
        seen.append(job.payload["number"])

    enqueue(catalog, queue, run, 6)
    Bench(queue, handler).worker.work(run)
    assert sorted(seen) == list(range(6))
    assert queue.pending(run) == 0


@pytest.mark.parametrize("error", [InvalidInput("bad"), Untrusted("tampered"), Conflict("no"), NotFound("gone")])
def test_what_can_not_be_mended_is_given_up_at_once(
    catalog: Catalog, queue: Queue, run: str, error: EmotionetError
) -> None:
    calls: list[int] = []

    def handler(job: Job, check: Check) -> None:
        calls.append(job.attempt)
        raise error

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    bench.worker.work(run)
    assert (calls, bench.failed) == ([1], [("work", str(error))])


def test_what_was_out_of_reach_is_tried_again_and_then_given_up(catalog: Catalog, queue: Queue, run: str) -> None:
    calls: list[int] = []

    def handler(job: Job, check: Check) -> None:
        calls.append(job.attempt)
        raise Unavailable("away")

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    bench.worker.work(run)
    assert calls == list(range(1, ATTEMPTS + 1))
    assert bench.failed == [("work", "away")]
    assert bench.again == [(1, "unavailable"), (2, "unavailable")]


def test_a_job_that_comes_further_is_tried_as_often_as_it_takes(catalog: Catalog, queue: Queue, run: str) -> None:
    calls: list[int] = []

    def handler(job: Job, check: Check) -> None:
        calls.append(job.attempt)
        if len(calls) <= 2 * ATTEMPTS:
            with catalog.write() as db:
                queue.progressed(db, job)
        raise Unavailable("away")

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    bench.worker.work(run)
    assert len(calls) == 2 * ATTEMPTS + ATTEMPTS - 1
    assert bench.failed == [("work", "away")]


@pytest.mark.parametrize("writes", ["fail", "finish"])
def test_a_full_disk_is_written_down_once_there_is_room(
    catalog: Catalog, queue: Queue, run: str, writes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither that a job is done nor that it failed can be written; what was kept for this is given up."""
    real = {name: getattr(queue, name) for name in ("fail", "finish")}
    full = "database or disk is full"

    def handler(job: Job, check: Check) -> None:
        if writes == "fail":
            raise Unavailable(full, code="disk_full")

    def write(name: str) -> Callable[..., str]:
        def tried(*arguments: object, **named: object) -> str:
            if not bench.room.is_set():
                raise Unavailable(full, code="disk_full")
            return str(real[name](*arguments, **named))

        return tried

    for name in real:
        monkeypatch.setattr(queue, name, write(name))
    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    bench.worker.work(run)
    assert bench.failed == [("work", full)]
    assert queue.pending(run) == 0


def test_the_reserve_is_kept_and_given(tmp_path: Path) -> None:
    path = tmp_path / "home" / "reserve"
    for _ in range(2):
        allocate_reserve(path)
        assert path.stat().st_size == SIZE
    free_reserve(path)
    free_reserve(path)
    assert not path.exists()
    path.mkdir()
    allocate_reserve(path)  # where it can't be kept nothing else suffers


def test_a_passing_fault_is_no_failure(catalog: Catalog, queue: Queue, run: str) -> None:
    def handler(job: Job, check: Check) -> None:
        if job.attempt == 1:
            raise Unavailable("away")

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    bench.worker.work(run)
    assert bench.failed == []


def test_a_defect_ends_the_job_with_its_reason_and_is_not_hidden(catalog: Catalog, queue: Queue, run: str) -> None:
    def handler(job: Job, check: Check) -> None:
        raise ZeroDivisionError("a bug")

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler)
    with pytest.raises(ZeroDivisionError):
        bench.worker.work(run)
    assert bench.failed == [("work", "ZeroDivisionError: a bug")]
    assert queue.pending(run) == 0


def test_a_worker_that_serves_outlives_a_defect_and_tells_of_each_job(
    catalog: Catalog, queue: Queue, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(job: Job, check: Check) -> None:
        if job.payload["number"] == 0:
            raise ZeroDivisionError("a bug")

    enqueue(catalog, queue, run, 3)
    bench = Bench(queue, handler)
    with caplog.at_level("INFO", "registry.worker"):
        bench.worker.work(idle=lambda: not queue.pending(run))
    assert bench.failed == [("work", "ZeroDivisionError: a bug")]
    assert 'raise ZeroDivisionError("a bug")' in caplog.text
    told = [record.getMessage() for record in caplog.records]
    assert told.count(f"job work of run {run} begins") == 3
    assert told.count(f"job work of run {run} has ended") == 2
    assert f"job work of run {run} failed: ZeroDivisionError: a bug" in told
    assert {record.levelname for record in caplog.records} == {"INFO", "WARNING", "ERROR"}


def away(*_: object, **__: object) -> str:
    raise Unavailable("the disk is full")


def test_what_can_not_be_written_down_is_done_again(
    catalog: Catalog, queue: Queue, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def handler(job: Job, check: Check) -> None:
        calls.append(job.token)
        if len(calls) == 1:
            monkeypatch.setattr(queue, "finish", away)
        else:
            monkeypatch.undo()

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler, lease=1.0)
    bench.worker.work(run)
    assert len(calls) == 2
    assert calls[0] < calls[1]
    assert bench.failed == []


def test_who_waits_for_one_run_is_told_that_the_database_is_away(
    catalog: Catalog, queue: Queue, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(catalog, queue, run)
    bench = Bench(queue, lambda job, check: None)
    monkeypatch.setattr(workers, "AWAY_SECONDS", 0.5)
    monkeypatch.setattr(queue, "claim", away)
    with pytest.raises(Unavailable, match="disk is full"):
        bench.worker.work(run)
    serving = threading.Thread(target=bench.worker.work)
    serving.start()
    time.sleep(1.5)
    assert serving.is_alive()
    monkeypatch.undo()
    while queue.pending(run):
        time.sleep(0.05)
    bench.worker.stopping.set()
    serving.join(20)
    assert not serving.is_alive()


def waits(job: Job, check: Check) -> None:
    """Work that goes on until it must stop."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        check()
        time.sleep(0.02)
    raise AssertionError("nobody stopped it")


def started(bench: Bench, run: str, queue: Queue) -> threading.Thread:
    thread = threading.Thread(target=bench.worker.work, args=(run,))
    thread.start()
    time.sleep(0.5)
    return thread


def test_cancelling_stops_a_job_and_it_is_not_a_failure(catalog: Catalog, queue: Queue, run: str) -> None:
    enqueue(catalog, queue, run)
    bench = Bench(queue, waits, lease=1.0)
    thread = started(bench, run, queue)
    queue.cancel(run)
    thread.join(20)
    assert not thread.is_alive()
    assert bench.failed == []


def test_a_stopping_worker_gives_its_jobs_back(catalog: Catalog, queue: Queue, run: str) -> None:
    enqueue(catalog, queue, run)
    bench = Bench(queue, waits)
    thread = started(bench, run, queue)
    bench.worker.stopping.set()
    thread.join(20)
    assert not thread.is_alive()
    assert queue.pending(run) == 1
    again = queue.claim("other", 5.0, time.time(), run=run)
    assert again is not None
    assert again.attempt == 1  # stopping is no attempt
    assert bench.left == ["work"]


def test_a_lost_lease_stops_the_first_worker_and_its_writes_are_refused(
    catalog: Catalog, queue: Queue, run: str
) -> None:
    refused: list[str] = []

    def handler(job: Job, check: Check) -> None:
        stolen = queue.claim("thief", 60.0, time.time() + 3600, run=run)
        assert stolen is not None
        try:
            waits(job, check)
        except Conflict as error:
            refused.append(error.code)
            bench.worker.stopping.set()  # the thief renews nothing: its lease would be taken over in turn
            with pytest.raises(Conflict), catalog.write() as db:
                queue.guard(db, job)
            raise

    enqueue(catalog, queue, run)
    bench = Bench(queue, handler, lease=1.0)
    thread = started(bench, run, queue)
    bench.worker.stopping.wait(4)
    bench.worker.stopping.set()
    thread.join(20)
    assert refused == ["lease_lost"]
    assert bench.failed == []


def test_a_job_that_kills_its_workers_is_given_up(catalog: Catalog, queue: Queue, run: str) -> None:
    enqueue(catalog, queue, run)
    for attempt in range(ATTEMPTS):
        assert queue.claim(f"dead {attempt}", 0.0, time.time() - 1, run=run) is not None
    bench = Bench(queue, lambda job, check: None)
    bench.worker.work(run)
    assert [kind for kind, _ in bench.failed] == ["work"]
