"""A queue in the catalog's database: leases, fencing tokens, cancellation, events.

Invariants: the holder of a job's newest token works on it. Anybody may claim a job whose lease has expired; the new
claim gets a higher token, and every later call of the previous holder returns ``lost``. A handler writes its job's
results in one transaction that calls ``guard``, and its last writes with ``complete``: if two workers both believe that
they hold a job, only one of them commits, and its results exist exactly if the job is done, however workers die. A
cancelled job is never claimed again.

Clocks that differ or were set back delay nobody: a lease that ends later than any lease given now could end counts as
expired once it was not renewed for the length of a lease, measured by this process's monotonic clock. (The holder of a
job renews its lease every second.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.schema import operational
from registry.core.errors import Cancelled, Conflict

_J = operational.jobs
FETCH = "fetch_images"  # the kind of a job that belongs to no run but to the issuer (``Job.run``) who signs its rows
SIGNING = ("prepare", "draw")  # the steps that need the key of the run's issuer
Lease = tuple[int, float]  # token, until


@dataclass(frozen=True)
class Job:
    """A claimed job. ``token`` proves who holds it; ``attempt`` counts claims from 1."""

    id: int
    run: str
    kind: str
    payload: Mapping[str, Any] = field(hash=False)
    token: int
    attempt: int

    @property
    def fence(self) -> int:
        """Rises with every claim of this job, and of any job that was queued after it."""
        return (self.id << 32) + self.token


def _may_do(issuers: Collection[str] | None) -> sa.ColumnElement[bool]:
    if issuers is None:
        return sa.true()
    whose = operational.runs.c.issuer
    own = sa.select(operational.runs.c.id).where(sa.or_(whose.is_(None), whose.in_(issuers)))
    step = sa.or_(_J.c.kind.not_in(SIGNING), _J.c.run.in_(own))
    return sa.or_(step & (_J.c.kind != FETCH), (_J.c.kind == FETCH) & _J.c.run.in_(issuers))


class Queue:
    """The jobs and events of one catalog."""

    def __init__(self, catalog: Catalog, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._catalog, self._monotonic = catalog, monotonic
        self._watched: dict[int, tuple[Lease, float]] = {}  # leases of the future by job, and since when they are so

    def enqueue(
        self,
        db: sa.Connection,
        run: str,
        kind: str,
        payload: Mapping[str, Any],
        now: str,
        *,
        not_before: float | None = None,
    ) -> int:
        """Put a job into the queue in the caller's transaction; returns its id. ``not_before``: in seconds since 1970,
        when it may be claimed."""
        row = {
            "run": run,
            "kind": kind,
            "payload": dict(payload),
            "state": "queued",
            "token": 0,
            "attempt": 0,
            "cancel": False,
            "created": now,
            "not_before": not_before,
        }
        identity: int | None = db.scalar(sa.insert(_J).values(row).returning(_J.c.id))
        assert identity is not None
        return identity

    def claim(
        self,
        worker: str,
        lease_seconds: float,
        now: float,
        run: str | None = None,
        issuers: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Job | None:
        """Take the oldest job (of ``run``, of ``kinds``) that waits or whose lease ran out; None if there is none.

        ``now`` is in seconds since 1970. Steps that sign (``SIGNING``) are taken of runs of these ``issuers`` alone,
        unless None: whose keys the worker has.
        """
        mine = _may_do(issuers) if run is None else (_J.c.run == run) & _may_do(issuers)
        mine = mine if kinds is None else mine & _J.c.kind.in_(kinds)
        with self._catalog.read() as db:
            dead = self._not_renewed(db, mine, lease_seconds, now)
        over = sa.or_(_J.c.lease_until < now, *((_J.c.id == job) & (_J.c.token == token) for job, token in dead))
        expired = (_J.c.state == "running") & over
        due = (_J.c.state == "queued") & (_J.c.not_before.is_(None) | (_J.c.not_before <= now))
        waiting = sa.or_(due, expired) & ~_J.c.cancel & mine
        with self._catalog.read() as db:  # to look does not keep writers waiting
            if db.scalar(sa.select(_J.c.id).where(sa.or_(waiting, expired & _J.c.cancel)).limit(1)) is None:
                return None
        oldest = sa.select(_J.c.id).where(waiting).order_by(_J.c.id).limit(1).with_for_update(skip_locked=True)
        lease = {"worker": worker, "lease_until": now + lease_seconds, "error": None}
        taken = (
            sa.update(_J)
            .where(_J.c.id == oldest.scalar_subquery())
            .values(state="running", token=_J.c.token + 1, attempt=_J.c.attempt + 1, **lease)
            .returning(_J.c.id, _J.c.run, _J.c.kind, _J.c.payload, _J.c.token, _J.c.attempt)
        )
        with self._catalog.write(serial=False) as db:
            db.execute(sa.update(_J).where(expired & _J.c.cancel).values(state="cancelled", lease_until=None))
            row = db.execute(taken).first()
        return Job(row.id, row.run, row.kind, row.payload, row.token, row.attempt) if row else None

    def _not_renewed(
        self, db: sa.Connection, mine: sa.ColumnElement[bool], lease_seconds: float, now: float
    ) -> list[tuple[int, int]]:
        """Jobs and tokens whose leases end later than any that could be given now, and are not renewed."""
        future = (_J.c.state == "running") & (_J.c.lease_until > now + lease_seconds) & mine
        found = {
            row.id: (row.token, row.lease_until)
            for row in db.execute(sa.select(_J.c.id, _J.c.token, _J.c.lease_until).where(future))
        }
        at = self._monotonic()
        kept = {job: seen for job, seen in self._watched.items() if found.get(job) == seen[0]}
        self._watched = {job: kept.get(job, (lease, at)) for job, lease in found.items()}
        return [(job, lease[0]) for job, (lease, since) in self._watched.items() if at - since > lease_seconds]

    def heartbeat(self, job: Job, lease_seconds: float, now: float) -> str:
        """Extend a lease: ``ok``, ``cancelled`` (stop and fail it), or ``lost`` (somebody else has it)."""
        until = sa.case((_J.c.state == "running", now + lease_seconds), else_=None)  # it may be done by now
        mine = (_J.c.id == job.id) & (_J.c.token == job.token) & _J.c.state.in_(("running", "done"))
        with self._catalog.write(serial=False) as db:
            row = db.execute(
                sa.update(_J).where(mine).values(lease_until=until).returning(_J.c.cancel, _J.c.state)
            ).first()
        if row is None:
            return "lost"
        return "cancelled" if row.cancel and row.state == "running" else "ok"

    def guard(self, db: sa.Connection, job: Job) -> None:
        """Hold on to a job for the rest of the caller's transaction.

        ``Conflict`` ``lease_lost`` if somebody else has it; ``Cancelled`` if its run was cancelled.
        """
        row = db.execute(sa.select(_J.c.cancel).where(self._held(job)).with_for_update()).first()
        if row is None:
            raise Conflict(f"another worker took job {job.id} over", code="lease_lost")
        if row.cancel:
            raise Cancelled("the run was cancelled")

    def complete(self, db: sa.Connection, job: Job) -> None:
        """``guard``, and the job is done if the caller's transaction commits: the last thing a handler writes."""
        self.guard(db, job)
        db.execute(sa.update(_J).where(self._held(job)).values(state="done", lease_until=None, worker=None))

    def progressed(self, db: sa.Connection, job: Job) -> None:
        """``guard``, and the job came further than ever: what it failed of before no longer counts against it."""
        self.guard(db, job)
        db.execute(sa.update(_J).where(self._held(job)).values(attempt=1))

    def attempt(self, job: Job) -> int:
        """How often the job was claimed since it last progressed."""
        with self._catalog.read() as db:
            return db.scalar(sa.select(_J.c.attempt).where(_J.c.id == job.id)) or job.attempt

    def finish(self, job: Job) -> str:
        """The job is done, unless ``complete`` said so: ``ok``, or ``lost`` if it was somebody else's by then."""
        if self._leave(job, state="done") == "ok":
            return "ok"
        done = (_J.c.id == job.id) & (_J.c.token == job.token) & (_J.c.state == "done")
        with self._catalog.read() as db:
            return "lost" if db.scalar(sa.select(_J.c.id).where(done)) is None else "ok"

    def fail(self, job: Job, error: str, retry: bool) -> str:
        """The job failed, for good or to be tried again: ``ok``, ``cancelled`` if somebody had cancelled it (which is
        then all that became of it), or ``lost``."""
        state = sa.case((_J.c.cancel, "cancelled"), else_="queued" if retry else "failed")
        return self._leave(job, state=state, error=error)

    def release(self, job: Job) -> str:
        """Give a job back unharmed (the worker stops): this attempt does not count. ``ok`` or ``lost``."""
        state = sa.case((_J.c.cancel, "cancelled"), else_="queued")
        return self._leave(job, state=state, attempt=_J.c.attempt - 1)

    def cancel(self, run: str) -> int:
        """``cancel_in`` in a transaction of its own."""
        with self._catalog.write() as db:
            return self.cancel_in(db, run)

    def cancel_in(self, db: sa.Connection, run: str) -> int:
        """Cancel a run's jobs; those under way learn it by their heartbeat. Returns how many there were."""
        open_jobs = (_J.c.run == run) & _J.c.state.in_(("queued", "running"))
        state = sa.case((_J.c.state == "queued", "cancelled"), else_=_J.c.state)
        return len(db.execute(sa.update(_J).where(open_jobs).values(cancel=True, state=state).returning(_J.c.id)).all())

    def wanted(self, db: sa.Connection, run: str, *states: str) -> int:
        """How many jobs of a run are in these states (unless said: wait or are under way) and were not cancelled."""
        mine = (_J.c.run == run) & _J.c.state.in_(states or ("queued", "running")) & ~_J.c.cancel
        return db.scalar(sa.select(sa.func.count()).where(mine)) or 0

    def pending(self, run: str) -> int:
        """How many jobs of a run wait or are under way."""
        open_jobs = (_J.c.run == run) & _J.c.state.in_(("queued", "running"))
        with self._catalog.read() as db:
            return db.scalar(sa.select(sa.func.count()).where(open_jobs)) or 0

    def emit(self, db: sa.Connection, run: str, kind: str, data: Mapping[str, Any], now: str) -> int:
        """Add an event to a run's in the caller's (serial) transaction; returns its number, from 1."""
        events = operational.job_events
        last = db.scalar(sa.select(sa.func.max(events.c.seq)).where(events.c.run == run)) or 0
        db.execute(sa.insert(events).values(run=run, seq=last + 1, kind=kind, data=dict(data), time=now))
        return last + 1

    def events(self, db: sa.Connection, run: str, after: int = 0, limit: int = 500) -> list[dict[str, Any]]:
        """A run's events with a number above ``after``, in order: ``seq, kind, data, time``."""
        events = operational.job_events
        columns = (events.c.seq, events.c.kind, events.c.data, events.c.time)
        query = sa.select(*columns).where(events.c.run == run, events.c.seq > after)
        return [dict(row) for row in db.execute(query.order_by(events.c.seq).limit(limit)).mappings()]

    @staticmethod
    def _held(job: Job) -> sa.ColumnElement[bool]:
        return (_J.c.id == job.id) & (_J.c.token == job.token) & (_J.c.state == "running")

    def _leave(self, job: Job, **values: Any) -> str:
        left = sa.update(_J).where(self._held(job)).values(lease_until=None, worker=None, **values)
        with self._catalog.write(serial=False) as db:
            row = db.execute(left.returning(_J.c.state)).first()
        if row is None:
            return "lost"
        return "cancelled" if row.state == "cancelled" and "error" in values else "ok"
