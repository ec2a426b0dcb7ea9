"""`python -m bench machines [--seconds N] [--clients N] [--here]`: two machines that share a database and a bucket.

Each is an API with a home, a process and, as root and without `--here`, a network namespace of its own; they share no
folder. Clients register overlapping rows at both, while APIs and the database are killed and started again. Afterwards
every acknowledged row must be there once, no request half, the log without gap or fork, and each correction must name
the row before it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from registry.assembly import Home, open_home
from registry.catalog import log_heads
from registry.catalog.queries.labeled_images.history import image_history
from registry.core import log
from registry.settings import read_settings
from registry.workflows.log.append import finish_pending
from tests.api.conftest import make_token, picture, send
from tests.conftest import Postgres, _program, free_port
from tests.support.processes import s3

IMAGES, ROWS = 40, 5
NETWORK = "10.213"  # of the namespaces that this makes and removes
PAUSE = 3.0  # seconds between two kills


class Database(Postgres):
    """A server that the namespaces reach, and that can be killed."""

    def start(self) -> str:
        """Its URL at this machine's own address."""
        url = super().start()
        data = self._folder / "data"
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK}.0.0/16 trust\n")
        self.restart()
        return url

    def restart(self) -> None:
        """Kill it, and start it again."""
        data = str(self._folder / "data")
        options = f"-c listen_addresses=* -p {self._port} -k {self._folder} -c fsync=off"
        with contextlib.suppress(RuntimeError):
            self._run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        self._run("pg_ctl", "-D", data, "-o", options, "-l", str(self._folder / "log"), "-w", "start")


@dataclass
class Machine:
    """One API. ``address`` is where clients reach it, ``shared`` where it reaches what is shared."""

    name: str
    environment: dict[str, str]
    address: str = "127.0.0.1"
    shared: str = "127.0.0.1"
    before: tuple[str, ...] = ()  # what a command of it begins with
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"http://{self.address}:{self.port}"

    def start(self) -> None:
        """Start its API."""
        own = [sys.executable, "-m", "registry.cli.main", "serve", "--no-worker"]
        command = [*self.before, *own, "--host", self.address, "--port", str(self.port)]
        log = Path(self.environment["EMOTIONET_HOME"] + ".log").open("ab")  # noqa: SIM115 - the process writes to it
        self.process = subprocess.Popen(command, env={**os.environ, **self.environment}, stdout=log, stderr=log)
        log.close()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False


