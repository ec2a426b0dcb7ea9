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
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from bench.machine import Database, Machine, namespaces, wait_for
from bench.trial import Trial
from registry.assembly import open_home
from registry.settings import read_settings
from registry.workflows.keys.change_keys import begin
from tests.api.conftest import make_token, picture, send
from tests.conftest import _program, free_port
from tests.support.processes import s3

IMAGES = 40
PAUSE = 3.0  # seconds between two kills


def disturb(machines: list[Machine], database: Database, seconds: float, least: int) -> list[str]:
    """Kill and restart, each time once all is well again, until the time is over; what was killed."""
    choose, until = random.Random(1), time.monotonic() + seconds
    order: list[Machine | None] = [machines[0], None, *machines[1:]]
    workers = 0
    done: list[str] = []
    while time.monotonic() + PAUSE < until or len(done) < least:
        wait_for(machines)
        choose.choice(machines).kill_worker()
        workers += 1
        time.sleep(PAUSE)
        one = order[len(done)] if len(done) < len(order) else choose.choice(order)
        done.append(one.name if one else "database")
        if one is None:
            database.restart()
            continue
        one.kill()
        time.sleep(0.5)
        one.start()
    time.sleep(max(0.0, until - time.monotonic()))
    return [*done, *["worker"] * workers]


def run(folder: Path, seconds: float, clients: int, *, apart: bool, least: int = 3) -> str:
    """One trial, with at least so many kills; what it found. ``AssertionError`` where something does not hold."""
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
        begin(home, home.key)
        headers = make_token(home)
        for machine in machines:
            own = {name: value.replace("127.0.0.1", machine.shared) for name, value in shared.items()}
            gateway = f"http://127.0.0.1:{machine.gateway}"
            machine.environment |= {**own, "EMOTIONET_ADDRESS_LIMIT": "0", "EMOTIONET_GATEWAYS": gateway}
            machine.serve_far_images()
            machine.start()
            stack.callback(machine.stop)
        wait_for(machines)
        with httpx.Client(base_url=machines[0].url, timeout=60) as asker:
            images = [str(one) for one in send(asker, headers, [picture(number) for number in range(IMAGES)])]
        trial = Trial(machines, headers, images)
        threads = [threading.Thread(target=trial.client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        killed = disturb(machines, database, seconds, least)
        trial.over.set()
        for thread in threads:
            thread.join()
        wait_for(machines)
        found = trial.check(home)
        return f"{found}, killed {dict(Counter(killed))}"


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
