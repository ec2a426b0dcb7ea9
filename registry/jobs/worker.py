"""A worker: claims jobs, keeps their leases alive, and runs the handler of each, several side by side.

Invariants: a handler gets a function ``check``. It raises ``Cancelled`` when the run was cancelled and ``Conflict``
(``lease_lost``) when another worker claimed the job; the queue's fencing token refuses whatever the job writes after
that. A stopped worker gives its jobs back to the queue. A killed worker, or one that can't record how its jobs ended,
loses them when their leases expire. A job whose end can't be recorded because the disk is full fails, after space was
freed for recording that. A worker of `serve` or `worker` continues whatever its jobs and its database do; a worker of a
single run raises the error that ended it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from registry.core.errors import Cancelled, Conflict, EmotionetError, Unavailable
from registry.jobs.queue import Job, Queue

_log = logging.getLogger("registry.worker")
Check = Callable[[], None]
Handler = Callable[[Job, Check], None]
AWAY_SECONDS = 60.0  # how long somebody who waits for one run waits for the database too
ASK_SECONDS = 0.1  # how long somebody who has nothing to begin waits before the queue is asked again
ATTEMPTS = 3  # how often a job is tried that could not reach something and came no further


class Stopped(Cancelled):
    """This worker is stopping; the job goes back to the queue."""

    code = "stopped"


class Keeper:
    """Keeps one job's lease alive from a thread of its own, and remembers when it must stop."""

    def __init__(self, queue: Queue, job: Job, lease_seconds: float, stopping: threading.Event) -> None:
        self._queue, self._job, self._lease = queue, job, lease_seconds
        self._stopping, self._over, self._state = stopping, threading.Event(), "ok"
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"lease-{job.id}")

    def _beat(self) -> None:
        pause = min(self._lease / 3, 1.0)  # a cancel is noticed within a second
        while not self._over.wait(pause) and self._state == "ok":
            try:
                self._state = self._queue.heartbeat(self._job, self._lease, time.time())
            except Unavailable:
                continue  # the lease's own length decides how long the database may be away

    def check(self) -> None:
        """Raise if the job must stop now."""
        if self._state == "cancelled":
            raise Cancelled("the run was cancelled")
        if self._state == "lost":
            raise Conflict("another worker took this job over", code="lease_lost")
        if self._stopping.is_set():
            raise Stopped("this worker is stopping")

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Worker:
    """Runs jobs by their kind's handler.

    ``failed`` is called with a job that failed for good, ``again`` with one that will be retried, ``left`` with one
    that is given back because the worker stops. ``free_disk`` frees space on a full disk. ``issuers`` are those whose
    keys are in this home (None: no step needs a key). Of the kind ``aside`` one job at a time is done beside the
    ``parallel`` others, so that neither keeps the other waiting.
    """

    def __init__(
        self,
        queue: Queue,
        handlers: Mapping[str, Handler],
        failed: Callable[[Job, EmotionetError], None],
        *,
        name: str,
        parallel: int,
        lease_seconds: float,
        again: Callable[[Job, EmotionetError], None] = lambda job, error: None,
        free_disk: Callable[[Job], None] = lambda job: None,
        left: Callable[[Job], None] = lambda job: None,
        issuers: Callable[[], Collection[str] | None] = lambda: None,
        aside: str | None = None,
    ) -> None:
        self._queue, self._handlers, self._failed = queue, handlers, failed
        self._again, self._free_disk, self._left = again, free_disk, left
        self._issuers, self._aside = issuers, aside
        self._name, self._parallel, self._lease = name, parallel, lease_seconds
        self.stopping = threading.Event()
        self._serves = False
        self._away: float | None = None  # since when the database could not be reached

    def run_job(self, job: Job) -> None:
        """Run one claimed job to its end, whatever that is. ``Unavailable`` where that can't be written down."""
        begun = time.monotonic()
        self._emit(job, "begins")
        with Keeper(self._queue, job, self._lease, self.stopping) as keeper:
            try:
                self._run(job, keeper)
                self._emit(job, "has ended", seconds=round(time.monotonic() - begun, 1))
            except Unavailable as error:
                if error.code != "disk_full":
                    raise
                self._free_disk(job)
                self._give_up(job, error)

    def _run(self, job: Job, keeper: Keeper) -> None:
        try:
            keeper.check()
            self._handlers[job.kind](job, keeper.check)
        except Stopped:
            if self._queue.release(job) == "ok":
                self._left(job)
        except Cancelled as error:
            self._queue.fail(job, str(error), retry=False)
        except Conflict as error:
            if error.code != "lease_lost":
                self._give_up(job, error)
        except Unavailable as error:
            if self._queue.attempt(job) < ATTEMPTS:
                self._emit(job, f"is retried: {error}")
                if self._queue.fail(job, str(error), retry=True) == "ok":
                    self._again(job, error)
            else:
                self._give_up(job, error)
        except EmotionetError as error:
            self._give_up(job, error)
        except Exception as error:  # a defect must end the run with its reason, not the worker
            self._give_up(job, EmotionetError(f"{type(error).__name__}: {error}"))
            raise
        else:
            self._queue.finish(job)

    def _emit(self, job: Job, what: str, level: int = logging.INFO, **more: object) -> None:
        fields = {"run": job.run, "job": job.kind, "attempt": job.attempt, **more}
        _log.log(level, "job %s of run %s %s", job.kind, job.run, what, extra=fields)

    def _give_up(self, job: Job, error: EmotionetError) -> None:
        self._emit(job, f"failed: {error}", logging.WARNING if self._serves else logging.INFO)
        if self._queue.fail(job, str(error), retry=False) == "ok":
            self._failed(job, error)

    def work(self, run: str | None = None, *, idle: Callable[[], bool] = lambda: False) -> None:
        """Work until stopped, or, with ``run``, until that run has no job left (``idle`` may end it too)."""
        active: dict[Future[None], str] = {}
        self._serves = run is None  # who waits for one run is told of its end otherwise
        with ThreadPoolExecutor(self._parallel + 1, thread_name_prefix="job") as pool:
            try:
                while not self.stopping.is_set():
                    for future in [one for one in active if one.done()]:
                        del active[future]
                        self._look_at(future.exception(), run)
                    kinds = self._free_for(active.values())
                    job = self._claim(run, kinds) if kinds else None
                    if job is not None:
                        active[pool.submit(self.run_job, job)] = job.kind
                    elif not active and (self._is_over(run) or idle()):
                        return
                    else:
                        self._pause(active)
            finally:
                if active:
                    self.stopping.set()

    def _pause(self, active: Collection[Future[None]]) -> None:
        """Until a job has ended, or the queue is to be asked again."""
        if active:
            wait(active, timeout=ASK_SECONDS, return_when=FIRST_COMPLETED)
        else:
            self.stopping.wait(ASK_SECONDS)

    def _free_for(self, active: Collection[str]) -> list[str]:
        """The kinds of which another job may begin."""
        aside = sum(kind == self._aside for kind in active)
        steps = len(active) - aside
        return [kind for kind in self._handlers if (not aside if kind == self._aside else steps < self._parallel)]

    def _look_at(self, error: BaseException | None, run: str | None) -> None:
        """What came out of a job's thread: a defect, or a database that was away when the job's end was to be told."""
        if error is None or isinstance(error, Unavailable):  # its lease runs out, and it is taken up again
            return
        if run is not None:
            raise error
        _log.error("a job ended because of a defect", exc_info=error)

    def _reached(self, run: str | None, error: Unavailable | None) -> None:
        """Keep count of how long the database is away; too long for one who waits for a run is an error."""
        if error is None:
            self._away = None
            return
        self._away = self._away or time.monotonic()
        if run is not None and time.monotonic() - self._away > AWAY_SECONDS:
            raise error
        self.stopping.wait(1.0)

    def _is_over(self, run: str | None) -> bool:
        if run is None or self._away is not None:
            return False
        try:
            return not self._queue.pending(run)
        except Unavailable as error:
            self._reached(run, error)
            return False

    def _claim(self, run: str | None, kinds: Collection[str]) -> Job | None:
        """The next job; one whose worker died every time is given up instead of killing this one too."""
        try:
            job = self._queue.claim(self._name, self._lease, time.time(), run=run, issuers=self._issuers(), kinds=kinds)
            if job is not None and job.attempt > ATTEMPTS:
                said = f"the job {job.kind} ended its worker {ATTEMPTS} times"
                self._give_up(job, EmotionetError(said, code="poisoned"))
                job = None
        except Unavailable as error:  # the next round asks again
            self._reached(run, error)
            return None
        self._reached(run, None)
        return job
