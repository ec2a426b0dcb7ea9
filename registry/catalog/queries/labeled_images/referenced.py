"""Images that are named here and whose bytes have yet to come.

Invariants: a row waits once, however often it is sent. An image that waits belongs to one job; one that was given up to
none, and says why. Nothing here is told of a person: ``subject`` is a name, and can be forgotten.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.prepared import Prepared
from registry.catalog.database.sql import chunks, decode_cursor, encode_cursor, insert_new, page_limit
from registry.catalog.schema.arriving import referenced_images, referenced_rows
from registry.catalog.schema.derived import image_cids
from registry.core.ipld.cid import CID

Row = Mapping[str, Any]
_IMAGES, _ROWS = referenced_images, referenced_rows


def add_rows(db: sa.Connection, issuer: str, rows: Sequence[tuple[CID, Row, str | None]]) -> None:
    """Keep what people say of images until these come: rows as plain JSON with ``contributor``, and subjects' names.

    What a contributor said last of an image is not kept again.
    """
    last: dict[tuple[str, str], tuple[str, Row, str | None]] = {}
    for one in rows_of(db, (str(cid) for cid, _, _ in rows), issuer):
        last[one.cid, one.row["contributor"]] = (one.digest, one.row, one.subject)
    new = []
    for cid, row, subject in rows:
        key = (str(cid), row["contributor"])
        before = last.get(key)
        if before is not None and before[1:] == (row, subject):
            continue
        said = json.dumps([before[0] if before else "", row, subject], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()
        last[key] = (digest, row, subject)
        new.append({"cid": key[0], "issuer": issuer, "digest": digest, "subject": subject, "row": dict(row)})
    insert_new(db, _ROWS, new)


def unassigned(db: sa.Connection, cids: Iterable[CID], now: str) -> list[str]:
    """Make these wait, and the ones among them that no job has: new ones, and those that were given up."""
    names = [str(cid) for cid in dict.fromkeys(cids)]
    new = {"state": "waiting", "job": None, "attempts": 0, "code": None, "created": now, "updated": now}
    insert_new(db, _IMAGES, [{"cid": name, **new} for name in names])
    found: set[str] = set()
    for part in chunks(names):
        found.update(db.scalars(sa.select(_IMAGES.c.cid).where(_IMAGES.c.cid.in_(part), _IMAGES.c.job.is_(None))))
    return [name for name in names if name in found]


def assign(db: sa.Connection, cids: Sequence[str], job: int, now: str, *, anew: bool) -> None:
    """A job will fetch these; ``anew``: what was tried before no longer counts."""
    values: dict[str, Any] = {"state": "waiting", "job": job, "updated": now}
    if anew:
        values |= {"attempts": 0, "code": None}
    for part in chunks(cids):
        db.execute(sa.update(_IMAGES).where(_IMAGES.c.cid.in_(part)).values(values))


def of_job(db: sa.Connection, job: int) -> dict[str, int]:
    """What a job has to fetch, and how often each was tried."""
    query = sa.select(_IMAGES.c.cid, _IMAGES.c.attempts).where(_IMAGES.c.job == job).order_by(_IMAGES.c.cid)
    return {row.cid: row.attempts for row in db.execute(query)}


def failed(db: sa.Connection, codes: Mapping[str, str], now: str) -> None:
    """One more attempt failed, for these reasons."""
    mine = sa.update(_IMAGES).where(_IMAGES.c.cid == sa.bindparam("name"))
    values = mine.values(attempts=_IMAGES.c.attempts + 1, code=sa.bindparam("why"), updated=now)
    if codes:
        db.execute(values, [{"name": cid, "why": code} for cid, code in sorted(codes.items())])


def give_up(db: sa.Connection, codes: Mapping[str, str], now: str) -> None:
    """Nobody tries these again, unless somebody sends a row of them."""
    mine = sa.update(_IMAGES).where(_IMAGES.c.cid == sa.bindparam("name"))
    values = mine.values(state="given_up", job=None, code=sa.bindparam("why"), updated=now)
    if codes:
        db.execute(values, [{"name": cid, "why": code} for cid, code in sorted(codes.items())])


def rows_of(db: sa.Connection, cids: Iterable[str], issuer: str) -> list[sa.Row[Any]]:
    """The rows of these that ``issuer`` will sign, in the order in which they came: ``position, cid, subject, row``."""
    found: list[sa.Row[Any]] = []
    for part in chunks(cids):
        found += db.execute(sa.select(_ROWS).where(_ROWS.c.cid.in_(part), _ROWS.c.issuer == issuer)).all()
    return sorted(found, key=lambda one: one.position)


def drop_rows(db: sa.Connection, positions: Sequence[int]) -> None:
    """Let go of rows."""
    for start in range(0, len(positions), 500):
        db.execute(sa.delete(_ROWS).where(_ROWS.c.position.in_(positions[start : start + 500])))


def drop(db: sa.Connection, cids: Iterable[str]) -> int:
    """Let go of images, and of all that was said of them; how many there were."""
    count = 0
    for part in chunks(cids):
        db.execute(sa.delete(_ROWS).where(_ROWS.c.cid.in_(part)))
        count += len(db.execute(sa.delete(_IMAGES).where(_IMAGES.c.cid.in_(part)).returning(_IMAGES.c.cid)).all())
    return count


def forget_subject(db: sa.Connection, name: str) -> int:
    """A person's name stands in no waiting row any more; in how many it stood."""
    gone = sa.update(_ROWS).where(_ROWS.c.subject == name).values(subject=None)
    return len(db.execute(gone.returning(_ROWS.c.position)).all())


