"""A home with many labelled images whose (small) bytes it holds: contributions are real, signed and in the store; their
rows are written straight into the tables, as indexing would leave them, because indexing a million rows takes long.

Invariant: the same count gives the same rows. ``SIZE`` is what a photograph of a face takes; the bytes that are kept
here are fewer, so that a million of them fit on any machine.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from registry.assembly import Home
from registry.catalog.database.engines import sqlite_file
from registry.catalog.index.image_counts import recount
from registry.core import log, records
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables

LABELS = ("feliz", "triste", "sorprendido", "enojado")
SIZE = 54_321  # bytes, as stated
CONTRIBUTION = 10_000  # rows
_ROWS = records.CONTRIBUTION_ROWS.columns
_JSON = ("boxes", "attributes", "sources", "rights")
Row = dict[str, Any]


def fill(home: Home, count: int) -> None:
    """Write ``count`` images, each labelled once and a fortieth twice, into a home with a new SQLite database."""
    path = sqlite_file(home.settings.database_url)
    assert path is not None
    with sqlite3.connect(path) as db:
        kept = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in kept:
            db.execute(f"DROP INDEX {name}")
        last: tuple[CID, int] | None = None
        first: CID | None = None
        for start in range(0, count, CONTRIBUTION):
            rows = list(_rows(home, range(start, min(count, start + CONTRIBUTION))))
            last = _contribute(home, db, rows, last, first)
            first = first or last[0]
        for _, sql in kept:
            db.execute(sql)
        assert last is not None
        db.execute("INSERT INTO log_heads VALUES (?, ?, ?)", (home.key.did, last[1], str(last[0])))
    home.store.flush()
    with home.catalog.write() as written:
        recount(written)
    home.catalog.analyze()


def _rows(home: Home, numbers: Sequence[int]) -> Iterator[Row]:
    for number in numbers:
        data = b"image %d" % number
        digest = hashlib.sha256(data).digest()
        cid = CID.v1(RAW, digest)
        home.store.put_own(cid, data)
        said = {
            "sha256": digest,
            "contributor": f"annotator {number % 200:03d}",
            "cid": bytes(cid),
            "size": SIZE,
            "label": LABELS[number * 7919 % 4],
            "boxes": [[1000, 1200, 20000, 21000]],
            "attributes": {"age": "adult"},
            "sources": {"age": "perceived"},
            "subject": hashlib.sha256(b"person %d" % (number // 4)).hexdigest()[:32],
            "licence": ("CC0-1.0", "CC-BY-4.0", None)[number % 3],
            "consent": "signed form",
            "rights": {},
            "replaces": None,
            "signature": None,
        }
        yield said
        if number % 40 == 3:
            yield {**said, "contributor": f"annotator {number % 200 + 1:03d}"}


def _contribute(
    home: Home, db: sqlite3.Connection, rows: Sequence[Row], last: tuple[CID, int] | None, first: CID | None
) -> tuple[CID, int]:
    """One contribution in the log and in the tables; its entry and its place."""
    shape = records.CONTRIBUTION_ROWS
    put = home.store.put
    if last is None:
        opening = _entry(home, db, records.Issuer(chains=()), None, None)
        last, first = opening, opening[0]
    table = tables.build(shape, [[row[name] for name in shape.columns] for row in rows], put)
    record = records.Contribution(issuer=home.key.did, rows=table)
    cid = str(records.cid(record))
    entry, seq = _entry(home, db, record, last, first)
    ordinal = f"{home.key.did} {seq:020d}"
    db.execute("INSERT INTO contributions VALUES (?, ?, ?, ?)", (cid, str(table), len(rows), ordinal))
    names = {row["sha256"]: (row["sha256"].hex(), str(CID.decode(row["cid"]))) for row in rows}
    db.executemany("INSERT INTO images (sha256, size, stored) VALUES (?, ?, 1)", ((n, SIZE) for n, _ in names.values()))
    db.executemany("INSERT INTO image_cids VALUES (?, ?)", names.values())
    columns = ("contribution", "issuer", "ordinal", *_ROWS)
    marks = ", ".join("?" * len(columns))
    db.executemany(
        f"INSERT INTO contribution_rows ({', '.join(columns)}) VALUES ({marks})",
        ((cid, home.key.did, ordinal, *(_sql(row, name) for name in _ROWS)) for row in rows),
    )
    return entry, seq


def _sql(row: Row, name: str) -> Any:
    value = row[name]
    if name in _JSON:
        return json.dumps(value)
    if name == "cid":
        return str(CID.decode(value))
    return value.hex() if isinstance(value, bytes) else value


def _entry(
    home: Home, db: sqlite3.Connection, record: records.Record, last: tuple[CID, int] | None, first: CID | None
) -> tuple[CID, int]:
    """Sign and keep a record; its entry and its place in the log."""
    said, kind = records.cid(record), records.type_of(record)
    prev, seq = last or (None, -1)
    now = home.now()
    entry = records.encode(log.make_entry(home.key, seq + 1, prev, first, said, now))
    cid = cid_of(entry, DAG_CBOR)
    home.store.put(said, records.encode(record))
    home.store.put(cid, entry)
    values = (str(cid), home.key.did, seq + 1, str(prev) if prev else None, str(said), kind, now)
    db.execute(
        "INSERT INTO entries (cid, issuer, seq, prev, record, record_type, issued_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    db.executemany("INSERT INTO records VALUES (?, ?)", [(str(said), kind), (str(cid), "entry")])
    return cid, seq + 1
