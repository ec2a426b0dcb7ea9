"""The job that fetches images by reference, and registers the rows that waited for them.

Invariants: bytes are stored and flushed before a row that names them is signed. One transaction signs rows, lets go of
them, and is refused if another worker has the job: a row is registered once. An image that can't be had is tried again
ever later (``PAUSES``) and then given up with the reason; what waiting can't mend is given up at once. A withdrawn
image is not fetched, and nothing is registered of it. Every picture is asked what it says of its own use: one that says
no is kept only where a row of this issuer tells it with the label. Others' rows can't be changed here: by them alone a
snapshot would not know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import images, referenced
from registry.catalog.queries.labeled_images.rows import newest_rows
from registry.catalog.queries.roots import withdrawn_targets
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.snapshots.use import says_no
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows.images.registering.labeled_rows import NewRow, fit_boxes
from registry.workflows.images.registering.register_images import register
from registry.workflows.local_issuers import check_signs_as
from registry.workflows.log.append import LogTransaction, appending
from registry.workflows.parts import Parts
from registry.workflows.references.fetch_image import FINAL, Arrived, fetch_image
from registry.workflows.references.refer import give_to_job, said_again, waiting_row
from registry.workflows.store.private_blocks import PublicStore, private_blocks

_log = logging.getLogger("registry.references")
THREADS = 6  # images at once: each may take ``fetch_image.MAX_BYTES`` of memory
TOGETHER = 24  # images that are registered in one transaction
PAUSES = (60.0, 300.0, 1800.0, 7200.0, 21600.0, 86400.0)  # seconds before each next attempt
Failed = dict[str, str]  # code by CID


def fetch_images(parts: Parts, job: Job, check: Check) -> None:
    """Fetch all that the job has, some at a time."""
    check_signs_as(parts, job.run, "what waits for its images")
    with parts.catalog.read() as db:
        tried = referenced.of_job(db, job.id)
    near = PublicStore(parts.store, private_blocks(parts))
    names = list(tried)
    with ThreadPoolExecutor(THREADS, "reference") as pool:
        for start in range(0, len(names), TOGETHER):
            check()
            part = [CID.parse(name) for name in names[start : start + TOGETHER]]
            with parts.catalog.read() as db:
                gone = withdrawn_targets(db, part)
            wanted = [cid for cid in part if str(cid) not in gone]
            found: dict[CID, Arrived | str] = dict.fromkeys(part, "withdrawn")
            found |= zip(wanted, pool.map(lambda cid: fetch_image(parts.source, near, cid), wanted), strict=True)
            _settle(parts, job, found, tried)
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)


def _settle(parts: Parts, job: Job, found: Mapping[CID, Arrived | str], tried: Mapping[str, int]) -> None:
    """Keep what came and register its rows; try the rest later, or give it up."""
    came = {str(cid): one for cid, one in found.items() if isinstance(one, Arrived)}
    failed = {str(cid): one for cid, one in found.items() if isinstance(one, str)}
    for name in _untold(parts, job.run, came):
        del came[name]
        failed[name] = "reserved"
    for name, one in came.items():
        if one.blocks:
            parts.store.put_many(one.blocks)
        parts.store.pin(CID.parse(name))
    with appending(parts, parts.key) as log:
        parts.queue.progressed(log.db, job)
        gone = withdrawn_targets(log.db, [*found])
        for name in [name for name in came if name in gone]:
            failed[name] = "withdrawn"
        took = {name: one for name, one in came.items() if name not in gone}
        refused = _register(log, took)
        referenced.give_up(log.db, {name: code for name, code in refused.items() if code}, parts.now())
        referenced.drop(log.db, [name for name in took if not refused.get(name)])
        _try_again(parts, log.db, job.run, failed, tried)
    _tell(job, took, failed)


def _untold(parts: Parts, issuer: str, came: Mapping[str, Arrived]) -> list[str]:
    """Those that say no of their own use, of which no row of ``issuer`` can tell it: none waits, and none is there that
    may be corrected, or says it already."""
    no = {name: one for name, one in came.items() if says_no(one.picture.rights)}
    if not no:
        return []
    with parts.catalog.read() as db:
        told = {one.cid for one in referenced.rows_of(db, no, issuer)}
        rows = newest_rows(db, issuer, {one.sha256 for one in no.values()})
    can_tell = {sha256 for (sha256, _), row in rows.items() if row["signature"] is None or says_no(row["rights"])}
    return [name for name, one in no.items() if name not in told and one.sha256 not in can_tell]


def _register(log: LogTransaction, took: Mapping[str, Arrived]) -> dict[str, str]:
    """Register the rows of images that came, in the order in which they came; by CID why one was refused.

    An image without a row was named by somebody else's record: it is only marked as stored. Rows that this issuer
    signed before the bytes were here then tell what the picture says, too.
    """
    refused: dict[str, str] = {}
    waiting = referenced.rows_of(log.db, took, log.signer.did)
    known = {name: images.resolve_image(log.db, name) for name in took}
    for name, one in took.items():
        if known[name] not in (None, one.sha256):
            refused[name] = "other_image"
        elif known[name] is not None:
            images.put_images(log.db, [(one.sha256, one.size, (one.cid,))], stored=True)
    rows = [waiting_row(one.position, took[one.cid], one.subject, one.row) for one in waiting if one.cid not in refused]
    fitted = fit_boxes((row, took[str(row.cid)].picture) for row in rows)
    bad = {one.row: one.code for one in fitted.rejected}
    for wave in _waves(fitted.rows):
        bad |= {one.row: one.code for one in register(log.parts, log.signer, wave, log=log).rejected}
    referenced.drop_rows(log.db, [row.row for row in rows if row.row not in bad])
    _tell_rights(log, [one for name, one in took.items() if name not in refused])
    return refused | {str(row.cid): bad[row.row] for row in rows if row.row in bad}


def _tell_rights(log: LogTransaction, came: Sequence[Arrived]) -> None:
    """Correct this issuer's rows in which nobody has read the pictures yet. One that its contributor signed stays."""
    read = {one.sha256: one for one in came if one.picture.rights}
    before = newest_rows(log.db, log.signer.did, read) if read else {}
    unread = [
        said_again(read[sha256], row)
        for (sha256, _), row in before.items()
        if row["signature"] is None and not read[sha256].picture.rights.items() <= row["rights"].items()
    ]
    if unread:
        register(log.parts, log.signer, unread, log=log)


