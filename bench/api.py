"""`python -m bench api [IMAGES [FOLDER]]`: what the API's reading addresses do beside a bare Litestar application.

Both servers are processes of their own on one catalog (``bench.many_images``), asked in turn, round by round. For each
address: answers a second, the ratio to its baseline of the same rounds by wall clock and by the servers' processor time
(which neighbours change less), milliseconds at the median and at the 99th percentile, and whether the goal is met.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.catalog import environment, home_of, opened
from bench.load import Load, load, request
from bench.pages import free_port, processor, served, wait
from registry.catalog.database.sql import encode_cursor

COUNT, ROUNDS, SECONDS, CONNECTIONS = 100_000, 3, 1.5, 64

HEAD = f"{'address':22} {'a s':>7} {'ratio':>7} {'by cpu':>7} {'p50 ms':>8} {'p99 ms':>8} {'p99/50':>6}"


class Asked(NamedTuple):
    """One line of the table: what is asked for here, what of the bare application, and the ratio wanted."""

    name: str
    ours: Sequence[bytes]
    bare: Sequence[bytes]
    goal: float


class Round(NamedTuple):
    """One round: what came, and milliseconds of the server's processor time an answer."""

    load: Load
    processor: float


def images_of(home: Path, count: int = 2000) -> tuple[list[str], list[str]]:
    """CIDs and sha256s of images all over the catalog."""
    cids, digests = list[str](), list[str]()
    with opened(home) as there, there.catalog.read() as db:
        for number in range(count):
            begin = f"{number * 0xFFFFFFFF // count:08x}"
            row = db.exec_driver_sql(
                f"SELECT sha256, cid FROM image_cids WHERE sha256 >= '{begin}' ORDER BY sha256 LIMIT 1"
            ).first()
            if row:
                digests.append(row[0])
                cids.append(row[1])
    return cids, digests


def _table(home: Path, known: dict[str, str]) -> list[Asked]:
    cids, digests = images_of(home)
    empty, raw = [request("/empty")], {"Accept": "application/vnd.ipld.raw"}
    behind = digests[: len(digests) * 9 // 10]  # there is a page of a hundred behind each
    held = held_cids(home)
    return [
        Asked(
            "image by CID", [request(f"/api/v1/images/{c}") for c in cids], [request(f"/image/{c}") for c in cids], 0.7
        ),
        Asked("bytes", [request(f"/ipfs/{c}", raw) for c in held], empty, 0.7),
        Asked("304", [request(f"/ipfs/{c}", {**raw, "If-None-Match": f'"{c}.raw"'}) for c in held], empty, 0.7),
        Asked(
            "page of 100",
            [request(f"/api/v1/images?cursor={encode_cursor(one)}") for one in behind],
            [request(f"/page/{one}") for one in behind],
            0.5,
        ),
        Asked("release", [request(f"/api/v1/releases/{known['release']}")], empty, 0.3),
        Asked("lineage", [request(f"/api/v1/lineage/{known['release']}")], empty, 0.3),
        Asked("lineage of an image", [request(f"/api/v1/lineage/{c}") for c in cids], empty, 0.0),
        Asked("lookup", [request(f"/api/v1/lookup/{c}") for c in cids], empty, 0.0),
    ]


def held_cids(home: Path) -> list[str]:
    """CIDs of images whose bytes are held, at most 30."""
    query = "SELECT cid FROM image_cids JOIN file_names ON file_names.sha256 = image_cids.sha256 LIMIT 30"
    with opened(home) as there, there.catalog.read() as db:
        return [str(row[0]) for row in db.exec_driver_sql(query)]


@contextmanager
def bare(home: Path) -> Iterator[tuple[str, int]]:
    """The bare application's address, and its process."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "bench.bare", port], env=environment(home))
    try:
        wait(f"127.0.0.1:{port}", "/empty")
        yield f"127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(30)


def _round(server: tuple[str, int], requests: Sequence[bytes], connections: int) -> Round:
    address, pid = server
    before = processor(pid)
    found = load(address, requests, connections=connections, seconds=SECONDS)
    return Round(found, 1000 * (processor(pid) - before) / max(1, found.answers))


def measure(ours: tuple[str, int], theirs: tuple[str, int], asked: Asked) -> None:
    """One line of the table."""
    pairs = [(_round(ours, asked.ours, CONNECTIONS), _round(theirs, asked.bare, CONNECTIONS)) for _ in range(ROUNDS)]
    rate = statistics.median(mine.load.rate for mine, _ in pairs)
    wall = statistics.median(mine.load.rate / other.load.rate for mine, other in pairs)
    cpu = statistics.median(other.processor / mine.processor for mine, other in pairs if mine.processor)
    p50, p99 = (statistics.median(mine.load.quantile(share) for mine, _ in pairs) for share in (0.5, 0.99))
    others = sum(mine.load.others for mine, _ in pairs)
    said = "" if not asked.goal else "met" if wall >= asked.goal else f"not met ({asked.goal})"
    if others:
        said += f" {others} OTHER ANSWERS"
    print(
        f"{asked.name:22} {rate:7.0f} {wall:7.2f} {cpu:7.2f} {p50:8.1f} {p99:8.1f} {p99 / p50:6.1f}  {said}", flush=True
    )


def main(given: list[str]) -> None:
    """Make the home, serve it beside the bare application, ask both."""
    count = int(given[0]) if given else COUNT
    with tempfile.TemporaryDirectory() as scratch:
        home, known = home_of(Path(given[1]) if len(given) > 1 else Path(scratch), count)
        names = given[2:]
        with served(home, "--no-worker") as ours, bare(home) as theirs:
            print(
                f"{'address':22} {'a second':>7} {'ratio':>7} {'by cpu':>7} {'p50 ms':>8} {'p99 ms':>8} {'p99/50':>6}"
            )
            for asked in _table(home, known):
                if not names or asked.name in names:
                    measure(ours, theirs, asked)
