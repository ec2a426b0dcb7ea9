"""`python -m bench tail [IMAGES [FOLDER]]`: whether a cheap read waits behind heavy work.

An image by its CID is asked for over few connections, first alone, then beside 16 clients that ask for audits, 16 that
register rows, and one that asks for a report with claims, each again and again. Goal: 99 of 100 within 100 ms.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
from collections import Counter
from pathlib import Path

from bench.api import held_cids, images_of
from bench.catalog import home_of, opened
from bench.load import load, request
from bench.pages import served
from registry.catalog import tokens

COUNT, CONNECTIONS, SECONDS, MS = 100_000, 4, 8.0, 100
ROWS = 20


class Busy:
    """Clients that ask for heavy work until they are stopped; ``answers`` counts by kind and status."""

    def __init__(self, address: str) -> None:
        self._address, self._over = address, threading.Event()
        self.answers = Counter[tuple[str, int]]()
        self._threads: list[threading.Thread] = []

    def again(self, kind: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        """One more client."""
        thread = threading.Thread(target=self._ask, args=(kind, method, path, body, headers), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ask(self, kind: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        while not self._over.is_set():
            line = http.client.HTTPConnection(self._address, timeout=120)
            try:
                line.request(method, path, body, headers)
                answer = line.getresponse()
                answer.read()
                self.answers[kind, answer.status] += 1
                if answer.status in (429, 503):
                    self._over.wait(min(5.0, float(answer.headers.get("Retry-After") or 1)))
            except OSError:
                self.answers[kind, 0] += 1
            finally:
                line.close()

    def stop(self) -> None:
        """Let them end."""
        self._over.set()
        for thread in self._threads:
            thread.join(5)


def token_of(home: Path) -> str:
    with opened(home) as there, there.catalog.write() as db:
        return tokens.create(db, ["admin"], there.now())[1]


def main(given: list[str]) -> None:
    """Alone, then beside."""
    count = int(given[0]) if given else COUNT
    with tempfile.TemporaryDirectory() as scratch:
        home, known = home_of(Path(given[1]) if len(given) > 1 else Path(scratch), count)
        cids, _ = images_of(home)
        token, held = token_of(home), held_cids(home)[0]
        asked = [request(f"/api/v1/images/{cid}") for cid in cids]
        with served(home, "--no-worker") as (address, _):
            alone = load(address, asked, connections=CONNECTIONS, seconds=SECONDS)
            busy = Busy(address)
            plain = {"Content-Type": "application/json"}
            target = json.dumps({"target": known["release"]}).encode()
            for number in range(16):
                busy.again("audit", "POST", "/api/v1/audits", target, plain)
                rows = [{"cid": held, "label": f"bench {number}", "contributor": f"bench {number}"}] * ROWS
                writes = {**plain, "Authorization": f"Bearer {token}"}
                busy.again("rows", "POST", "/api/v1/images", json.dumps(rows).encode(), writes)
            report = f"/api/v1/releases/{known['release']}/report?claim=macro_f1+%3E%3D+0.5"
            busy.again("report", "GET", report, None, {})
            beside = load(address, asked, connections=CONNECTIONS, seconds=SECONDS)
            for name, found in (("alone", alone), ("beside", beside)):
                p50, p99 = found.quantile(0.5), found.quantile(0.99)
                flag = " SLOW" if p99 > MS else ""
                print(f"image by CID {name:7} {found.rate:7.0f} a second, p50 {p50:.1f} ms, p99 {p99:.1f} ms{flag}")
            print(dict(busy.answers), flush=True)
            busy.stop()
