"""One row beside many: `python -m bench beside [ROWS]`, 60,000 unless given, on SQLite.

A client sends requests of one row, each with an Idempotency-Key and 50 ms after the answer to the one before: some to a
server that has nothing else to do, the others while that server registers one large request. Printed are the seconds
that a request of one row took, from its sending to its whole answer.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable

import httpx

from bench.registering import Rows, _body, _prepared, _processor, _serving
from registry.assembly import open_home
from registry.settings import read_settings

ALONE = 30  # requests
PAUSE = 0.05  # seconds
MOST = 400  # requests of one row beside one large one


def _one_by_one(address: str, plain: str, rows: Rows, goes_on: Callable[[], bool]) -> list[float]:
    """The seconds of each request."""
    taken = []
    with httpx.Client(timeout=120) as client:
        for digest, label in rows:
            if not goes_on():
                break
            headers = _headers(plain, digest.hex())
            begin = time.perf_counter()
            answer = client.post(
                f"{address}/api/v1/images", content=b"".join(_body([(digest, label)])), headers=headers
            )
            taken.append(time.perf_counter() - begin)
            assert answer.json()["registered"] == 1, answer.text
            time.sleep(PAUSE)
    return taken


def _headers(plain: str, key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {plain}", "Content-Type": "application/x-ndjson", "Idempotency-Key": key}


def _beside(address: str, plain: str, many: Rows, single: Rows) -> tuple[list[float], float]:
    """What requests of one row took while ``many`` were registered, and what these took."""
    took = [0.0]

    def large() -> None:
        begin = time.perf_counter()
        headers = _headers(plain, f"many {many[0][0].hex()}")
        answer = httpx.post(f"{address}/api/v1/images", content=iter(list(_body(many))), headers=headers, timeout=3600)
        took[0] = time.perf_counter() - begin
        assert answer.json()["registered"] == len(many), answer.text[:1000]

    thread = threading.Thread(target=large)
    thread.start()
    taken = _one_by_one(address, plain, single, thread.is_alive)
    thread.join()
    return taken, took[0]


def _line(name: str, taken: list[float]) -> None:
    ordered = sorted(taken)
    nine = ordered[len(ordered) * 9 // 10]
    over = sum(one > 1 for one in taken)
    print(
        f"{name:32} {len(taken):4} requests: median {statistics.median(taken):.2f} s, nine of ten {nine:.2f}, "
        f"longest {', '.join(f'{one:.2f}' for one in ordered[-3:])}; over a second {over}; "
        f"load {os.getloadavg()[0]:.0f}",
        flush=True,
    )


def main(given: list[str]) -> None:
    """The measurement; its figures are for docs/benchmarks.md."""
    count = int(given[0]) if given else 60_000
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as folder:
        environment = {**os.environ, "EMOTIONET_HOME": folder}
        home = open_home(read_settings(environment))
        home.key  # noqa: B018  # made, so that it is no part of what is measured
        plain, rows = _prepared(home, ALONE + MOST + count)
        home.close()
        with _serving(environment) as (address, pid):
            _line("alone", _one_by_one(address, plain, rows[:ALONE], lambda: True))
            before = _processor(pid)
            taken, seconds = _beside(address, plain, rows[ALONE + MOST :], rows[ALONE : ALONE + MOST])
            _line(f"beside {count} rows", taken)
            spent = (_processor(pid) - before) / count * 1e6
            print(f"  which took {seconds:.1f} s, {spent:.0f} us of processor a row", flush=True)
