"""`python -m bench size [FOLDER FOLDER]`: what reading one thing costs at 100,000 and at 1,000,000 images.

Both catalogs (``bench.many_images``, SQLite) are served, each by a process of its own, and asked in turn, one request
at a time on one connection, each time for another image, page or value. A line has milliseconds at the median and at
the 99th percentile of both, their ratio at the median and by processor time, and whether the goals are met: 50 ms at
the 99th percentile, at most twice the cost at 100,000. Folders are kept for the next time.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.api import images_of
from bench.many_images import LABELS
from bench.pages import home_of, processor, served
from registry.catalog.schema.sql import encode_cursor

COUNTS, TRIES, TURN, MS, TIMES = (100_000, 1_000_000), 200, 10, 50, 2.0
_LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0")


class Served(NamedTuple):
    """One catalog: a connection to its server, the server's process, and the paths of each line."""

    connection: http.client.HTTPConnection
    pid: int
    paths: Mapping[str, Sequence[str]]


def paths_of(home: Path, count: int) -> dict[str, list[str]]:
    """What each line asks for: addresses that name images and values all over the catalog."""
    cids, digests = images_of(home, TRIES)
    tries = range(TRIES)
    subjects = [f"{(n * count // TRIES) // 4:032x}" for n in tries]
    cursors = [encode_cursor(one) for one in digests]
    people = [f"annotator+{n % 200:03d}" for n in tries]
    filters = {
        "a label": [f"label={LABELS[n % 7]}" for n in tries],
        "a contributor": [f"contributor={one}" for one in people],
        "a licence": [f"licence={_LICENCES[n % 3]}" for n in tries],
        "a subject": [f"subject={one}" for one in subjects],
        "status=stored": ["status=stored"] * TRIES,
        "status=referenced": ["status=referenced"] * TRIES,
        "status=withdrawn": ["status=withdrawn"] * TRIES,
        "disputed=true": ["disputed=true"] * TRIES,
        "a right": ["right=tdm-reservation"] * TRIES,
        "label and contributor": [
            f"label={LABELS[n % 7]}&contributor={one}" for n, one in zip(tries, people, strict=True)
        ],
        "label and licence": [f"label={LABELS[n % 7]}&licence={_LICENCES[n % 3]}" for n in tries],
        "label and status": [f"label={LABELS[n % 7]}&status=referenced" for n in tries],
        "contributor and status": [f"contributor={one}&status=stored" for one in people],
        "two that no image meets": [f"label={LABELS[n % 7]}&issuer=did:key:z6Mknobody" for n in tries],
    }
    lines = {
        "lookup by CID": [f"lookup/{one}" for one in cids],
        "lookup by sha256": [f"lookup/{one}" for one in digests],
        "image by CID": [f"images/{one}" for one in cids],
        "image by sha256": [f"images/{one}" for one in digests],
        "lineage of an image": [f"lineage/{one}" for one in cids],
        "images": ["images"] * TRIES,
    }
    for name, queries in filters.items():
        lines[f"images, {name}"] = [f"images?{query}" for query in queries]
    lines["images, later pages"] = [f"images?cursor={one}" for one in cursors]
    for name in ("a label", "a contributor", "a licence", "status=referenced", "label and contributor"):
        queries = zip(filters[name], cursors, strict=False)
        lines[f"images, {name}, later"] = [f"images?{query}&cursor={cursor}" for query, cursor in queries]
    return {name: [f"/api/v1/{path}" for path in paths] for name, paths in lines.items()}


def _ask(server: Served, path: str) -> float:
    """Milliseconds of one whole answer."""
    begin = time.perf_counter()
    server.connection.request("GET", path)
    answer = server.connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return 1000 * (time.perf_counter() - begin)


def _turn(server: Served, paths: Sequence[str]) -> tuple[list[float], float]:
    """Milliseconds of each, and of the server's processor time together."""
    before = processor(server.pid)
    times = [_ask(server, path) for path in paths]
    return times, 1000 * (processor(server.pid) - before)


def measure(name: str, small: Served, large: Served) -> None:
    """One line of the table."""
    times: list[list[float]] = [[], []]
    used = [0.0, 0.0]
    for begin in range(0, TRIES, TURN):
        for place, server in enumerate((small, large)):
            found, spent = _turn(server, server.paths[name][begin : begin + TURN])
            times[place] += found
            used[place] += spent / TRIES
    p50, p99 = ([statistics.quantiles(one, n=100)[n] for one in times] for n in (49, 98))
    ratio, by_processor = p50[1] / p50[0], used[1] / used[0] if used[0] else 0.0
    met = "met" if p99[1] <= MS and ratio <= TIMES else "NOT MET"
    figures = f"| {p50[0]:.1f} | {p99[0]:.1f} | {used[0]:.1f} | {p50[1]:.1f} | {p99[1]:.1f} | {used[1]:.1f} "
    print(f"| {name} {figures}| {ratio:.2f} | {by_processor:.2f} | {met} |", flush=True)


def main(given: list[str]) -> None:
    """Make both catalogs unless they are there, serve them, ask."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(one) for one in given] or [Path(scratch) / str(count) for count in COUNTS]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        small, large = (home_of(folder, count)[0] for folder, count in zip(folders, COUNTS, strict=True))
        with served(small, "--no-worker") as one, served(large, "--no-worker") as two:
            servers = [
                Served(http.client.HTTPConnection(address, timeout=120), pid, paths_of(home, count))
                for (address, pid), home, count in zip((one, two), (small, large), COUNTS, strict=True)
            ]
            print("| Asked for | 100,000: p50 | p99 | cpu | 1,000,000: p50 | p99 | cpu | ratio | by cpu | |")
            print("|" + "---|" * 10)
            for name in servers[0].paths:
                measure(name, *servers)


if __name__ == "__main__":
    main(sys.argv[1:])
