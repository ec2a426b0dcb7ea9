"""The queue on both databases: leases, fencing, cancelling, and workers that are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.catalog.database.database import Catalog
from registry.catalog.schema import operational
from registry.core.errors import Cancelled, Conflict
from registry.jobs.queue import Job, Queue
from tests.catalog.databases import KINDS, emptied, migrated
from tests.support.processes.together import START

NOW = "2026-11-23T15:00:00Z"


@pytest.fixture(scope="module", params=KINDS)
def migrated_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with migrated(request.param, tmp_path_factory.mktemp("database"), request) as url:
        yield url


@pytest.fixture
def catalog(migrated_url: str, tmp_path: Path) -> Iterator[Catalog]:
    with emptied(migrated_url, tmp_path) as catalog:
        yield catalog


@pytest.fixture
def queue(catalog: Catalog) -> Queue:
    return Queue(catalog)


def put(queue: Queue, catalog: Catalog, count: int = 1, run: str = "r1", kind: str = "fold") -> list[int]:
    with catalog.write() as db:
        return [queue.enqueue(db, run, kind, {"fold": number}, NOW) for number in range(count)]


def claim(queue: Queue, now: float = 100.0, **wanted: Any) -> Job:
    job = queue.claim("worker", 10.0, now, **wanted)
    assert job is not None
    return job


def test_jobs_come_in_their_order(queue: Queue, catalog: Catalog) -> None:
    ids = put(queue, catalog, 3)
    found = [claim(queue) for _ in ids]
    assert [job.id for job in found] == ids
    assert [(job.run, job.kind, job.payload, job.token, job.attempt) for job in found] == [
        ("r1", "fold", {"fold": number}, 1, 1) for number in range(3)
    ]
    assert queue.claim("worker", 10.0, 100.0) is None
    assert queue.pending("r1") == 3
    assert [queue.finish(job) for job in found] == ["ok"] * 3
    assert queue.pending("r1") == 0


def test_nothing_is_queued_by_a_transaction_that_fails(queue: Queue, catalog: Catalog) -> None:
    def fails() -> None:
        with catalog.write() as db:
            queue.enqueue(db, "r1", "fold", {}, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert queue.pending("r1") == 0


def test_a_worker_may_keep_to_one_run(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog, 1, "r1")
    put(queue, catalog, 1, "r2")
    assert claim(queue, run="r2").run == "r2"
    assert queue.claim("worker", 10.0, 100.0, run="r2") is None
    assert claim(queue).run == "r1"


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_token(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    first = claim(queue, 100.0)
    assert queue.claim("other", 10.0, 109.9) is None
    assert queue.heartbeat(first, 10.0, 105.0) == "ok"
    assert queue.claim("other", 10.0, 114.9) is None
    second = claim(queue, 115.1)
    assert (second.id, second.token, second.attempt) == (first.id, 2, 2)
    assert queue.heartbeat(first, 10.0, 116.0) == "lost"
    for leave in (queue.finish, queue.release):
        assert leave(first) == "lost"
    assert queue.fail(first, "too late", retry=True) == "lost"
    assert queue.heartbeat(second, 10.0, 116.0) == "ok"
    assert queue.finish(second) == "ok"
    assert queue.heartbeat(second, 10.0, 117.0) == "ok"  # its own beat may come after the end
    assert queue.claim("other", 10.0, 1000.0) is None


def test_what_a_lost_job_writes_is_thrown_away(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    first = claim(queue, 100.0)
    second = claim(queue, 111.0)

    def write(job: Job) -> None:
        with catalog.write() as db:
            queue.emit(db, "r1", "written", {"token": job.token}, NOW)
            queue.guard(db, job)

    with pytest.raises(Conflict) as caught:
        write(first)
    assert caught.value.code == "lease_lost"
    write(second)
    with catalog.read() as db:
        assert [event["data"]["token"] for event in queue.events(db, "r1")] == [2]


def test_what_a_job_wrote_last_and_its_end_are_one(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    job = claim(queue)
    with catalog.write() as db:
        queue.complete(db, job)
        queue.enqueue(db, "r1", "next", {}, NOW)
    assert queue.heartbeat(job, 10.0, 101.0) == "ok"
    assert queue.finish(job) == "ok"  # as a worker says after every handler
    assert claim(queue, 1000.0).kind == "next"
    assert queue.claim("worker", 10.0, 1000.0) is None

    def again() -> None:
        with catalog.write() as db:
            queue.complete(db, job)

    with pytest.raises(Conflict):
        again()


def test_a_completion_that_is_rolled_back_is_none(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    job = claim(queue)

    def fails() -> None:
        with catalog.write() as db:
            queue.complete(db, job)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert queue.pending("r1") == 1
    assert claim(queue, 200.0).token == 2


def test_a_job_that_failed_is_tried_again_if_so_wanted(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog, 2)
    first, second = claim(queue), claim(queue)
    assert queue.fail(first, "the chain is away", retry=True) == "ok"
    assert queue.fail(second, "malformed", retry=False) == "ok"
    again = claim(queue)
    assert (again.id, again.attempt) == (first.id, 2)
    assert queue.claim("worker", 10.0, 1000.0) == Job(again.id, "r1", "fold", {"fold": 0}, 3, 3)
    assert queue.pending("r1") == 1


def test_a_job_that_is_given_back_lost_no_attempt(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    assert queue.release(claim(queue)) == "ok"
    again = claim(queue)
    assert (again.token, again.attempt) == (2, 1)


def test_a_run_that_is_cancelled_gives_up_its_jobs(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog, 3, "r1")
    put(queue, catalog, 1, "r2")
    job = claim(queue)
    assert queue.cancel("r1") == 3
    assert queue.pending("r1") == 1  # the one under way
    assert queue.heartbeat(job, 10.0, 101.0) == "cancelled"

    def write() -> None:
        with catalog.write() as db:
            queue.guard(db, job)

    with pytest.raises(Cancelled):
        write()
    assert queue.fail(job, "the run was cancelled", retry=True) == "cancelled"
    assert queue.pending("r1") == 0
    assert claim(queue).run == "r2"
    assert queue.claim("worker", 10.0, 9999.0, run="r1") is None
    assert queue.cancel("r1") == 0


def test_a_cancelled_job_under_way_is_not_wanted_any_more(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog, 2)
    claim(queue)
    queue.cancel("r1")
    put(queue, catalog)
    with catalog.read() as db:
        assert (queue.pending("r1"), queue.wanted(db, "r1"), queue.wanted(db, "r1", "running")) == (2, 1, 0)


@pytest.mark.parametrize("renewed", [False, True])
def test_a_lease_of_the_future_holds_as_long_as_it_is_renewed(catalog: Catalog, renewed: bool) -> None:
    """A worker died, or its clock differs, before this machine's clock was set back by a day."""
    clock = [0.0]
    other = Queue(catalog, lambda: clock[0])
    put(other, catalog)
    first = claim(other, 100_000.0)
    assert other.claim("second", 10.0, 100.0) is None
    clock[0] = 9.0
    if renewed:
        other.heartbeat(first, 10.0, 100_001.0)
    assert other.claim("second", 10.0, 100.0) is None
    clock[0] = 11.0
    found = other.claim("second", 10.0, 100.0)
    assert (None if found is None else found.token) == (None if renewed else 2)


