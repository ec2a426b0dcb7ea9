"""The images of ``bench.many_images`` in PostgreSQL: COPY from several processes, indexes made afterwards.

Rows lie in the order in which contributions came, as in a registry that grew. Tables are filled without a log of
changes and stay so (``UNLOGGED``): a server that crashes empties them. References between them are not made again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import get_context
from typing import Any

import psycopg
import sqlalchemy as sa

from bench.many_images import (
    COLUMNS,
    CONTRIBUTIONS,
    SIZE,
    contributions,
    entries,
    images_of,
    rows_of,
)
from registry.assembly import Home

_LARGE = ("image_cids", "contribution_rows", "images")  # the first refer to the last
_BESIDE = ("contributions", "entries")
Counts = Counter[tuple[str, str]]  # of image_counts


def fill(home: Home, count: int, said: Callable[[str], None]) -> None:
    """Write ``count`` images into the home's catalog, whose database must be PostgreSQL."""
    url = sa.make_url(home.settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as db:
        again = _bare(db)
        _beside(db, count, home.key.did)
        processes = os.cpu_count() or 1
        with get_context("spawn").Pool(processes) as pool:
            asked = [(url, count, home.key.did, range(n, CONTRIBUTIONS, processes)) for n in range(processes)]
            counted = sum(pool.starmap(_load, asked), Counts())
        said("rows are written")
        for statement in again:
            db.execute(statement.encode())
            said(statement.split(" USING ")[0][:90])
        _count(db, counted)
    with psycopg.connect(url, autocommit=True) as db:
        for table in (*_LARGE, *_BESIDE):
            db.execute(f"VACUUM ANALYZE {table}".encode())


def _bare(db: psycopg.Connection[Any]) -> list[str]:
    """Take keys and indexes off the large tables; the statements that make them again, but for references."""
    again = []
    for table in _LARGE:
        found = db.execute(
            "SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint WHERE conrelid = %s::regclass"
            " ORDER BY contype",
            [table],
        ).fetchall()
        for name, definition, kind in found:
            if kind in ("f", "p", b"f", b"p"):
                db.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
            if kind in ("p", b"p"):
                again.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        left = db.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [table]).fetchall()
        for name, definition in left:
            db.execute(f'DROP INDEX "{name}"'.encode())
            again.append(definition)
        db.execute(f"ALTER TABLE {table} SET UNLOGGED".encode())
    return again


def _beside(db: psycopg.Connection[Any], count: int, issuer: str) -> None:
    _copy(db, 'contributions (cid, "rows", count, ordinal)', contributions(issuer, count))
    _copy(db, "entries (cid, issuer, seq, record, record_type, issued_at)", entries(issuer))


def _copy(db: psycopg.Connection[Any], into: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY's own text: psycopg adapts value by value, which takes three times as long. No value has a tab or a line
    break."""
    with db.cursor().copy(f"COPY {into} FROM STDIN".encode()) as copy:
        copy.write("".join("\t".join(["\\N" if one is None else str(one) for one in row]) + "\n" for row in rows))


def _load(url: str, count: int, issuer: str, contributions: range) -> Counts:
    """Write the images and rows of some contributions; how many images have each label and so on."""
    counts = Counts()
    with psycopg.connect(url, autocommit=True) as db:
        for place in contributions:
            images = images_of(range(place, count, CONTRIBUTIONS))
            rows = list(rows_of(images, issuer))
            labels = _labels(rows)
            _copy(
                db,
                "images (sha256, size, stored, labels)",
                ((one.sha256, SIZE, one.number % 3 > 0, len(labels[one.sha256])) for one in images),
            )
            _copy(db, "image_cids (sha256, cid)", ((one.sha256, one.cid) for one in images))
            _copy(db, f"contribution_rows ({', '.join(COLUMNS)}, size)", ((*row, SIZE) for row in rows))
            _tally(counts, rows, labels)
    return counts


def _labels(rows: Iterable[Sequence[Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row[1], set()).add(row[6])
    return found


def _tally(counts: Counts, rows: Iterable[Sequence[Any]], labels: dict[str, set[str]]) -> None:
    """What ``registry.catalog.index.image_counts`` counts."""
    said = {(row[1], kind, row[at]) for row in rows for kind, at in _PLAIN if row[at] is not None}
    counts.update((kind, value) for _, kind, value in said)
    counts.update(("right", "tdm-reservation") for _ in {row[1] for row in rows if row[12] != "{}"})
    counts["listed", ""] += len(labels)
    counts["disputed", ""] += sum(len(one) > 1 for one in labels.values())


_PLAIN = tuple((kind, COLUMNS.index(kind)) for kind in ("label", "contributor", "licence"))


def _count(db: psycopg.Connection[Any], counted: Counts) -> None:
    """Beside what was counted before."""
    more = "ON CONFLICT (kind, value) DO UPDATE SET images = image_counts.images + excluded.images"
    with db.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO image_counts (kind, value, images) VALUES (%s, %s, %s) {more}".encode(),
            [(*key, images) for key, images in counted.items() if images],
        )