def get(db: sa.Connection, cid: str) -> dict[str, Any] | None:
    """``cid, state, attempts, code, created, updated`` and ``rows``; None if it neither waits nor was given up."""
    found = db.execute(sa.select(_IMAGES).where(_IMAGES.c.cid == cid)).mappings().first()
    if found is None:
        return None
    rows = [
        dict(row) for row in db.scalars(sa.select(_ROWS.c.row).where(_ROWS.c.cid == cid).order_by(_ROWS.c.position))
    ]
    return {**{name: value for name, value in found.items() if name != "job"}, "rows": rows}


def waiting(db: sa.Connection, cids: Iterable[str]) -> set[str]:
    """Those of these CIDs whose bytes are waited for; one that was given up is none."""
    found: set[str] = set()
    for part in chunks(cids):
        found.update(db.scalars(sa.select(_IMAGES.c.cid).where(_IMAGES.c.cid.in_(part), _IMAGES.c.state == "waiting")))
    return found


def _of_image() -> sa.Select[Any]:
    columns = [column for column in _IMAGES.c if column.name != "job"]
    named = sa.join(image_cids, _IMAGES, _IMAGES.c.cid == image_cids.c.cid)
    mine = image_cids.c.sha256 == sa.bindparam("sha256")
    return sa.select(*columns).select_from(named).where(mine).order_by(_IMAGES.c.cid).limit(1)


_OF_IMAGE = Prepared(_of_image)


def of_image(db: sa.Connection, sha256: str) -> dict[str, Any] | None:
    """The same without rows, of an image that is labeled here: the first of its CIDs that waits or was given up."""
    found = _OF_IMAGE.first(db, sha256=sha256)
    return None if found is None else dict(found._asdict())


def listed(
    db: sa.Connection, *, state: str | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page by rising CID, without rows, and the cursor of the next page or None."""
    query = sa.select(*(column for column in _IMAGES.c if column.name != "job"))
    if state is not None:
        query = query.where(_IMAGES.c.state == state)
    if cursor is not None:
        query = query.where(_IMAGES.c.cid > decode_cursor(cursor, 1)[0])
    found = [dict(row) for row in db.execute(query.order_by(_IMAGES.c.cid).limit(page_limit(limit) + 1)).mappings()]
    page = found[:limit]
    return page, encode_cursor(page[-1]["cid"]) if len(found) > limit else None


def counted(db: sa.Connection) -> dict[tuple[str, str], int]:
    """How many there are by state and code ("" where none failed yet)."""
    query = sa.select(_IMAGES.c.state, _IMAGES.c.code, sa.func.count()).group_by(_IMAGES.c.state, _IMAGES.c.code)
    return {(state, code or ""): count for state, code, count in db.execute(query)}


def how_many_wait(db: sa.Connection) -> int:
    """How many images wait."""
    return db.scalar(sa.select(sa.func.count()).where(_IMAGES.c.state == "waiting")) or 0


def oldest_waiting(db: sa.Connection) -> str | None:
    """Since when the one that waits longest does."""
    since: str | None = db.scalar(sa.select(sa.func.min(_IMAGES.c.created)).where(_IMAGES.c.state == "waiting"))
    return since