def test_a_cancelled_job_whose_worker_died_is_never_claimed(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    claim(queue, 100.0)
    queue.cancel("r1")
    assert queue.claim("other", 10.0, 200.0) is None
    assert queue.pending("r1") == 0


def test_a_cancelled_job_that_is_given_back_stays_cancelled(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    job = claim(queue)
    queue.cancel("r1")
    assert queue.release(job) == "ok"
    assert queue.claim("other", 10.0, 200.0) is None


def test_a_run_may_go_on_after_it_was_cancelled(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog)
    queue.cancel("r1")
    (again,) = put(queue, catalog)
    assert claim(queue).id == again


def test_events_are_numbered_by_run(queue: Queue, catalog: Catalog) -> None:
    with catalog.write() as db:
        assert [queue.emit(db, "r1", "step", {"n": number}, NOW) for number in range(5)] == [1, 2, 3, 4, 5]
        assert queue.emit(db, "r2", "step", {}, NOW) == 1
    with catalog.read() as db:
        assert [event["seq"] for event in queue.events(db, "r1", after=2)] == [3, 4, 5]
        assert [event["seq"] for event in queue.events(db, "r1", 0, 2)] == [1, 2]
        assert queue.events(db, "r1", 5) == []
        assert queue.events(db, "r2") == [{"seq": 1, "kind": "step", "data": {}, "time": NOW}]


def test_events_of_many_threads_are_all_there(queue: Queue, catalog: Catalog) -> None:
    def tell() -> None:
        for _ in range(10):
            with catalog.write() as db:
                queue.emit(db, "r1", "step", {}, NOW)

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.read() as db:
        assert [event["seq"] for event in queue.events(db, "r1")] == list(range(1, 41))


def test_a_lease_is_kept_alive_while_somebody_writes(queue: Queue, catalog: Catalog) -> None:
    """On PostgreSQL a beat does not wait for a long import; on SQLite it waits for its turn."""
    put(queue, catalog)
    job = claim(queue)
    done = threading.Event()

    def import_for_long() -> None:
        with catalog.write() as db:
            queue.emit(db, "r2", "step", {}, NOW)
            done.wait(0.5)

    thread = threading.Thread(target=import_for_long)
    thread.start()
    time.sleep(0.1)
    start = time.perf_counter()
    assert queue.heartbeat(job, 10.0, 101.0) == "ok"
    took = time.perf_counter() - start
    done.set()
    thread.join()
    assert took < 0.35 or not catalog.is_postgresql


def test_two_claims_at_once_get_two_jobs(queue: Queue, catalog: Catalog) -> None:
    put(queue, catalog, 40)
    found: list[int] = []

    def work() -> None:
        while (job := queue.claim("worker", 10.0, 100.0)) is not None:
            found.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == Counter(range(1, 41))


# --- workers that are killed -----------------------------------------------------------------------
def _work(url: str, lease: float) -> None:
    """A worker process: what it does of a job is one event, written with the job's completion."""
    catalog = Catalog(url)
    queue = Queue(catalog)
    while True:
        job = queue.claim(str(os.getpid()), lease, time.time())
        if job is None:
            time.sleep(0.01)
            continue
        try:
            time.sleep(0.02)
            with catalog.write() as db:
                queue.guard(db, job)
                queue.emit(db, "done", "done", {"job": job.id, "token": job.token}, NOW)
                time.sleep(random.random() * 0.02)
                queue.complete(db, job)
        except Conflict:
            continue
        queue.finish(job)


def _at_work(catalog: Catalog) -> set[str]:
    """Names of the workers that hold a job."""
    with catalog.read() as db:
        return set(db.scalars(sa.select(operational.jobs.c.worker).where(operational.jobs.c.state == "running")))


def _killed_at_work(worker: int, catalog: Catalog) -> bool:
    """Kill a worker; whether it held a job. It is stopped before: otherwise it could finish while somebody looks."""
    os.kill(worker, signal.SIGSTOP)
    time.sleep(0.02)  # what it has sent to the database is done by then
    held = str(worker) in _at_work(catalog)
    os.kill(worker, signal.SIGKILL)
    return held


def test_each_job_is_done_exactly_once_however_its_workers_die(queue: Queue, catalog: Catalog) -> None:
    count, kills, dice = 50, 12, random.Random(5)
    ids = put(queue, catalog, count)
    url = catalog.engine.url.render_as_string(hide_password=False)

    def start() -> Any:
        process = START.Process(target=_work, args=(url, 0.4), daemon=True)
        process.start()
        return process

    workers = [start() for _ in range(3)]
    until = time.monotonic() + 60
    killed, died_at_work = 0, False
    try:
        while queue.pending("r1"):
            assert time.monotonic() < until, "the queue does not come to its end"
            time.sleep(dice.uniform(0.03, 0.12))
            if killed <= 3 or not died_at_work:  # on a busy machine the work must not end before
                ids += put(queue, catalog, 3)
            if killed < kills or not died_at_work:
                holding = [index for index, one in enumerate(workers) if str(one.pid) in _at_work(catalog)]
                victim = dice.choice(holding or range(len(workers)))
                died_at_work |= _killed_at_work(workers[victim].pid, catalog)
                workers[victim].join()
                workers[victim] = start()
                killed += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    assert killed > 3
    assert died_at_work
    with catalog.read() as db:
        done = [event["data"] for event in queue.events(db, "done", 0, 10 * len(ids))]
    assert Counter(one["job"] for one in done) == Counter(ids)
    assert any(one["token"] > 1 for one in done), "no worker died while it held a job: kill more of them"


# --- any order of what may happen ------------------------------------------------------------------
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.just(0)),
        st.tuples(st.sampled_from(["finish", "retry", "fail", "release", "complete", "beat"]), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 15)),
        st.tuples(st.just("cancel"), st.just(0)),
        st.tuples(st.just("put"), st.just(0)),
    ),
    min_size=1,
    max_size=25,
)