@contextlib.contextmanager
def namespaces(machines: list[Machine]) -> Iterator[None]:
    """A network namespace for each, joined with this machine alone."""

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    names = [f"emn{os.getpid()}{number}" for number in range(len(machines))]
    try:
        for number, (name, machine) in enumerate(zip(names, machines, strict=True)):
            here, there = f"{NETWORK}.{number}.1", f"{NETWORK}.{number}.2"
            ip("netns", "add", name)
            ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("addr", "add", f"{here}/30", "dev", f"v{name}")
            ip("link", "set", f"v{name}", "up")
            for words in (("addr", "add", f"{there}/30", "dev", "eth0"), ("link", "set", "eth0", "up")):
                ip("-n", name, *words)
            ip("-n", name, "link", "set", "lo", "up")
            machine.address, machine.shared, machine.before = there, here, ("ip", "netns", "exec", name)
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@dataclass
class Trial:
    """What the clients did: each request's rows by its key, and which requests were acknowledged."""

    machines: list[Machine]
    headers: dict[str, str]
    images: list[str]
    asked: dict[str, list[str]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
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

    def _sent(self, machine: Machine, key: str, rows: list[dict[str, str]]) -> bool:
        try:
            headers = {**self.headers, "Idempotency-Key": key}
            answer = httpx.post(f"{machine.url}/api/v1/images?rows=all", json=rows, headers=headers, timeout=20)
            if answer.status_code == 200 and answer.json()["complete"]:
                self.acknowledged.add(key)
                return True
            self.refused[answer.status_code] += 1
        except (httpx.HTTPError, ValueError, KeyError):
            self.refused[0] += 1
        return False

    def check(self, home: Home) -> str:
        """What must hold, of the catalog and of the store; a line of figures."""
        found: Counter[tuple[str, str]] = Counter()
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
        return f"{len(self.acknowledged)} requests acknowledged, {len(walked)} entries, refused {dict(self.refused)}"


def _sha256(cid: str) -> bytes:
    from registry.core.ipld.cid import CID

    return CID.parse(cid).digest  # small images are one raw block


def disturb(
    machines: list[Machine], database: Database, seconds: float, least: int, pause: float = PAUSE
) -> list[str]:
    """Kill and restart, each time once all is well again, until the time is over; what was killed."""
    choose, until = random.Random(1), time.monotonic() + seconds
    order: list[Machine | None] = [machines[0], None, *machines[1:]]
    done: list[str] = []
    while time.monotonic() + pause < until or len(done) < least:
        _wait(machines)
        time.sleep(pause)
        one = order[len(done)] if len(done) < len(order) else choose.choice(order)
        done.append(one.name if one else "database")
        if one is None:
            database.restart()
            continue
        one.kill()
        time.sleep(0.5)
        one.start()
    time.sleep(max(0.0, until - time.monotonic()))
    return done


def run(
    folder: Path, seconds: float, clients: int, *, apart: bool, least: int = 3, pause: float = PAUSE
) -> str:
    """One trial, with at least so many kills and ``pause`` seconds of work before each; what it found. ``AssertionError`` where something does not hold."""
    programs = _program("initdb", "/usr/lib/postgresql/*/bin/initdb")
    assert programs is not None
    database = Database(Path(programs).resolve().parent)
    with contextlib.ExitStack() as stack:
        url = database.start()
        stack.callback(database.stop)
        host = "0.0.0.0" if apart else "127.0.0.1"
        server = stack.enter_context(s3.s3_server(str(s3.find()), folder / "s3", free_port(), host))
        shared = {**server.environment(server.bucket()), "EMOTIONET_DATABASE_URL": url, "EMOTIONET_KEY": "2e" * 32}
        machines = [Machine(name, {"EMOTIONET_HOME": str(folder / name)}) for name in ("one", "two")]
        if apart:
            stack.enter_context(namespaces(machines))
        home = open_home(read_settings({**shared, "EMOTIONET_HOME": str(folder / "desk")}))
        stack.callback(home.close)
        headers = make_token(home)
        for machine in machines:
            own = {name: value.replace("127.0.0.1", machine.shared) for name, value in shared.items()}
            machine.environment |= {**own, "EMOTIONET_ADDRESS_LIMIT": "0"}
            machine.start()
            stack.callback(machine.kill)
        _wait(machines)
        with httpx.Client(base_url=machines[0].url, timeout=60) as asker:
            images = [str(one) for one in send(asker, headers, [picture(number) for number in range(IMAGES)])]
        trial = Trial(machines, headers, images)
        threads = [threading.Thread(target=trial.client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        killed = disturb(machines, database, seconds, least, pause)
        trial.over.set()
        for thread in threads:
            thread.join()
        _wait(machines)
        found = trial.check(home)
        return f"{found}, killed {dict(Counter(killed))}"


def _wait(machines: list[Machine]) -> None:
    until = time.monotonic() + 90
    while not all(one.ready() for one in machines):
        told = [Path(one.environment["EMOTIONET_HOME"] + ".log").read_text()[-1500:] for one in machines]
        assert time.monotonic() < until, told
        time.sleep(0.2)


def main(given: list[str]) -> None:
    """Print what it found."""
    parser = argparse.ArgumentParser(prog="python -m bench machines")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--here", action="store_true", help="without network namespaces")
    wanted = parser.parse_args(given)
    apart = not wanted.here and os.geteuid() == 0 and shutil.which("ip") is not None
    with tempfile.TemporaryDirectory() as folder:
        print(f"on {socket.gethostname()}, {'two namespaces' if apart else 'without namespaces'}", flush=True)
        print(run(Path(folder), wanted.seconds, wanted.clients, apart=apart))
