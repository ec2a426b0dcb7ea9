"""Clients that register overlapping rows at machines that are killed, and what must hold afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import sqlalchemy as sa

from bench.far_images import far_image
from bench.machine import Machine
from registry.assembly import Home
from registry.catalog import log_heads
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.schema import arriving
from registry.core import log
from registry.core.ipld.cid import CID
from registry.workflows.log.append import finish_pending

ROWS = 5  # a request
REFERENCE_EVERY = 4  # so many requests, one that names an image which has to be fetched
FETCHED_WITHIN = 120.0  # seconds after the last request


@dataclass
class Trial:
    """What the clients did: each request's rows by its key, and which requests were acknowledged."""

    machines: list[Machine]
    headers: dict[str, str]
    images: list[str]
    asked: dict[str, list[str]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    far: dict[str, str] = field(default_factory=dict)  # label by CID, of acknowledged rows whose image is to be fetched
    refused: Counter[int] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def client(self, number: int) -> None:
        """Register until it is over; what is not answered is sent again, to any machine, under the same key."""
        choose, count = random.Random(number), 0
        while not self.over.is_set():
            key, count = f"{number}-{count}", count + 1
            images = choose.sample(self.images, ROWS)
            rows = [{"cid": one, "label": key, "contributor": "anna"} for one in images]
            self.asked[key] = images
            while not self.over.is_set() and not self._sent(choose.choice(self.machines), key, rows):
                time.sleep(0.2)
            if count % REFERENCE_EVERY == 0:
                self._refer(choose, number * 50 + count // REFERENCE_EVERY % 50, key)

    def _refer(self, choose: random.Random, number: int, label: str) -> None:
        """Register an image that is not here, each once."""
        cid = str(far_image(number)[0])
        if cid in self.far:
            return
        rows = [{"cid": cid, "label": label, "contributor": "anna"}]
        while not self.over.is_set():
            if self._sent(choose.choice(self.machines), f"far-{number}", rows):
                self.far[cid] = label
                return
            time.sleep(0.2)

    def _sent(self, machine: Machine, key: str, rows: list[dict[str, str]]) -> bool:
        try:
            headers = {**self.headers, "Idempotency-Key": key}
            answer = httpx.post(f"{machine.url}/api/v1/images?rows=all", json=rows, headers=headers, timeout=20)
            if answer.status_code in (200, 202) and answer.json()["complete"]:
                self.acknowledged.add(key)
                return True
            self.refused[answer.status_code] += 1
        except (httpx.HTTPError, ValueError, KeyError):
            self.refused[0] += 1
        return False

    def check(self, home: Home) -> str:
        """What must hold, of the catalog and of the store; a line of figures."""
        found: Counter[tuple[str, str]] = Counter()
        self._wait_for_far(home)
        finish_pending(home, home.key.did)  # what a killed API left is put into the store by who comes next
        with home.catalog.write() as db:
            for image in self.images:
                rows = image_history(db, _sha256(image))
                found.update((row["label"], image) for row in rows)
                for before, row in zip([None, *rows], rows, strict=False):
                    assert row["replaces"] == (before["contribution"] if before else None), (image, row, before)
            (issuer,) = log_heads.issuers(db)
            head = log_heads.lock(db, issuer)
            assert log_heads.pending(db, issuer) == []
        assert head is not None
        walked = [cid for cid, _ in log.walk_back(head[1], None, home.store.get)]  # from the store alone
        assert len(walked) == len(set(walked)) == head[0] + 1
        for key, images in self.asked.items():
            there = [found[key, image] for image in images]
            assert set(there) <= {0, 1}, (key, there)
            assert len(set(there)) == 1, f"half of {key}"
            assert key not in self.acknowledged or there[0] == 1, f"{key} was acknowledged, and is lost"
        self._check_far(home)
        done = f"{len(self.acknowledged)} requests acknowledged, {len(self.far)} images fetched"
        return f"{done}, {len(walked)} entries, refused {dict(self.refused)}"

    def _wait_for_far(self, home: Home) -> None:
        until, waiting = time.monotonic() + FETCHED_WITHIN, arriving.referenced_images.c
        while time.monotonic() < until:
            with home.catalog.read() as db:
                if not db.scalar(sa.select(sa.func.count()).where(waiting.state == "waiting")):
                    return
            time.sleep(0.5)
        raise AssertionError("images that a gateway has were not fetched")

    def _check_far(self, home: Home) -> None:
        with home.catalog.read() as db:
            for cid, label in self.far.items():
                rows = image_history(db, _sha256(cid))
                assert [row["label"] for row in rows] == [label], (cid, label, rows)
                assert home.store.has(CID.parse(cid))


def _sha256(cid: str) -> bytes:
    return CID.parse(cid).digest  # small images are one raw block