class Model:
    """What the queue should say: each job's state, newest token and lease."""

    def __init__(self) -> None:
        self.jobs: dict[int, dict[str, Any]] = {}

    def waiting(self, now: float) -> list[int]:
        for job in self.jobs.values():
            if job["state"] == "running" and job["until"] < now and job["cancel"]:
                job["state"] = "cancelled"
        return sorted(
            number
            for number, job in self.jobs.items()
            if not job["cancel"] and (job["state"] == "queued" or (job["state"] == "running" and job["until"] < now))
        )

    def holds(self, job: Job) -> bool:
        known = self.jobs[job.id]
        return bool(known["state"] == "running" and known["token"] == job.token)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_order_of_events_keeps_the_queues_rules(
    migrated_url: str, tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    with emptied(migrated_url, tmp_path) as catalog:
        queue, model, now = Queue(catalog), Model(), 100.0
        claimed: list[Job] = []
        for number in put(queue, catalog, 3):
            model.jobs[number] = {"state": "queued", "token": 0, "until": 0.0, "cancel": False}
        for step, which in steps:
            now += which if step == "wait" else 0
            _step(queue, catalog, model, claimed, step, which, now)
        states = [job["state"] in {"queued", "running"} for job in model.jobs.values()]
        assert queue.pending("r1") == sum(states)


def _step(queue: Queue, catalog: Catalog, model: Model, claimed: list[Job], step: str, which: int, now: float) -> None:
    if step == "put":
        (number,) = put(queue, catalog)
        model.jobs[number] = {"state": "queued", "token": 0, "until": 0.0, "cancel": False}
    elif step == "cancel":
        queue.cancel("r1")
        for job in model.jobs.values():
            if job["state"] in {"queued", "running"}:
                job["cancel"] = True
                job["state"] = "cancelled" if job["state"] == "queued" else "running"
    elif step == "claim":
        waiting = model.waiting(now)
        found = queue.claim("worker", 10.0, now)
        assert (found.id if found else None) == (waiting[0] if waiting else None)
        if found:
            claimed.append(found)
            known = model.jobs[found.id]
            assert found.token == known["token"] + 1
            known.update(state="running", token=found.token, until=now + 10.0)
    elif claimed and step != "wait":
        _leave(queue, catalog, model, claimed[which % len(claimed)], step, now)


def _leave(queue: Queue, catalog: Catalog, model: Model, job: Job, step: str, now: float) -> None:
    known, held = model.jobs[job.id], model.holds(job)
    mine = known["token"] == job.token
    if step == "beat":
        done = mine and known["state"] == "done"
        expected = "cancelled" if held and known["cancel"] else "ok" if held or done else "lost"
        assert queue.heartbeat(job, 10.0, now) == expected
        if held:
            known["until"] = now + 10.0
    elif step == "complete":
        try:
            with catalog.write() as db:
                queue.complete(db, job)
        except (Conflict, Cancelled):
            assert not held or known["cancel"]
        else:
            assert held
            known["state"] = "done"
    else:
        _end(queue, model, job, step, held, mine)


def _end(queue: Queue, model: Model, job: Job, step: str, held: bool, mine: bool) -> None:
    known = model.jobs[job.id]
    if step == "finish":
        assert queue.finish(job) == ("ok" if held or (mine and known["state"] == "done") else "lost")
        after = "done"
    elif step == "release":
        assert queue.release(job) == ("ok" if held else "lost")
        after = "queued"
    else:
        ended = "cancelled" if known["cancel"] else "ok"
        assert queue.fail(job, "why", retry=step == "retry") == (ended if held else "lost")
        after = "queued" if step == "retry" else "failed"
    if held:
        known["state"] = "cancelled" if known["cancel"] and after != "done" else after
