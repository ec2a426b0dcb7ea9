"""A real Kubo that talks to nobody: its own repository, free ports of the loopback, no swarm, no routing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[3] / ".tools" / "kubo" / "ipfs"


def find() -> str | None:
    """The program: EMOTIONET_TEST_KUBO, .tools/kubo/ipfs, or `ipfs` on the path."""
    named = os.environ.get("EMOTIONET_TEST_KUBO")
    return named or (str(TOOLS) if TOOLS.exists() else shutil.which("ipfs"))


class Kubo:
    """One node: ``api`` is its multiaddr; ``run`` calls its command line."""

    def __init__(self, program: str, repository: Path) -> None:
        self._program, self.repository, self.api = program, repository, ""

    def run(self, *arguments: str, data: bytes | None = None) -> str:
        """`ipfs ARGUMENTS` against this node; its output."""
        environment = {**os.environ, "IPFS_PATH": str(self.repository), "IPFS_TELEMETRY": "off"}
        done = subprocess.run(
            [self._program, *arguments], env=environment, input=data, capture_output=True, timeout=120, check=False
        )
        if done.returncode:
            raise RuntimeError(f"ipfs {arguments[0]}: {done.stderr.decode()[-500:]}")
        return done.stdout.decode().strip()

    def _quiet(self, profile: str) -> None:
        self.run("init", f"--profile={profile},server")
        path = self.repository / "config"
        config = json.loads(path.read_text())
        config["Addresses"] |= {"Swarm": [], "API": "/ip4/127.0.0.1/tcp/0", "Gateway": "/ip4/127.0.0.1/tcp/0"}
        config |= {"Bootstrap": [], "AutoConf": {"Enabled": False}, "AutoTLS": {"Enabled": False}}
        config["Routing"] = {"Type": "none", "DelegatedRouters": []}
        config["Ipns"] = {**config.get("Ipns", {}), "DelegatedPublishers": []}
        config["DNS"] = {"Resolvers": {}}
        path.write_text(json.dumps(config))

    @contextmanager
    def serving(self, profile: str) -> Iterator[Kubo]:
        """The daemon, up until the end of the block."""
        self._quiet(profile)
        environment = {**os.environ, "IPFS_PATH": str(self.repository), "IPFS_TELEMETRY": "off"}
        log = self.repository / "daemon.log"
        with (
            log.open("wb") as stream,
            subprocess.Popen(
                [self._program, "daemon", "--offline"], env=environment, stdout=stream, stderr=stream
            ) as daemon,
        ):
            try:
                self._wait(daemon, log)
                yield self
            finally:
                daemon.terminate()
                daemon.wait(30)

    def _wait(self, daemon: subprocess.Popen[bytes], log: Path) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and daemon.poll() is None:
            address = self.repository / "api"
            if address.exists() and "Daemon is ready" in log.read_text(errors="replace"):
                self.api = address.read_text().strip()
                return
            time.sleep(0.05)
        raise RuntimeError(f"Kubo does not start: {log.read_text(errors='replace')[-500:]}")

    def port(self) -> int:
        """The port of its RPC."""
        return int(self.api.rsplit("/", 1)[-1])

    def call(self, path: str) -> bytes:
        """A POST to its RPC."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port()}/api/v0/{path}", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())


@contextmanager
def kubo_node(program: str, folder: Path, profile: str = "unixfs-v1-2025") -> Iterator[Kubo]:
    """A started node."""
    folder.mkdir(parents=True, exist_ok=True)
    with Kubo(program, folder / "repository").serving(profile) as node:
        yield node
