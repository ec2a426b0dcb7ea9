"""Clients register overlapping rows on two servers that are killed again and again: `python -m bench kills [SECONDS]`.

Each client sends some images at a time, in one of a few contributors' names, and repeats a request under its
Idempotency-Key until it is answered. Afterwards every row that was answered is in the catalog once, as it was answered;
the log has no gap; each correction names the row before it; no contribution is there by half. Says how many requests,
rows and kills there were. With EMOTIONET_DATABASE_URL on PostgreSQL.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from hashlib import sha256
from typing import Any

import httpx
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog import tokens
from registry.catalog.schema import derived
from registry.core.ipld.cid import CID, RAW
from registry.settings import read_settings

CLIENTS, IMAGES, TOGETHER, PEOPLE = 16, 60, 12, 3
PATIENCE = 300.0  # seconds that a client repeats a request
LABELS = ("feliz", "triste", "sorprendido", "enojado")
Said = Counter[tuple[str, str]]  # how many rows there are by image (CID) and contributor


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A server that is started again whenever it is killed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.port = _free_port()
        self._environment = dict(environment)
        self.start()

    def start(self) -> None:
        """Begin; it answers after some seconds."""
        command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(self.port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=self._environment, stdout=quiet, stderr=quiet)

    def wait(self) -> None:
        """Until it answers."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz")
                return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise TimeoutError("a server does not begin")

    def end(self, how: int) -> None:
        """Send a signal, and wait for the end."""
        self._process.send_signal(how)
        self._process.wait(60)


class Client(threading.Thread):
    """Sends requests until ``until``; ``said`` counts the rows that were answered as new."""

    def __init__(self, number: int, servers: list[Server], token: str, images: list[CID], until: float) -> None:
        super().__init__(daemon=True)
        self._number, self._servers, self._images, self._until = number, servers, images, until
        self._random = random.Random(number)
        self._headers = {"Authorization": f"Bearer {token}"}
        self.said: Said = Counter()
        self.answered, self.failed = 0, ""

    def run(self) -> None:
        """Until the time is over, or something can't be right."""
        try:
            while time.monotonic() < self._until and not self.failed:
                person = f"person {self._random.randrange(PEOPLE)}"
                images = self._random.sample(self._images, self._random.randint(1, TOGETHER))
                rows = [
                    {"cid": str(one), "label": self._random.choice(LABELS), "contributor": person} for one in images
                ]
                for one in self._answer(rows, f"{self._number} {self.answered}")["results"]:
                    assert one["status"] != "rejected", one
                    self.said[one["cid"], person] += one["status"] in ("registered", "corrected")
                self.answered += 1
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"

    def _answer(self, rows: list[dict[str, str]], key: str) -> dict[str, Any]:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            port = self._random.choice(self._servers).port
            url = f"http://127.0.0.1:{port}/api/v1/images?rows=all"
            try:
                answer = httpx.post(url, json=rows, headers={**self._headers, "Idempotency-Key": key}, timeout=60)
            except httpx.HTTPError:
                time.sleep(0.2)
                continue
            if answer.status_code == 200 and answer.json()["complete"]:
                found: dict[str, Any] = answer.json()
                return found
            assert answer.status_code in (429, 500, 502, 503), answer.text
            time.sleep(0.2)
        raise TimeoutError(f"no answer to {key} for {PATIENCE} seconds")


def _prepared(home: Home) -> tuple[str, list[CID]]:
    pictures = [b"\xff\xd8\xff\xe0" + sha256(b"%d" % number).digest() for number in range(IMAGES)]
    images = [CID.v1(RAW, sha256(data).digest()) for data in pictures]
    home.store.put_many(zip(images, pictures, strict=True))
    with home.catalog.write() as db:
        _, plain = tokens.create(db, ("images:write", "contribute-for"), home.now())
    home.key  # noqa: B018  # made before two servers make one each
    return plain, images


def run(environment: Mapping[str, str], seconds: float, clients: int = CLIENTS, every: float = 8.0) -> str:
    """Do it in the home that ``environment`` names; what was done, in a sentence. ``AssertionError`` for a wrong."""
    home = open_home(read_settings(environment))
    token, images = _prepared(home)
    servers = [Server(environment) for _ in range(2)]
    for one in servers:
        one.wait()
    kills, until = 0, time.monotonic() + seconds
    senders = [Client(number, servers, token, images, until) for number in range(clients)]
    try:
        for sender in senders:
            sender.start()
        while time.monotonic() < until:
            time.sleep(every)
            one = servers[kills % 2]
            one.end(signal.SIGKILL)
            one.start()
            kills += 1
        for sender in senders:
            sender.join(PATIENCE)
    finally:
        for one in servers:
            one.end(signal.SIGKILL)
    said: Said = sum((sender.said for sender in senders), Counter())
    assert not any(sender.is_alive() or sender.failed for sender in senders), [sender.failed for sender in senders]
    rows = check(home, said)
    home.close()
    requests = sum(sender.answered for sender in senders)
    return f"{requests} requests of {clients} clients, {rows} rows, {kills} kills: each row once, the log whole"


def check(home: Home, said: Said) -> int:
    """How many rows there are. ``AssertionError`` unless they are what was answered, in whole contributions."""
    rows, contributions, entries = derived.contribution_rows, derived.contributions, derived.entries
    with home.catalog.read() as db:
        found = db.execute(sa.select(rows).order_by(rows.c.sha256, rows.c.contributor, rows.c.ordinal)).mappings().all()
        stated = {row.cid: row.count for row in db.execute(sa.select(contributions.c.cid, contributions.c.count))}
        places = list(db.scalars(sa.select(entries.c.seq).where(entries.c.issuer == home.key.did).order_by("seq")))
    assert places == list(range(len(places))), "the log has a gap"
    assert Counter(row["contribution"] for row in found) == stated, "a contribution is there by half"
    assert Counter((row["cid"], row["contributor"]) for row in found) == +said, "rows are not what was answered"
    before = None
    for row in found:
        same = before is not None and all(before[name] == row[name] for name in ("sha256", "contributor"))
        assert row["replaces"] == (before["contribution"] if before is not None and same else None), (
            "a wrong predecessor"
        )
        assert not (same and before is not None and before["label"] == row["label"]), "the same was said twice"
        before = row
    return len(found)


def main(given: list[str]) -> None:
    """For so many seconds, 60 unless given."""
    with tempfile.TemporaryDirectory(prefix="emotionet-kills-") as folder:
        environment = {**os.environ, "EMOTIONET_HOME": folder}
        print(run(environment, float(given[0]) if given else 60.0), flush=True)
