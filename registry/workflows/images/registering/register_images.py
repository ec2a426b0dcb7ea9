"""Register labeled images: bytes into the store, rows into a contribution, the contribution into the log.

Invariants: within one issuer a row is identified by (image's sha256, contributor). The same row again changes nothing.
Any other row of the same key is a correction: it names the row that it replaces and keeps the values that it does not
change. One bad row does not stop the rest. A killed import that is run again ends with the same result: blocks are
stored before the rows that name them are signed, and one transaction decides which rows are new and signs them. No file
name and no person's name enters a record: the catalog holds names, and records hold pseudonyms.

Rows wait in a stage, however many come, and are registered in steps (``row_groups.Pace``), sorted by image: memory does
not grow with their number, and whoever else wants to write waits for one step: all who do are let in before the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import cast

from registry.catalog.database.database import Connection
from registry.catalog.idempotency import Keyed
from registry.catalog.index.staged import Staged
from registry.catalog.turns import give_way, others_write
from registry.content.labels import Rejection
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.workflows.images.registering.labeled_rows import NewRow, rejection
from registry.workflows.images.registering.register_step import Statement, Step, register_step
from registry.workflows.images.registering.row_groups import STEP, Group, Pace, stage, steps
from registry.workflows.log.append import LogTransaction, appending
from registry.workflows.parts import Parts

_CACHE = 8 << 10  # KiB for what waits: beside the rest of an import the time to read it from its file is small
MANY = 1000  # rows at once after which the catalog's planner is told
Report = Callable[[Statement], None]


@dataclass
class Registered:
    """What registering did; ``contribution`` is the last one, None where nothing was new. Counts are of statements, one
    for each (image, contributor); ``merged`` are rows that became part of another row's statement."""

    contribution: CID | None = None
    registered: int = 0
    unchanged: int = 0
    corrected: int = 0
    images: int = 0
    merged: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    _last: bytes = b""  # image

    def add(self, step: Step) -> None:
        """Count a step; steps come by rising image."""
        self.contribution = step.contribution or self.contribution
        for one in step.statements:
            self.images += one.rows[0].sha256 != self._last
            self._last = one.rows[0].sha256
            if one.error is not None:
                self.rejected += [rejection(row, one.error) for row in one.rows]
                continue
            self.merged += len(one.rows) - 1
            status = one.status
            self.registered += status == "registered"
            self.corrected += status == "corrected"
            self.unchanged += status == "unchanged"


def register(
    parts: Parts,
    signer: Signer,
    rows: Iterable[NewRow],
    *,
    root: CID | None = None,
    log: LogTransaction | None = None,
    report: Report | None = None,
) -> Registered:
    """Register rows whose blocks are in the store; ``root`` is remembered as where their names come from.

    What is new in a step is decided, signed and indexed in one transaction; all of it in ``log``'s where the caller has
    begun one. ``report`` is told of every statement in its step's transaction.
    """
    with Staged(parts.catalog, STEP, _CACHE) as staged:
        stage(staged, rows)
        return register_staged(parts, signer, staged, root=root, log=log, report=report)


def register_staged(
    parts: Parts,
    signer: Signer,
    staged: Staged,
    *,
    root: CID | None = None,
    log: LogTransaction | None = None,
    report: Report | None = None,
    keyed: Keyed | None = None,
    finish: Callable[[Connection], None] | None = None,
) -> Registered:
    """The same of rows that wait already. ``keyed``: the request for which, so that what an earlier try at it has
    registered is told as registered now; ``finish`` is called in the last step's transaction.
    """
    done, own, pace = Registered(), set[CID](), Pace()
    waiting = steps(staged, pace)
    groups: list[Group] | None = next(waiting, [])
    while groups is not None:
        following = next(waiting, None)
        with nullcontext(log) if log else appending(parts, signer, staged.write) as transaction:
            begin = time.monotonic()
            before = [one for one in keyed.contributions(transaction.db) if one not in own] if keyed else ()
            step = register_step(transaction, groups, root, before)
            done.add(step)
            for statement in step.statements if report else ():
                cast(Report, report)(statement)
            if keyed is not None and step.contribution is not None:
                keyed.add(transaction.db, step.contribution)
                own.add(step.contribution)
            if following is None and finish is not None:
                finish(transaction.db)
            wanted = log is None and following is not None and others_write(parts.catalog, transaction.db)
        pace.took(sum(len(group.rows) for group in groups), time.monotonic() - begin)
        if wanted:
            give_way(parts.catalog)
        groups = following
    done.rejected.sort(key=lambda one: one.row)
    if log is None and done.registered + done.corrected >= MANY:
        parts.catalog.analyze(grown=True)
    return done