def _waves(rows: Sequence[NewRow]) -> list[list[NewRow]]:
    """Rows so that of each contributor's about an image the later come later: they correct the earlier."""
    waves: list[list[NewRow]] = []
    seen: dict[tuple[bytes, str], int] = {}
    for row in sorted(rows, key=lambda one: one.row):
        at = seen[row.key] = seen.get(row.key, -1) + 1
        if at == len(waves):
            waves.append([])
        waves[at].append(row)
    return waves


def _try_again(parts: Parts, db: Connection, issuer: str, failed: Failed, tried: Mapping[str, int]) -> None:
    referenced.failed(db, failed, parts.now())
    over = {name: code for name, code in failed.items() if code in FINAL or tried[name] >= len(PAUSES)}
    referenced.give_up(db, over, parts.now())
    later: dict[int, list[str]] = {}
    for name in sorted(failed.keys() - over.keys()):
        later.setdefault(tried[name], []).append(name)
    for times, names in later.items():
        give_to_job(parts, db, issuer, names, anew=False, not_before=time.time() + PAUSES[times])


def _tell(job: Job, took: Mapping[str, Arrived], failed: Failed) -> None:
    for name, code in failed.items():
        _log.info("image %s was not fetched: %s", name, code, extra={"job": job.id, "code": code})
    _log.info("job %s fetched %s images, not %s", job.id, len(took), len(failed), extra={"job": job.id})


def postpone(parts: Parts, job: Job, error: EmotionetError) -> None:
    """The job failed for good: what it had left is tried later by another, or given up."""
    with parts.catalog.write() as db:
        tried = referenced.of_job(db, job.id)
        _try_again(parts, db, job.run, dict.fromkeys(tried, "not_taken"), tried)
    _log.warning("job %s ended early: %s", job.id, error, extra={"job": job.id})
