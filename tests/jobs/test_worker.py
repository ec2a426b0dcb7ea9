"""The worker: jobs end once, whatever happens to them; and the frame of a fold's child process."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from registry.catalog.database.database import Catalog
from registry.catalog.queries.training_runs import runs
from registry.core.errors import Cancelled, Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted
from registry.jobs import child as child_process
from registry.jobs import folder_lock as folder_of_one
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


def child(work: Callable[[Callable[[Any], None]], dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    with TemporaryDirectory() as folder:
        status = child_process.child(out, Path(folder), work)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_childs_last_line_is_its_result_or_its_error() -> None:
    def good(report: Callable[[Any], None]) -> dict[str, Any]:
        report({})
        report({"epoch": 1})
        return {"training": "cid"}

    assert child(good) == (0, [{"epoch": 1}, {"result": {"training": "cid"}}])

    def bad(report: Callable[[Any], None]) -> dict[str, Any]:
        raise Untrusted("pixels differ", code="pixels_differ")

    status, lines = child(bad)
    assert (status, lines) == (
        1,
        [{"error": "pixels differ", "code": "pixels_differ", "kind": "Untrusted", "hint": None}],
    )


def test_a_child_that_dies_is_unavailable_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    with pytest.raises(Unavailable, match="before it gave a result"):
        child_process.run_child("nothing", {}, tmp_path / "work", lambda: None, lambda _: None)


def test_a_child_is_ended_when_the_check_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = time.monotonic()

    def check() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        child_process.run_child("fold", {}, tmp_path, check, lambda _: None)
    assert time.monotonic() - begin < 20


def test_two_children_never_work_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_of_one, "LOCK_SECONDS", 0.3)

    def outer(report: Callable[[Any], None]) -> dict[str, Any]:
        inner = io.StringIO()
        assert child_process.child(inner, tmp_path, lambda _: {"both": "at once"}) == 1
        return {"inner": json.loads(inner.getvalue())["code"]}

    out = io.StringIO()
    assert child_process.child(out, tmp_path, outer) == 0
    assert json.loads(out.getvalue()) == {"result": {"inner": "folder_busy"}}


HOLDER = """
import sys, time
from pathlib import Path
from registry.jobs.folder_lock import locked_folder
with locked_folder(Path(sys.argv[1]), int(sys.argv[2])):
    print("held", flush=True)
    time.sleep(600)
"""


def holder(folder: Path, token: int) -> subprocess.Popen[str]:
    """A process that holds a folder and hears of nothing."""
    command = [sys.executable, "-c", HOLDER, str(folder), str(token)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_newer_token_ends_whoever_holds_a_folder_and_an_older_one_leaves(tmp_path: Path) -> None:
    first = holder(tmp_path, 1)
    with folder_of_one.locked_folder(tmp_path, 2):
        assert first.wait(20) == -9
    second = holder(tmp_path, 5)
    with pytest.raises(Conflict) as caught, folder_of_one.locked_folder(tmp_path, 4):
        pass
    assert caught.value.code == "lease_lost"
    assert second.poll() is None
    second.kill()
    second.wait()
    with pytest.raises(Conflict), folder_of_one.locked_folder(tmp_path, 4):  # also after the newer one has gone
        pass
    with folder_of_one.locked_folder(tmp_path, 5):  # the same job's next step
        pass
    for process in (first, second):
        assert process.stdout is not None
        process.stdout.close()


def test_a_holder_that_can_not_be_ended_from_here_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_of_one, "LOCK_SECONDS", 0.5)
    first = holder(tmp_path, 1)
    monkeypatch.setattr(folder_of_one, "this_machine", lambda: "another machine")
    with pytest.raises(Unavailable) as caught, folder_of_one.locked_folder(tmp_path, 2):
        pass
    assert caught.value.code == "folder_busy"
    assert first.poll() is None
    first.kill()
    first.communicate()


@pytest.mark.parametrize("left", ["", "{", "[]", '{"token": "x"}', '{"token": 9}', "\0" * 50])
def test_a_lock_that_says_nothing_of_use_stops_nobody(tmp_path: Path, left: str) -> None:
    (tmp_path / "lock").write_text(left, encoding="utf-8")
    with folder_of_one.locked_folder(tmp_path, 1):
        assert json.loads((tmp_path / "lock").read_text(encoding="utf-8"))["token"] == 1


def test_a_child_that_the_system_ended_for_its_memory_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([3, 4])
    monkeypatch.setattr(child_process, "oom_kills", lambda: next(counts))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "killed"))
    (tmp_path / "killed").write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
    (tmp_path / "killed").chmod(0o755)
    with pytest.raises(EmotionetError, match="because memory ran out") as caught:
        child_process.run_child("fold", {}, tmp_path / "work", lambda: None, lambda _: None)
    assert caught.value.code == "out_of_memory"


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", "import time; from registry.jobs.child import end_with_parent; "
    "end_with_parent(); print('ready', flush=True); time.sleep(600)"], stdout=subprocess.PIPE, start_new_session=True)
started.stdout.readline()
print(started.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while time.monotonic() < until and running(pid):
        time.sleep(0.05)
    assert not running(pid)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_what_a_child_dies_of_is_told_and_not_the_hint_behind_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"before it gave a result: .*KeyError: 'nothing'"):
        child_process.run_child("nothing", {}, tmp_path, lambda: None, lambda _: None)


def test_a_child_takes_no_module_from_the_folder_that_a_run_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("registry", "json"):
        (data / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(data)
    with pytest.raises(Unavailable, match="KeyError: 'nothing'"):
        child_process.run_child("nothing", {}, tmp_path / "work", lambda: None, lambda _: None)
    assert not (tmp_path / "ran").exists()
