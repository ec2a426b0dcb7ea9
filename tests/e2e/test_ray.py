"""A real Ray of two nodes on the loopback, which share no folder with the home: the same bits as on this machine, and
a lost node is no loss."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID
from registry.jobs.engines import Needs
from registry.jobs.engines.ray import RayEngine
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs.control_run import cancel
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.e2e.test_trained import KINDS, draw
from tests.support.processes.s3 import S3

PLUGIN = Path(__file__).parents[1] / "support" / "plugin"
TINY = {"folds": 2, "epochs": 2, "imgsz": 64, "batch": 8}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Iterator[Path]:
    """A home, a bucket that all nodes reach, and the simulated method beside the real one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("ray")
        for name, value in s3.environment(s3.bucket()).items():
            patch.setenv(name, value)
        patch.setenv("EMOTIONET_CHECKPOINT_SECONDS", "0.1")
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        patch.setenv("EMOTIONET_LEASE_SECONDS", "3")
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setattr(sys, "path", [str(PLUGIN), *sys.path])
        yield folder


class Nodes:
    """Nodes of one processor each, to which the home's folder is as on another machine: empty (where this machine lets
    us)."""

    def __init__(self, address: str, home: Path) -> None:
        self._address = address
        self._apart = apart(home)
        self._started: list[subprocess.Popen[bytes]] = []

    def add(self) -> subprocess.Popen[bytes]:
        """Start one."""
        node = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={self._address}", "--num-cpus=1"]
        command, quiet = [*self._apart, *node, "--block"], subprocess.DEVNULL
        self._started.append(subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True))
        self.wait()
        return self._started[-1]

    def wait(self) -> None:
        """Until all are members."""
        import ray

        members: Callable[[], list[dict[str, Any]]] = ray.nodes
        alive = sum(one.poll() is None for one in self._started)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in members()) >= alive:
                return
            time.sleep(0.1)
        raise AssertionError(f"{alive} nodes were started, and not all are members: {members()}")

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """As when a machine loses its power: what it had started is gone as well."""
        for process in (*descendants(node.pid), node.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        node.wait()

    def close(self) -> None:
        """Kill all."""
        for node in self._started:
            self.kill(node)


def apart(home: Path) -> list[str]:
    """A prefix that gives a command an empty folder in a home's place, where this machine lets us."""
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--", "sh", "-ec"]
    prefix = [*namespace, 'mount -t tmpfs none "$1"; shift; exec "$@"', "sh", str(home)]
    if shutil.which("unshare") is None:
        return []
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else []


def descendants(process: int) -> list[int]:
    """The processes below one, itself left out."""
    found = [int(one) for task in Path(f"/proc/{process}/task").glob("*/children") for one in task.read_text().split()]
    return [*found, *(deeper for one in found for deeper in descendants(one))]


@pytest.fixture(scope="module")
def cluster(place: Path) -> Iterator[Nodes]:
    """Two nodes; the head computes nothing."""
    import ray
    from ray.cluster_utils import Cluster

    head: Any = Cluster(initialize_head=True, connect=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    (place / "home").mkdir(exist_ok=True)
    nodes = Nodes(head.address, place / "home")
    for _ in range(2):
        nodes.add()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_RAY_ADDRESS", head.address)
        yield nodes
    nodes.close()
    ray.shutdown()
    head.shutdown()


@pytest.fixture(scope="module")
def opened(place: Path, cluster: Nodes) -> Iterator[Home]:
    home = open_home(read_settings(dict(os.environ)))
    yield home
    home.close()


@pytest.fixture(scope="module")
def snapshot(opened: Home, place: Path) -> CID:
    draw(place / "pictures")
    import_source(opened, str(place / "pictures"))
    return CID.parse(take_snapshot(opened, classes="\n".join(KINDS))["snapshot"])


def work(home: Home, run: str) -> threading.Thread:
    thread = threading.Thread(target=home.worker().work, args=(run,))
    thread.start()
    return thread


def row_of(home: Home, run: str) -> dict[str, Any]:
    with home.catalog.read() as db:
        return {**runs.row(db, run), "folds": runs.folds(db, run)}


def wait_for_epoch(home: Home, run: str, epoch: int = 2) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if any((fold["epoch"] or 0) >= epoch for fold in row_of(home, run)["folds"]):
            return
        time.sleep(0.1)
    raise AssertionError(f"no fold came to epoch {epoch}: {row_of(home, run)}")


def whole(home: Home, snapshot: CID, wanted: Wanted) -> dict[str, Any]:
    run = start_run(home, snapshot, wanted)
    work(home, run).join(300)
    row = row_of(home, run)
    assert row["status"] == "completed", row["error"]
    return row


def tried_again(home: Home, run: str) -> list[str]:
    """Codes of the errors after which a fold was tried again."""
    with home.catalog.read() as db:
        return [one["data"]["code"] for one in home.queue.events(db, run) if one["kind"] == "again"]


def what_counts(row: dict[str, Any]) -> list[Any]:
    folds = [[fold["tensors"], fold["predictions"]] for fold in row["folds"]]
    return [row["preprocessing"], row["plan"], row["draw"], folds]


def test_a_cluster_gives_the_same_bits_as_one_machine(opened: Home, snapshot: CID) -> None:
    both = [whole(opened, snapshot, Wanted("quick", overrides=TINY, engine=engine)) for engine in ("ray", "local")]
    assert what_counts(both[0]) == what_counts(both[1])


def test_nodes_see_nothing_of_the_homes_folder(opened: Home, place: Path, cluster: Nodes) -> None:
    import ray

    (place / "home" / "here").touch()
    seen: Any = ray.remote(num_cpus=1)(lambda: (place / "home" / "here").exists())
    assert ray.get([seen.remote() for _ in range(4)]) == [not apart(place / "home")] * 4


def test_a_run_outlives_a_node_and_goes_on_from_its_checkpoint(opened: Home, snapshot: CID, cluster: Nodes) -> None:
    wanted = Wanted('{"delay": 250, "epochs": 14, "chain": true}', "simulated", engine="ray")
    lost = cluster.add()  # three folds, three nodes: one is on it
    run = start_run(opened, snapshot, wanted)
    thread = work(opened, run)
    wait_for_epoch(opened, run)
    cluster.kill(lost)
    thread.join(120)
    row = row_of(opened, run)
    assert row["status"] == "completed", row["error"]
    assert tried_again(opened, run) == ["task_lost"]  # one fold
    local = whole(opened, snapshot, Wanted('{"delay": 250, "epochs": 14, "chain": true}', "simulated"))
    assert [one["tensors"] for one in row["folds"]] == [one["tensors"] for one in local["folds"]]
    trainings = [
        records.parse_as(records.Training, opened.store.get(CID.parse(one["training"]))) for one in row["folds"]
    ]
    assert [event["event"] for one in trainings for event in one.events] == ["resumed"]


def test_a_driver_that_dies_and_comes_back_takes_up_the_run(opened: Home, snapshot: CID) -> None:
    given = [str(snapshot), "--method", "simulated", "--recipe", '{"delay": 200, "epochs": 14}', "--engine", "ray"]
    command = [sys.executable, "-m", "registry.cli.main", "train", *given]
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with opened.catalog.read() as db:
            newest = next(iter(runs.list_runs(db)[0]), None)  # none yet: the driver is about to begin
        if (
            newest is not None
            and newest["status"] == "running"
            and any(one["status"] == "running" for one in newest["folds"])
        ):
            break
        time.sleep(0.2)
    assert newest is not None
    wait_for_epoch(opened, newest["run"])
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    again = subprocess.run(
        [sys.executable, "-m", "registry.cli.main", "runs", "resume", newest["run"]], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert row_of(opened, newest["run"])["status"] == "completed"


def test_cancel_ends_the_children_on_the_nodes(opened: Home, snapshot: CID) -> None:
    run = start_run(opened, snapshot, Wanted('{"delay": 250, "epochs": 140}', "simulated", engine="ray"))
    thread = work(opened, run)
    wait_for_epoch(opened, run)
    cancel(opened, run)
    thread.join(60)
    assert not thread.is_alive()
    assert row_of(opened, run)["status"] == "cancelled"
    assert not children_of(run)


def children_of(run: str) -> list[str]:
    """Commands of processes that still work on a run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"_child" in words and any(run.encode() in word for word in words):
            found.append(b" ".join(words).decode())
    return found


def test_what_a_child_says_on_a_node_comes_back_as_it_is(opened: Home, place: Path) -> None:
    engine = RayEngine(opened.settings.ray_address)
    for needs in (Needs(), Needs(memory=1 << 60)):  # more than any node has: it must not wait for ever
        with pytest.raises(Unavailable, match=r"before it gave a result: .*KeyError"):
            engine.run("nothing", {}, place / "nothing", needs, lambda: None, lambda _: None)
