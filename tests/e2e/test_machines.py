"""Two machines that share only a PostgreSQL and a bucket: a fold that is lost with its node goes on at the other.

Each machine is a home of its own and processes of its own; the key is a secret that both are given.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import machines
from registry.assembly import Home, open_home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.keys.change_keys import begin
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.training.train_fold import fold_in_child
from tests.support.processes.s3 import S3

PLUGIN = Path(__file__).parents[1] / "support" / "plugin"
Environment = dict[str, str]
SLOW = '{"chain": true, "delay": 250}'


@pytest.fixture
def machine(postgres_database: str, s3: S3, tmp_path: Path) -> Callable[[str], Environment]:
    """The environment of a machine by its name; nothing of their folders is shared."""
    shared = {
        **s3.environment(s3.bucket()),
        "EMOTIONET_DATABASE_URL": postgres_database,
        "EMOTIONET_KEY": "1f" * 32,
        "EMOTIONET_LEASE_SECONDS": "2",
        "EMOTIONET_CHECKPOINT_SECONDS": "0.1",
        "PYTHONPATH": str(PLUGIN),
    }
    return lambda name: {**os.environ, **shared, "EMOTIONET_HOME": str(tmp_path / name)}


@pytest.fixture
def worker() -> Iterator[Callable[[Environment], subprocess.Popen[bytes]]]:
    """Starts a machine's worker."""
    started: list[subprocess.Popen[bytes]] = []

    def start(environment: Environment) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "registry.cli.main", "worker"]
        log = Path(environment["EMOTIONET_HOME"] + ".log").open("ab")  # noqa: SIM115 - the process writes to it
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))
        log.close()
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture
def opened(machine: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A third machine, which starts runs and looks on."""
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    home = open_home(read_settings(machine("desk")))
    begin(home, home.key)
    yield home
    home.close()


def faces(folder: Path) -> Path:
    """A folder of files that the simulated method takes for pictures, with their labels."""
    folder.mkdir()
    names = ["triste", "sorprendido", "feliz", "enojado"]
    rows = [f"{number}.jpg,{names[number % 4]},anna" for number in range(12)]
    for number in range(12):
        (folder / f"{number}.jpg").write_bytes(f"picture {number}".encode())
    (folder / "labels.csv").write_text("\n".join(["file,label,contributor", *rows]) + "\n", encoding="utf-8")
    return folder


def until(what: Callable[[], Any], log: Path, seconds: float = 90.0) -> Any:
    """What it gives once that is true."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, log.read_text()[-2000:] if log.exists() else "nothing was logged"
        time.sleep(0.1)
    return found


def folds(home: Home, run: str) -> list[dict[str, Any]]:
    with home.catalog.read() as db:
        return runs.folds(db, run)


def status(home: Home, run: str) -> str:
    with home.catalog.read() as db:
        return str(runs.row(db, run)["status"])


@pytest.mark.postgres
def test_a_fold_that_is_lost_with_its_machine_ends_at_another_with_the_same_weights(
    machine: Callable[[str], Environment],
    worker: Callable[[Environment], subprocess.Popen[bytes]],
    opened: Home,
    tmp_path: Path,
) -> None:
    import_source(opened, str(faces(tmp_path / "faces")))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted(SLOW, "simulated", overrides={"folds": 2, "epochs": 16}))
    first = worker(machine("one"))
    until(lambda: [one for one in folds(opened, run) if one["checkpoint"] and one["epoch"] > 3], tmp_path / "one.log")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    (tmp_path / "one").rename(tmp_path / "lost")
    kept = {one["fold"]: one["checkpoint"] for one in folds(opened, run) if one["checkpoint"]}
    worker(machine("two"))
    until(lambda: status(opened, run) in ("completed", "failed"), tmp_path / "two.log")
    assert status(opened, run) == "completed"
    for fold, checkpoint in kept.items():
        (row,) = [one for one in folds(opened, run) if one["fold"] == fold]
        training = records.parse_as(records.Training, opened.store.get(CID.parse(row["training"])))
        assert [event["event"] for event in training.events] == ["resumed"]
        assert CID.parse(checkpoint) not in set(opened.store.pins())
        assert row["checkpoint"] is None
        with opened.catalog.read() as db:
            draw = runs.row(db, run)["draw"]
        alone = tmp_path / f"uninterrupted-{fold}" / "fold"
        alone.mkdir(parents=True)
        again = fold_in_child(opened, {"draw": draw, "fold": fold, "after": None}, alone, lambda _: None)
        assert again["tensors"] == row["tensors"]
    assert not (tmp_path / "two" / "work" / run / "fold-0").exists()


@pytest.mark.postgres
def test_nothing_acknowledged_is_lost_while_machines_and_their_database_are_killed(
    postgres_url: str, s3: S3, tmp_path: Path
) -> None:
    """The short form of `python -m bench machines`, with a database server of its own to kill."""
    said = machines.run(tmp_path, 0.0, 6, apart=False, least=2)
    assert "killed {'one': 1, 'database': 1, 'worker': 2}" in said
    assert not said.startswith("0 requests")
