"""Real parts for the tests: PostgreSQL, anvil, solc; a home of one's own; no way out to the network.

A real part that is missing leaves its tests out, and the last lines say so; with EMOTIONET_REQUIRE_PARTS=1
(as CI runs it) it fails them instead.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import schema
from tests.support.processes.kubo import Kubo, find, kubo_node
from tests.support.processes.s3 import S3, s3_server
from tests.support.processes.s3 import find as find_s3

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
HOW = {
    "chromium": "install Chromium (Debian: chromium)",
    "postgres": "install PostgreSQL (Debian: postgresql)",
    "anvil": "npm install --prefix .tools @foundry-rs/anvil-linux-amd64@1.7.1",
    "kubo": "build github.com/ipfs/kubo/cmd/ipfs@v0.42.0 with Go into .tools/kubo, as .ci/run does",
    "s3": "build github.com/versity/versitygw/cmd/versitygw@v1.8.0 with Go into .tools/s3, as .ci/run does",
    "tlogcheck": "build tests/interop/tlog with Go into .tools/tlog, as .ci/run does",
    "node": "install Node.js (Debian: nodejs)",
    "solc": "npm install --prefix .tools solc@0.8.37, and node",
}
gc.disable()  # while tests are collected: millions of objects that stay
schema.install()
PHOTOGRAPHS = "the real photographs are not here; they can't ship with the project"


def require(part: str, found: object) -> None:
    """Leave the test out, or fail it where CI demands the part."""
    if found:
        return
    if os.environ.get("EMOTIONET_REQUIRE_PARTS") == "1":
        pytest.fail(f"{part} is not here: {HOW[part]}")
    pytest.skip(f"{part} is not here: {HOW[part]}")


def pytest_collection_finish() -> None:
    """py-evm raises Python's recursion limit when it is imported, tenfold: hostile nesting, which the limit of every
    other process stops, would overflow a thread's stack here. Its own EVM needs no such depth for our contract.

    What was collected stays to the end: the interpreter need not look through it for cycles again and again."""
    sys.setrecursionlimit(1000)
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None]:
    yield  # first the summary of pytest itself, so that ours is what stands last
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for part, how in HOW.items():
        if count := sum(f"{part} is not here" in reason for reason in reasons):
            terminalreporter.write_line(f"LEFT OUT: {count} tests that need {part}; {how}")
    if count := sum(PHOTOGRAPHS in reason for reason in reasons):
        terminalreporter.write_line(
            f"LEFT OUT: {count} tests on real photographs; EMOTIONET_TEST_DATA names their folder"
        )


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own_addresses() -> list[str]:
    """This machine's own address, by which a Ray cluster's head is reached. Nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return [probe.getsockname()[0]]
    return []


def _program(name: str, *places: str) -> str | None:
    for place in places:
        for path in sorted(Path("/").glob(place.lstrip("/")), reverse=True):
            if path.is_file():
                return str(path)
    return shutil.which(name)


HERE = ("127.0.0.1", "::1", "localhost", *_own_addresses())


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that talks to anything but this machine fails."""
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
            raise AssertionError(f"a test wanted to reach {address}")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="module")
def real_migrations() -> Iterator[None]:
    """Every schema is made by Alembic, step by step."""
    with schema.only_alembics():
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty EMOTIONET_HOME."""
    path = tmp_path / "home"
    monkeypatch.setenv("EMOTIONET_HOME", str(path))
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs beside the checkout (EMOTIONET_TEST_DATA, or ../shared/data); the suite stands without."""
    path = Path(os.environ.get("EMOTIONET_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (path / "emociones" / "labels.csv").is_file():
        pytest.skip(PHOTOGRAPHS)
    return path


class Postgres:
    """A throw-away cluster in a temporary folder, run by an ordinary user."""

    def __init__(self, programs: Path) -> None:
        self._programs, self._port = programs, free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="emotionet-pg-"))
        self._root = os.geteuid() == 0
        if self._root:
            user = pwd.getpwnam(self._user())
            os.chown(self._folder, user.pw_uid, user.pw_gid)

    @staticmethod
    def _user() -> str:
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                pwd.getpwnam(name)
                return name
        raise RuntimeError("no ordinary user to run PostgreSQL as")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if self._root:
            command = ["runuser", "-u", self._user(), "--", *command]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

    def start(self) -> str:
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "emotionet", "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -k {self._folder} -c fsync=off"
        self._run("pg_ctl", "-D", str(data), "-o", options, "-l", str(self._folder / "log"), "-w", "start")
        return f"postgresql+psycopg://emotionet@127.0.0.1:{self._port}/postgres"

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this session's own."""
    found = _program("initdb", "/usr/lib/postgresql/*/bin/initdb")
    require("postgres", found)
    assert found is not None
    server = Postgres(Path(found).resolve().parent)
    url = server.start()
    yield url
    server.stop()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """A fresh database's URL."""
    import psycopg

    name = "t" + uuid.uuid4().hex
    admin = postgres_url.replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres_url.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def node_modules() -> Path:
    """Where npm put the real parts."""
    return Path(os.environ.get("EMOTIONET_NODE_MODULES") or ROOT / ".tools" / "node_modules")


@pytest.fixture(scope="session")
def anvil_program() -> str:
    """The anvil binary."""
    found = _program("anvil", str(node_modules() / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"))
    require("anvil", found)
    assert found is not None
    return found


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Until something listens, or the process has died."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the process ended before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


@contextlib.contextmanager
def development_chain(program: str, *options: str) -> Iterator[str]:
    port = free_port()
    command = [program, "--port", str(port), "--slots-in-an-epoch", "1", "--silent", *options]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def anvil(anvil_program: str) -> Iterator[str]:
    """A development chain's RPC address; a block every second, final after two."""
    with development_chain(anvil_program, "--block-time", "1") as url:
        yield url


@pytest.fixture
def quiet_anvil(anvil_program: str) -> Iterator[str]:
    """A development chain's RPC address; only what is asked for is mined."""
    with development_chain(anvil_program, "--no-mining") as url:
        yield url


@pytest.fixture
def quick_anvil(anvil_program: str) -> Iterator[str]:
    """A development chain's RPC address; each transaction is mined at once."""
    with development_chain(anvil_program) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """A browser's program."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    require("chromium", found)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium without a window: one for all tests, because Playwright's loop can't be begun twice in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def node() -> str:
    """The program that runs JavaScript without a browser."""
    found = shutil.which("node")
    require("node", found)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def solc() -> Path:
    """The folder whose node_modules hold the Solidity compiler."""
    require("solc", (node_modules() / "solc").is_dir() and shutil.which("node"))
    return node_modules().parent


@pytest.fixture(scope="session")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    """A node with the profile unixfs-v1-2025."""
    program = find()
    require("kubo", program)
    with kubo_node(str(program), tmp_path_factory.mktemp("kubo")) as node:
        yield node


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server; each test makes its own bucket."""
    program = find_s3()
    require("s3", program)
    with s3_server(str(program), tmp_path_factory.mktemp("s3"), free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def old_kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    """A node with the profile unixfs-v0-2015: the way it counts a directory's size is a setting of the node."""
    program = find()
    require("kubo", program)
    with kubo_node(str(program), tmp_path_factory.mktemp("old-kubo"), "unixfs-v0-2015") as node:
        yield node
