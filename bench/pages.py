"""`python -m bench pages [IMAGES]`: what each page costs in a catalog of a million images.

A table of milliseconds to the first byte (median and 95th of a hundred), of the server's processor time for an answer
(which other work on the machine does not change much), and of kilobytes without pictures: the page, and with the style
sheets and modules that it names. Goals: 100 ms, 300 KB. The server is a process of its own.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.catalog import environment, home_of

COUNT, TRIES, WARM = 1_000_000, 40, 2
MS, KB = 100, 300
# An address: its text, filled in with what ``_known`` finds; a name with "*" is asked for with another image each time.
ADDRESSES: Mapping[str, str] = {
    "home": "/",
    "search, a word": "/search?q=feliz",
    "search, a digest": "/search?q={image}",
    "images": "/images",
    "images, far on": "/images?cursor={cursor}",
    "images by label": "/images?label=disgustado",
    "images, three filters": "/images?label=feliz&contributor=annotator+007&licence=CC-BY-SA-4.0",
    "images by rights": "/images?right=tdm-reservation",
    "images, disputed": "/images?disputed=true&label=neutral",
    "images, referenced": "/images?status=referenced",
    "images, withdrawn": "/images?status=withdrawn",
    "images, dropped": "/images?run={run}&dropped=undecodable",
    "one image": "/images/{image}",
    "one that is held": "/images/{held}",
    "register": "/register",
    "snapshots": "/snapshots",
    "a snapshot of 900,000": "/snapshots/{large}",
    "its items": "/snapshots/{large}/items",
    "a small snapshot": "/snapshots/{snapshot}",
    "runs": "/runs",
    "a run": "/runs/{run}",
    "compare runs": "/runs/compare?run={run}&run={other}",
    "new run": "/runs/new?snapshot={snapshot}",
    "new snapshot": "/snapshots/new",
    "releases": "/releases",
    "a release": "/releases/{release}",
    "lineage of a release": "/lineage/{release}",
    "lineage of an image": "/lineage/{cid}",
    "audits": "/audits",
    "docs": "/docs",
    "verify": "/verify",
    "sign in": "/signin",
}


def free_port() -> str:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@contextmanager
def served(home: Path, *more: str) -> Iterator[tuple[str, int]]:
    """The address, and the server's process."""
    port = free_port()
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", port, *more]
    server = subprocess.Popen(command, env=environment(home), stdout=subprocess.DEVNULL)
    try:
        wait(f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(30)


def wait(address: str, path: str = "/healthz") -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            if _ask(address, path)[1] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not begin")


def _ask(address: str, path: str) -> tuple[float, int, bytes]:
    """Seconds to the first byte of the body, the status, the body."""
    connection = http.client.HTTPConnection(address, timeout=120)
    connection.connect()
    begin = time.perf_counter()
    connection.request("GET", path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    first = answer.read(1)
    seconds = time.perf_counter() - begin
    body = first + answer.read()
    connection.close()
    return seconds, answer.status, body


def _beside(address: str, body: bytes) -> int:
    """Bytes of the style sheets and modules that a page names."""
    named = set(re.findall(rb'(?:href|src)="(/static/[^"]+\.(?:css|js))"', body))
    return sum(len(_ask(address, one.decode())[2]) for one in named)


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure(address: str, pid: int, name: str, path: str) -> tuple[float, float]:
    times, used = list[float](), 0.0
    for number in range(WARM + TRIES):
        if number == WARM:
            used = processor(pid)
        seconds, status, body = _ask(address, path)
        if status not in (200, 303):
            print(f"{name:24} {status} {urlsplit(path).path}", flush=True)
            return 0.0, 0.0
        if number >= WARM:
            times.append(1000 * seconds)
        if sum(times) > 20_000:
            break
    used = 1000 * (processor(pid) - used) / len(times)
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    page, beside = len(body) / 1000, _beside(address, body) / 1000
    flag = " SLOW" if p95 > MS else ""
    flag += " HEAVY" if page + beside > KB else ""
    figures = (statistics.median(times), p95, used, page, page + beside)
    print(f"{name:24} " + " ".join(f"{one:8.1f}" for one in figures) + flag, flush=True)
    return p95, page + beside


def main(given: list[str]) -> None:
    """Make the home, serve it, ask for every page."""
    count = int(given[0]) if given else COUNT
    folder = Path(given[1]) if len(given) > 1 else None
    with tempfile.TemporaryDirectory() as scratch:
        home, known = home_of(folder or Path(scratch), count)
        with served(home) as (address, pid):
            print(f"{'page':24} {'median':>8} {'p95 ms':>8} {'cpu ms':>8} {'page KB':>8} {'with css':>8}")
            for name, path in ADDRESSES.items():
                _measure(address, pid, name, path.format(**known))
