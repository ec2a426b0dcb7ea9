"""Machines that are killed: an API, a worker and a network namespace each; and the database that they share."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.far_images import FAR
from tests.conftest import Postgres, free_port

NETWORK = "10.213"  # of the namespaces that are made and removed


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
    """An API, a worker, and a gateway that has images which nobody sent.

    ``address`` is where clients reach it, ``shared`` where it reaches what is shared.
    """

    name: str
    environment: dict[str, str]
    address: str = "127.0.0.1"
    shared: str = "127.0.0.1"
    before: tuple[str, ...] = ()  # what a command of it begins with
    port: int = field(default_factory=free_port)
    gateway: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"http://{self.address}:{self.port}"

    def serve_far_images(self) -> None:
        """Start its gateway, which nobody kills before ``stop``."""
        self._gateway = self._started([sys.executable, "-m", FAR, str(self.gateway)])

    def start(self) -> None:
        """Start its API and its worker."""
        own = [sys.executable, "-m", "registry.cli.main"]
        serve = [*own, "serve", "--no-worker", "--host", self.address, "--port", str(self.port)]
        self.processes = [self._started(serve), self._started([*own, "worker"])]

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        with Path(self.environment["EMOTIONET_HOME"] + ".log").open("ab") as log:
            environment = {**os.environ, **self.environment}
            return subprocess.Popen([*self.before, *command], env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End both at once."""
        for process in self.processes:
            process.kill()
            process.wait()

    def kill_worker(self) -> None:
        """End its worker at once, and start another."""
        self.processes[1].kill()
        self.processes[1].wait()
        self.processes[1] = self._started([sys.executable, "-m", "registry.cli.main", "worker"])

    def stop(self) -> None:
        """End all of it."""
        self.kill()
        self._gateway.kill()
        self._gateway.wait()

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


def wait_for(machines: list[Machine]) -> None:
    """Until all answer."""
    until = time.monotonic() + 90
    while not all(one.ready() for one in machines):
        told = [Path(one.environment["EMOTIONET_HOME"] + ".log").read_text()[-1500:] for one in machines]
        assert time.monotonic() < until, told
        time.sleep(0.2)
