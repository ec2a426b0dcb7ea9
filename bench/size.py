"""`python -m bench size [FOLDER FOLDER]`: what reading one thing costs at 100,000 and at 1,000,000 images, or in any
two catalogs that `python -m bench catalog` made, the smaller first.

Both are served, each by a process of its own, and asked in turn, one request at a time on one connection, each time for
another image, page or value. A line has milliseconds at the median and at the 99th percentile of both, their ratio at
the median and by processor time (of the server and, on PostgreSQL, of the database's processes that it has connections
to), and whether the goals are met: 50 ms at the 99th percentile, at most twice the cost in the smaller one. Folders are
kept for the next time.
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
from bench.catalog import home_of, opened
from bench.many_images import IN_SNAPSHOT, LABELS
from bench.many_images import images_of as images_of_numbers
from bench.many_releases import EACH, members
from bench.pages import served
from registry.catalog.database.sql import encode_cursor

COUNTS, TRIES, TURN, MS, TIMES = (100_000, 1_000_000), 200, 10, 50, 2.0
_LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0")


class Served(NamedTuple):
    """One catalog: a connection to its server, where it is, the server's processes, and the paths of each line."""

    connection: http.client.HTTPConnection
    home: Path
    pids: list[int]
    paths: Mapping[str, Sequence[str]]

    def look_up_processes(self) -> None:
        """Those of the database that serve this server."""
        self.pids[1:] = backends(self.home)


def backends(home: Path) -> list[int]:
    """Processes of a PostgreSQL server on this machine that serve the catalog's database; none on SQLite."""
    with opened(home) as there:
        if not there.catalog.is_postgresql:
            return []
        with there.catalog.read() as db:
            asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            return [int(row[0]) for row in db.exec_driver_sql(asked)]


def paths_of(home: Path, count: int) -> dict[str, list[str]]:
    """What each line asks for: addresses that name images and values all over the catalog."""
    cids, digests = images_of(home, TRIES)
    released = _in_releases(count)
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
        "lookup, in 10 releases": [f"lookup/{one}" for one in released],
        "lineage of an image": [f"lineage/{one}" for one in cids],
        "lineage, in 10 releases": [f"lineage/{one}" for one in released],
        "images": ["images"] * TRIES,
    }
    for name, queries in filters.items():
        lines[f"images, {name}"] = [f"images?{query}" for query in queries]
    lines["images, later pages"] = [f"images?cursor={one}" for one in cursors]
    for name in ("a label", "a contributor", "a licence", "status=referenced", "label and contributor"):
        later = [f"images?{query}&cursor={cursor}" for query, cursor in zip(filters[name], cursors, strict=True)]
        lines[f"images, {name}, later"] = later
    return {name: [f"/api/v1/{path}" for path in paths] for name, paths in lines.items()}


def _in_releases(count: int) -> list[str]:
    """CIDs of images that are in the large snapshot and in a small one, of which there are ten releases."""
    most = min(count, IN_SNAPSHOT) * EACH // count
    places = ((n % 90 + n % 90 // 9 + 1, n * most // TRIES) for n in range(TRIES))  # no tenth is in the large one
    return [one.cid for one in images_of_numbers(members(small, count)[place] for small, place in places)]


def _used(pids: Sequence[int]) -> float:
    """Milliseconds of processor time of processes' threads that live, to the microsecond."""
    threads = (one for pid in pids for one in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(one.read_text().split()[0]) for one in threads) / 1_000_000


def _ask(server: Served, path: str) -> tuple[float, float]:
    """Milliseconds of one whole answer, and of the server's processor time."""
    before, begin = _used(server.pids), time.perf_counter()
    try:
        server.connection.request("GET", path)
        answer = server.connection.getresponse()
        answer.read()
    except http.client.RemoteDisconnected:  # it was kept for some seconds, and the other catalog took longer
        server.connection.close()
        return _ask(server, path)
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return 1000 * (time.perf_counter() - begin), _used(server.pids) - before


def measure(name: str, small: Served, large: Served) -> None:
    """One line of the table; what a server computes once when it is asked for the first time is left out."""
    found: list[list[tuple[float, float]]] = [[], []]
    for server in (small, large):
        _ask(server, server.paths[name][-1])
        server.look_up_processes()
    for begin in range(0, TRIES, TURN):
        for place, server in enumerate((small, large)):
            found[place] += [_ask(server, path) for path in server.paths[name][begin : begin + TURN]]
    (wall, used), (larger, more) = (list(zip(*times, strict=True)) for times in found)
    ratio, by_processor = (statistics.median(b) / statistics.median(a) for a, b in ((wall, larger), (used, more)))
    cells = [f"{_quantile(one, share):.1f}" for one in (wall, used, larger, more) for share in (50, 99)]
    met = [_quantile(one, 99) <= MS and times <= TIMES for one, times in ((larger, ratio), (more, by_processor))]
    said = "met" if all(met) else "met by processor time" if met[1] else "NOT MET"
    print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {by_processor:.2f} | {said} |", flush=True)


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main(given: list[str]) -> None:
    """Make both catalogs unless they are there, serve them, ask."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(one) for one in given[:2]] or [Path(scratch) / str(count) for count in COUNTS]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        made = [home_of(folder, count) for folder, count in zip(folders, COUNTS, strict=True)]
        counts = [int(known["count"]) for _, known in made]
        with served(made[0][0], "--no-worker") as one, served(made[1][0], "--no-worker") as two:
            servers = [
                Served(http.client.HTTPConnection(address, timeout=120), home, [pid], paths_of(home, count))
                for (address, pid), (home, _), count in zip((one, two), made, counts, strict=True)
            ]
            figures = "p50 | p99 | cpu p50 | p99"
            print(f"| Asked for | {counts[0]:,}: {figures} | {counts[1]:,}: {figures} | ratio | by cpu | |")
            print("|" + "---|" * 12)
            for name in servers[0].paths:
                if not given[2:] or name in given[2:]:
                    measure(name, *servers)


if __name__ == "__main__":
    main(sys.argv[1:])
