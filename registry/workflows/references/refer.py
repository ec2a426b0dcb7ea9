"""Take rows whose images are not here: they wait until a worker has fetched and verified these.

Invariants: what waits is unsigned. A waiting row is kept, and its image given to a job, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import referenced
from registry.core.ipld.cid import CID, DAG_PB, RAW
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS, Annotation
from registry.jobs.queue import FETCH
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.parts import Parts
from registry.workflows.references.fetch_image import Arrived

BATCH = 200  # images of one job
CODECS = (RAW, DAG_PB)  # that a file's root may have


def refer(parts: Parts, db: Connection, issuer: str, rows: Iterable[NewRow]) -> None:
    """Keep rows that ``issuer`` will sign, and have their images fetched. Again: only what was given up begins anew."""
    given = list(rows)
    referenced.add_rows(db, issuer, [(row.cid, _plain(row), row.subject) for row in given])
    fetch_later(parts, db, issuer, [row.cid for row in given])


def fetch_later(parts: Parts, db: Connection, issuer: str, cids: Iterable[CID]) -> int:
    """Give images to jobs, unless they have one; how many were given."""
    waiting = referenced.unassigned(db, cids, parts.now())
    for start in range(0, len(waiting), BATCH):
        give_to_job(parts, db, issuer, waiting[start : start + BATCH], anew=True)
    return len(waiting)


def give_to_job(
    parts: Parts, db: Connection, issuer: str, cids: Sequence[str], *, anew: bool, not_before: float | None = None
) -> None:
    """One job for these images."""
    job = parts.queue.enqueue(db, issuer, FETCH, {"images": len(cids)}, parts.now(), not_before=not_before)
    referenced.assign(db, cids, job, parts.now(), anew=anew)


def _plain(row: NewRow) -> dict[str, Any]:
    """What a row says, as JSON; the image and the subject's name stand beside it."""
    said = {name: msgspec.to_builtins(getattr(row, name)) for name in ANNOTATION_FIELDS if name != "subject"}
    return {**said, "contributor": row.contributor, "signature": row.signature.hex() if row.signature else None}


def waiting_row(number: int, came: Arrived, subject: str | None, plain: Mapping[str, Any]) -> NewRow:
    """The row as it was sent, of the image that came."""
    said = msgspec.convert(
        {**{name: plain[name] for name in plain if name in ANNOTATION_FIELDS}, "subject": subject}, Annotation
    )
    return NewRow(
        row=number,
        name="",
        sha256=came.sha256,
        cid=came.cid,
        size=came.size,
        read=dict(came.picture.rights),
        contributor=plain["contributor"],
        signature=bytes.fromhex(plain["signature"]) if plain["signature"] else None,
        **{name: getattr(said, name) for name in ANNOTATION_FIELDS},
    )


def said_again(came: Arrived, before: Mapping[str, Any]) -> NewRow:
    """The label of an earlier row with what was now read of its picture; all else stays as that row has it."""
    return NewRow(
        row=0,
        name="",
        sha256=came.sha256,
        cid=came.cid,
        size=came.size,
        label=before["label"],
        contributor=before["contributor"],
        read=dict(came.picture.rights),
    )
