"""`python -m bench fresh [IMAGES [FOLDER]]`: whether an image is served slower right after it was registered.

In turn: a new image is sent and registered and then asked for at ``/ipfs`` at once, and one that was registered before
and that nobody has asked for yet is asked for. Then both again, when their answers are kept. Milliseconds at the median
and at the 99th percentile, and the ratio of medians. Goal: no slower.
"""

from __future__ import annotations

import http.client
import io
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

from bench.catalog import home_of
from bench.pages import served
from bench.tail import token_of
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure

COUNT, TRIES, SIZE, PICTURE = 100_000, 150, 20_000, b"\xff\xd8\xff\xe0"


class Sender:
    """Sends pictures to a server, and asks for them."""

    def __init__(self, address: str, token: str) -> None:
        self._line = http.client.HTTPConnection(address, timeout=120)
        self._token = {"Authorization": f"Bearer {token}"}
        self._chance = random.Random(15)

    def register(self, count: int) -> list[CID]:
        """New pictures, sent and registered."""
        store, stream = MemoryStore(), io.BytesIO()
        cids = [add_bytes(store, PICTURE + self._chance.randbytes(SIZE - len(PICTURE))).cid for _ in range(count)]
        car.write(cids, walk_closure(store.get, cids), stream)
        self._post("blocks", stream.getvalue(), "application/vnd.ipld.car")
        rows = [{"cid": str(cid), "label": "feliz", "contributor": "bench"} for cid in cids]
        self._post("images", json.dumps(rows).encode(), "application/json")
        return cids

    def _post(self, noun: str, body: bytes, kind: str) -> None:
        self._line.request("POST", f"/api/v1/{noun}", body, {**self._token, "Content-Type": kind})
        answer = self._line.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{noun}: {answer.status} {told[:300]!r}")

    def get(self, cid: CID) -> float:
        """Milliseconds until its bytes are here."""
        begin = time.perf_counter()
        self._line.request("GET", f"/ipfs/{cid}", headers={"Accept": "application/vnd.ipld.raw"})
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200 or len(body) != SIZE:
            raise SystemExit(f"{cid}: {answer.status}")
        return 1000 * (time.perf_counter() - begin)


def main(given: list[str]) -> None:
    """Register, ask, say."""
    count = int(given[0]) if given else COUNT
    with tempfile.TemporaryDirectory() as scratch:
        home, _ = home_of(Path(given[1]) if len(given) > 1 else Path(scratch), count)
        with served(home, "--no-worker") as (address, _):
            sender = Sender(address, token_of(home))
            before = sender.register(TRIES)
            times: dict[str, list[float]] = {"new": [], "old": [], "new again": [], "old again": []}
            for number, old in enumerate(before):
                (new,) = sender.register(1)
                asked = [("new", new), ("old", old)]
                for name, cid in asked if number % 2 else reversed(asked):  # the first pays for the write
                    times[name].append(sender.get(cid))
                for name, cid in asked:
                    times[f"{name} again"].append(sender.get(cid))
            middle = {name: statistics.median(found) for name, found in times.items()}
            for name, found in times.items():
                print(f"{name:10} p50 {middle[name]:6.2f} ms, p99 {statistics.quantiles(found, n=100)[98]:6.2f} ms")
            first, again = middle["new"] / middle["old"], middle["new again"] / middle["old again"]
            print(f"new beside old: {first:.2f} when asked for first, {again:.2f} again", flush=True)
