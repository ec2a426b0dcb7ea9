"""A million images that nobody holds in the catalog of a home: rows are written straight into the tables, as indexing
would leave them, because signing and indexing a million rows takes an hour. ``many_images_postgres`` writes the same
into PostgreSQL.

What is generated has the shape of a large registry: 1000 contributions by one issuer, seven labels of very different
frequency, 200 contributors, a fortieth of the images labelled by two people, half of these differently, a hundredth
with rights reserved, one snapshot of nine tenths of the first million (a real table, so that its pages can be read).
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from registry.assembly import Home
from registry.catalog.database.engines import sqlite_file
from registry.catalog.index.image_counts import recount
from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from registry.workflows.log.append import append

LABELS = ("feliz", "triste", "sorprendido", "enojado", "neutral", "asustado", "disgustado")
WEIGHTS = (40, 25, 15, 10, 6, 3, 1)
CONTRIBUTIONS = 1000
FIRST = 1_000_000  # number of the first contribution's entry: the log before it is real
IN_SNAPSHOT = 1_000_000  # so many images may be in the large snapshot
NOW = "2026-01-01T00:00:00Z"
SIZE = 54_321


class Made(NamedTuple):
    """One image: its number, sha256 and CID as text."""

    number: int
    sha256: str
    cid: str


def images_of(numbers: Iterable[int]) -> list[Made]:
    """By rising sha256, as the tables have them."""
    found = []
    for number in numbers:
        digest = hashlib.sha256(b"image %d" % number).digest()
        text = base64.b32encode(b"\x01\x55\x12\x20" + digest).decode().lower().rstrip("=")
        found.append(Made(number, digest.hex(), f"b{text}"))
    return sorted(found, key=lambda one: one.sha256)


def label_of(number: int) -> str:
    place = number * 7919 % 100
    for label, weight in zip(LABELS, WEIGHTS, strict=True):
        if place < weight:
            return label
        place -= weight
    return LABELS[-1]


def _cid(what: str, number: int) -> str:
    """Of a record that is nowhere."""
    return str(cid_of(f"{what} {number}".encode(), DAG_CBOR))


@cache
def contribution(place: int) -> str:
    return _cid("contribution", place)


def rows_of(images: Iterable[Made], issuer: str) -> Iterator[tuple[Any, ...]]:
    """Of CONTRIBUTION_ROWS as SQL has them, in the order of ``COLUMNS``."""
    for one in images:
        n = one.number
        ordinal = f"{issuer} {n % CONTRIBUTIONS + FIRST:020d}"
        rights = '{"tdm-reservation": "1"}' if n % 100 == 7 else "{}"
        licence = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", None)[n % 4]
        said = (licence, "signed form", f"{n // 4:032x}", '{"age": "adult"}', "{}", rights, "[]")
        yield (
            contribution(n % CONTRIBUTIONS),
            one.sha256,
            issuer,
            f"annotator {n % 200:03d}",
            ordinal,
            one.cid,
            label_of(n),
            *said,
        )
        if n % 40 == 3:
            other = label_of(n) if n % 80 == 3 else LABELS[(n + 1) % 7]
            yield (
                contribution(n % CONTRIBUTIONS),
                one.sha256,
                issuer,
                f"annotator {n % 200 + 1:03d}",
                ordinal,
                one.cid,
                other,
                *said,
            )


COLUMNS = (
    *("contribution", "sha256", "issuer", "contributor", "ordinal", "cid", "label"),
    *("licence", "consent", "subject", "attributes", "sources", "rights", "boxes"),
)


def fill(home: Home, count: int, said: Callable[[str], None]) -> None:
    """Write ``count`` images into the home's catalog, whose database must be SQLite."""
    path = sqlite_file(home.settings.database_url)
    assert path is not None
    _write(path, images_of(range(count)), home.key.did)
    said("rows are written")
    with home.catalog.write() as db:
        recount(db)


def snapshot(home: Home, count: int) -> CID:
    """A real one, signed and indexed: its table is in the store, its members are in the catalog."""
    return taken(home, [one for one in images_of(range(min(count, IN_SNAPSHOT))) if one.number % 10])


def taken(home: Home, images: Sequence[Made]) -> CID:
    """A snapshot of some images."""
    record = snapshot_of(home, images)
    home.store.flush()
    return append(home, home.key, record).record


def snapshot_of(home: Home, images: Sequence[Made]) -> records.Snapshot:
    """Its record; the tables are in the store."""
    rows = [_item(one, home.key.did) for one in images]
    return records.Snapshot(
        items=tables.build(records.SNAPSHOT_ITEMS, rows, home.store.put),
        count=len(rows),
        classes=LABELS,
        aliases={label: index for index, label in enumerate(LABELS)},
        query={},
        rule="majority-v1",
        contributions=(),
        excluded=tables.build(records.EXCLUDED, [], home.store.put),
    )


def _item(one: Made, who: str) -> list[Any]:
    """A row of SNAPSHOT_ITEMS."""
    digest = bytes.fromhex(one.sha256)
    return [digest, CID.v1(RAW, digest), SIZE, label_of(one.number), [who], None, {}, "CC0-1.0", [], {}, {}]


def contributions(issuer: str, images: int) -> list[tuple[str, str, int, str]]:
    """Of the table of this name: CID, rows, count, ordinal."""
    many = range(CONTRIBUTIONS)
    return [(contribution(n), _cid("rows", n), images // CONTRIBUTIONS, f"{issuer} {n + FIRST:020d}") for n in many]


def entries(issuer: str) -> list[tuple[str, str, int, str, str, str]]:
    """Of the table of this name: CID, issuer, place, record, its type, time."""
    return [(_cid("entry", n), issuer, n + FIRST, contribution(n), "contribution", NOW) for n in range(CONTRIBUTIONS)]


def _write(path: Path, images: Sequence[Made], issuer: str) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    kept = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        ("contribution_rows",),
    ).fetchall()
    for name, _ in kept:
        db.execute(f"DROP INDEX {name}")
    db.executemany(
        'INSERT INTO contributions (cid, "rows", count, ordinal) VALUES (?, ?, ?, ?)',
        contributions(issuer, len(images)),
    )
    db.executemany(
        "INSERT INTO entries (cid, issuer, seq, record, record_type, issued_at) VALUES (?, ?, ?, ?, ?, ?)",
        entries(issuer),
    )
    db.executemany(
        "INSERT INTO images (sha256, size, stored) VALUES (?, ?, ?)",
        ((one.sha256, SIZE, one.number % 3 > 0) for one in images),
    )
    db.executemany("INSERT INTO image_cids (sha256, cid) VALUES (?, ?)", ((one.sha256, one.cid) for one in images))
    names, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
    insert = f"INSERT INTO contribution_rows ({names}, size) VALUES ({marks}, {SIZE})"
    db.executemany(insert, sorted(rows_of(images, issuer)))
    for _, sql in kept:
        db.execute(sql)
    db.commit()
    db.close()
