"""Rows over HTTP beside bare inserts of the same rows: `python -m bench registering [ROWS] [--alone]`, 200,000 unless
given; ``--alone``: over HTTP only, for what it takes of memory.

A server of one process takes NDJSON, each row of an image of its own, and signs what it takes; a baseline inserts the
very same values by SQLAlchemy Core's executemany, in one transaction, into tables of the same schema with the same
indexes: `contribution_rows` alone, in the order in which rows are sent, and all three tables that registering fills.
Neither baseline checks, hashes, signs or answers anything. Both in turn; wall seconds, and processor seconds beside
them where machines are busy. With EMOTIONET_BENCH_POSTGRES, the URL of an empty database, on PostgreSQL too.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bench.pages import free_port
from registry.assembly import Home, open_home
from registry.catalog import tokens
from registry.catalog.database.database import Catalog
from registry.catalog.schema import derived
from registry.core.ipld.cid import CID, RAW
from registry.settings import read_settings

LABELS = ("feliz", "triste", "sorprendido", "enojado")
Figures = tuple[float, float]  # wall seconds, processor seconds
Rows = list[tuple[bytes, str]]  # an image's sha256, its label


def _picture(number: int) -> bytes:
    return b"\xff\xd8\xff\xe0" + hashlib.sha256(b"%d" % number).digest() * 8


def _prepared(home: Home, count: int) -> tuple[str, Rows]:
    """A token, and rows whose bytes are in the store."""
    rows = []
    for number in range(count):
        data = _picture(number)
        digest = hashlib.sha256(data).digest()
        home.store.put_own(CID.v1(RAW, digest), data)
        rows.append((digest, LABELS[number % 4]))
    home.store.flush()
    with home.catalog.write() as db:
        _, plain = tokens.create(db, ("images:write", "contribute-for"), home.now())
    return plain, rows


@contextmanager
def _serving(environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The address of a server of its own process, and that process."""
    port = free_port()
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", port]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            time.sleep(0.2)
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.HTTPError:
                continue
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _of_postgres() -> float:
    """Processor seconds of all processes of PostgreSQL here, with those that have ended."""
    found = 0.0
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            head, _, rest = one.read_text().rpartition(")")
            fields = rest.split()
            found += sum(map(int, fields[11:15])) if head.endswith("(postgres") else 0
    return found / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:"))


def _body(rows: Rows) -> Iterator[bytes]:
    for start in range(0, len(rows), 1000):
        yield b"".join(
            b'{"cid":"%s","label":"%s","contributor":"ana","licence":"CC0-1.0"}\n'
            % (str(CID.v1(RAW, digest)).encode(), label.encode())
            for digest, label in rows[start : start + 1000]
        )


def _over_http(count: int, database: dict[str, str]) -> Figures:
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as folder:
        environment = {**os.environ, "EMOTIONET_HOME": folder, **database}
        home = open_home(read_settings(environment))
        home.key  # noqa: B018  # made, so that it is no part of what is measured
        plain, rows = _prepared(home, count)
        home.close()
        body = list(_body(rows))
        with _serving(environment) as (address, pid):
            headers = {
                "Authorization": f"Bearer {plain}",
                "Content-Type": "application/x-ndjson",
                "Idempotency-Key": "one",
            }
            before, idle = _processor(pid) + _of_postgres(), _peak(pid)
            begin = time.perf_counter()
            answer = httpx.post(f"{address}/api/v1/images", content=iter(body), headers=headers, timeout=3600)
            wall = time.perf_counter() - begin
            assert answer.json()["registered"] == count, answer.text[:1000]
            figures = wall, _processor(pid) + _of_postgres() - before
            print(f"  memory of the server: {idle} MiB before, {_peak(pid)} MiB at most", flush=True)
        return figures


def _values(rows: Rows) -> list[dict[str, Any]]:
    issuer = "did:pkh:eip155:1:0x" + "a" * 40
    said: dict[str, Any] = {
        "attributes": {},
        "sources": {},
        "rights": {},
        "boxes": [],
        "subject": None,
        "consent": None,
    }
    common = {"contribution": "c", "issuer": issuer, "contributor": "ana", "ordinal": f"{issuer} {1:020d}"}
    more = {"size": 260, "licence": "CC0-1.0", "replaces": None, "signature": None}
    return [
        {**common, "sha256": digest.hex(), "cid": str(CID.v1(RAW, digest)), "label": label, **said, **more}
        for digest, label in rows
    ]


def _bare(rows: Rows, url: str, *, all_tables: bool) -> Figures:
    values = _values(rows)
    catalog = Catalog(url)
    catalog.upgrade()
    with catalog.write() as db:
        db.execute(sa.insert(derived.contributions).values(cid="c", rows="r", count=len(rows), ordinal="o"))
    begin, before, server = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF), _of_postgres()
    with catalog.write() as db:
        if all_tables:
            images = [{"sha256": one["sha256"], "size": 260, "stored": True} for one in values]
            db.execute(sa.insert(derived.images), images)
            db.execute(sa.insert(derived.image_cids), [{"sha256": v["sha256"], "cid": v["cid"]} for v in values])
        db.execute(sa.insert(derived.contribution_rows), values)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    server = _of_postgres() - server  # before its process ends: then it is counted nowhere for a moment
    catalog.close()
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + server


def _emptied(url: str) -> None:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as db:
        db.execute(sa.text("DROP SCHEMA public CASCADE"))
        db.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def _line(name: str, count: int, figures: Figures, ours: Figures) -> None:
    wall, processor = figures
    ratios = f"ours at {wall / ours[0]:5.2f} (wall), {processor / ours[1]:5.2f} (processor)" if figures != ours else ""
    print(f"{name:44} {count / wall:9.0f} rows/s  {processor / count * 1e6:6.0f} us of processor a row   {ratios}")


def _measure(name: str, count: int, url: str | None, *, alone: bool) -> None:
    print(f"{name}, {count} rows", flush=True)
    if url is not None:
        _emptied(url)
    ours = _over_http(count, {"EMOTIONET_DATABASE_URL": url} if url is not None else {})
    rows = [(hashlib.sha256(_picture(number)).digest(), LABELS[number % 4]) for number in range(count)]
    _line("over HTTP: checked, signed, durable", count, ours, ours)
    if alone:
        return
    for what, all_tables in (("bare insert, contribution_rows", False), ("bare insert, all three tables", True)):
        with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as folder:
            if url is not None:
                _emptied(url)
            bare = _bare(rows, url or f"sqlite:///{folder}/catalog.sqlite", all_tables=all_tables)
        _line(what, count, bare, ours)


def main(given: list[str]) -> None:
    """The measurement; its figures are for docs/benchmarks.md."""
    alone = "--alone" in given
    count = next((int(one) for one in given if one != "--alone"), 200_000)
    _measure("SQLite", count, None, alone=alone)
    url = os.environ.get("EMOTIONET_BENCH_POSTGRES")
    if url:
        _measure("PostgreSQL", count, url, alone=alone)
    else:
        print("PostgreSQL: not measured, EMOTIONET_BENCH_POSTGRES names none")
