"""Really trained, tiny, by the command line, in processes that have no network, on labels that are no emotions.

What is killed goes on: one fold's process, the worker, the whole machine, each in an epoch drawn at random.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import open_home
from registry.catalog.queries.training_runs import run_events, runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.settings import read_settings
from tests.conftest import ROOT
from tests.pipeline.pictures import encode, scene

pytestmark = pytest.mark.slow
SECONDS = 300
EPOCHS, IMAGES = 12, 24
KINDS = ("round", "square", "long")
Document = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A home with a snapshot, and an environment in which sockets are refused."""

    home: Path
    snapshot: str
    recipe: str
    tried: Path

    @property
    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("EMOTIONET_")}
        return {
            **given,
            "EMOTIONET_HOME": str(self.home),
            "EMOTIONET_LEASE_SECONDS": "3",
            "EMOTIONET_TEST_TRIED": str(self.tried),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "support" / "refusing"), str(ROOT)]),
        }

    def command(self, *arguments: str) -> list[str]:
        return [*without_network(), sys.executable, "-m", "registry.cli.main", *arguments]

    def run(self, *arguments: str, status: int = 0) -> str:
        """One command to its end; its stdout."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == status, done.stderr[-3000:]
        return done.stdout

    def document(self, *arguments: str) -> Document:
        return dict(json.loads(self.run(*arguments, "--json")))

    def train(self) -> list[str]:
        return ["train", self.snapshot, "--recipe", self.recipe]

    def row(self, run: str) -> Document:
        """A run's row and its folds', read beside whoever works on it."""
        opened = open_home(read_settings({"EMOTIONET_HOME": str(self.home)}))
        try:
            with opened.catalog.read() as db:
                return {**runs.row(db, run), "folds": runs.folds(db, run)}
        finally:
            opened.close()

    def stop(self, process: int, run: str) -> None:
        """Stop a process that works on a run while it is not writing to the catalog: with the lock of SQLite in its
        hand it would keep everybody else out, which is not what is tried here."""
        opened = open_home(read_settings({"EMOTIONET_HOME": str(self.home)}))
        try:
            with opened.catalog.write() as db:
                runs.row(db, run)
                os.kill(process, signal.SIGSTOP)
        finally:
            opened.close()

    def events(self, run: str) -> list[Document]:
        return [json.loads(line) for line in self.run("runs", "logs", run, "--json").splitlines()]

    def again(self, run: str) -> bool:
        """Whether a fold was begun again, read from the catalog: a command of its own takes as long as some epochs."""
        opened = open_home(read_settings({"EMOTIONET_HOME": str(self.home)}))
        try:
            with opened.catalog.read() as db:
                return bool(run_events.of_kind(db, run, "again"))
        finally:
            opened.close()

    def trainings(self, run: str) -> list[records.Training]:
        """What is on record of each fold."""
        opened = open_home(read_settings({"EMOTIONET_HOME": str(self.home)}))
        try:
            cids = [CID.parse(fold["training"]) for fold in self.row(run)["folds"]]
            return [records.parse_as(records.Training, opened.store.get(cid)) for cid in cids]
        finally:
            opened.close()


def without_network() -> list[str]:
    """A prefix that takes the network away from a command, where this machine lets us."""
    prefix = ["unshare", "--net", "--"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user", "--"]
    if shutil.which("unshare") is None:
        return []
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else []


def draw(folder: Path) -> None:
    """Pictures of three kinds, two a person, with their boxes; and the names of the kinds."""
    (folder / "images").mkdir(parents=True)
    lines = ["file,label,contributor,subject,box"]
    for number in range(IMAGES):
        (folder / "images" / f"{number}.png").write_bytes(encode(scene(number, (64, 48))))
        lines.append(f"{number}.png,{KINDS[number // 2 % 3]},anna,thing {number // 2},4 4 50 40")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "classes.txt").write_text("\n".join(KINDS) + "\n", encoding="utf-8")


def tiny(path: Path) -> str:
    """The recipe quick, made as small as it can be."""
    text = (ROOT / "pipeline" / "recipes" / "quick.toml").read_text(encoding="utf-8")
    for old, new in (
        ('name = "quick"', 'name = "tiny"'),
        ("size = 96 ", "size = 64 "),
        ("imgsz = 96", "imgsz = 64"),
        ("epochs = 30", f"epochs = {EPOCHS}"),
        ("k = 3", "k = 2"),
        ("batch = 8", "batch = 4"),
        ("nbs = 8", "nbs = 4"),
        ("validate_every = 10", "validate_every = 3"),
        ('threshold = "0.10"', 'threshold = "0.001"'),
        ('floor = "0.01"', 'floor = "0.001"'),
        ("rounds = 2000", "rounds = 1000"),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("trained")
    draw(place / "pictures")
    bare = World(place / "home", "", tiny(place / "tiny.toml"), place / "tried")
    assert bare.document("import", str(place / "pictures"))["registered"] == IMAGES
    made = bare.document("snapshot", "create", "--classes", str(place / "pictures" / "classes.txt"))
    assert made["labels"] == dict.fromkeys(KINDS, IMAGES // 3)
    return World(bare.home, made["snapshot"], bare.recipe, bare.tried)


@pytest.fixture(scope="module")
def whole(world: World) -> Document:
    """A run that nobody disturbed."""
    return world.document(*world.train())


def digests(document: Document) -> list[str]:
    assert document["status"] == "completed"
    return [fold["tensors"] for fold in document["folds"]]


def test_a_run_becomes_a_release_of_its_own_classes_without_any_network(world: World, whole: Document) -> None:
    assert len(set(digests(whole))) == 2
    release = world.document("release", "publish", whole["run"], "--onnx")
    picture = world.home.parent / "pictures" / "images" / "3.png"
    out = world.home.parent / "drawn"
    (found,) = [
        json.loads(line)
        for line in world.run(
            "predict", release["release"], str(picture), "--average", "--draw", str(out), "--json"
        ).splitlines()
    ]
    assert {one["label"] for one in found["detections"]} <= set(KINDS)
    assert (out / "3.png").is_file()
    world.run("audit", release["release"], "--offline", "--quiet")
    assert not world.tried.exists(), world.tried.read_text(encoding="utf-8")


def test_its_weights_and_its_training_are_made_again_to_the_bit(world: World, whole: Document) -> None:
    """Levels 5, 7 and 8 of a release that YOLO trained, with its ONNX: three epochs of a fold, one state among them."""
    release = world.document("runs", "show", whole["run"])["release"]
    report = world.document("audit", release, "--offline", "--level", "8", "--fold", "1", "--epochs", "3")
    made = {one["id"]: one for one in report["checks"]}
    assert report["records"] == "consistent"
    deep = {name: one["result"] for name, one in made.items() if one["level"] in (5, 7, 8)}
    assert {"5.pixels", "7.predictions", "7.onnx", "8.training"} <= set(deep)
    assert [name for name, result in deep.items() if result != "holds" and name != "5.rights"] == []
    assert "3 epochs equal to the bit, 1 digest of the training's state among them" in made["8.training"]["reason"]


def test_whoever_watches_sees_epochs_losses_and_pace(world: World, whole: Document) -> None:
    events = world.events(whole["run"])
    assert events[-1]["kind"] == "completed"
    epochs = [one["data"] for one in events if "epoch" in one["data"]]
    for fold in (0, 1):
        mine = [one for one in epochs if one["fold"] == fold]
        assert [one["epoch"] for one in mine] == list(range(1, EPOCHS + 1))
        assert all({"loss", "images_per_second", "eta_seconds"} <= set(one) for one in mine)
        assert mine[-1]["eta_seconds"] == 0
    shown = subprocess.run(
        world.command("runs", "follow", whole["run"]),
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert "fold 0" in shown.stderr
    assert "img/s" in shown.stderr


def test_the_same_plan_elsewhere_one_fold_after_the_other_gives_the_same_tensors(
    world: World, whole: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = World(world.home.parent / "another place" / "home", world.snapshot, world.recipe, world.tried)
    shutil.copytree(world.home, elsewhere.home)
    monkeypatch.setenv("EMOTIONET_PARALLEL_FOLDS", "1")
    again = elsewhere.document(*elsewhere.train())
    assert again["plan"] == whole["plan"]
    assert digests(again) == digests(whole)


def started(world: World, *arguments: str) -> subprocess.Popen[bytes]:
    """A command in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        world.command(*arguments),
        env=world.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait(what: str, good: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if good():
            return
        time.sleep(0.02)
    raise AssertionError(what)


def child_of(world: World, run: str, fold: int) -> int:
    """The process that trains a fold, as its folder's lock says; 0 while nobody has it."""
    lock = world.home / "work" / run / f"fold-{fold}" / "lock"
    try:
        return int(json.loads(lock.read_text(encoding="utf-8"))["process"])
    except (FileNotFoundError, json.JSONDecodeError):
        return 0


def all_of(world: World) -> list[int]:
    """Every process that works for this home."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            variables = (place / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"EMOTIONET_HOME={world.home}".encode() in variables and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def kill(process: int) -> bool:
    """Whether there was one to kill."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def epoch_of(world: World, run: str, fold: int) -> int:
    return int(next(one["epoch"] or 0 for one in world.row(run)["folds"] if one["fold"] == fold))


def at_work(world: World, run: str, epoch: int) -> list[int]:
    """The processes that train folds which have come to an epoch; a fold that ended has none. On a busy machine folds
    end one after the other, so any of them will do. A run that ended before anybody could act fails at once."""
    row, alive = world.row(run), all_of(world)
    assert row["status"] != "completed", "the run ended before anything was killed: this machine looked too late"
    children = {one["fold"]: child_of(world, run, one["fold"]) for one in row["folds"]}
    come = [one["fold"] for one in row["folds"] if (one["epoch"] or 0) >= epoch]
    return [children[fold] for fold in come if children[fold] in alive]


def test_cancelled_and_killed_at_random_epochs_it_ends_with_the_same_tensors(world: World, whole: Document) -> None:
    seed = int(os.environ.get("EMOTIONET_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"EMOTIONET_TEST_SEED={seed}")  # shown if it fails
    chance = random.Random(seed)
    run = world.document(*world.train(), "--detach")["run"]
    early, first, second, third = sorted(chance.sample(range(1, EPOCHS - 4), 4))

    working = started(world, "runs", "resume", run)  # 0. cancelled by somebody who thinks again
    wait("an epoch", lambda: bool(at_work(world, run, early)))
    assert world.document("runs", "cancel", run)["status"] == "cancelled"
    assert working.wait(SECONDS) == 1
    assert not all_of(world)

    working = started(world, "runs", "resume", run)  # 1. one fold's process
    wait("an epoch", lambda: any(kill(one) for one in at_work(world, run, first)[:1]))
    wait("a second try", lambda: world.again(run) or at_work(world, run, EPOCHS + 1) != [])

    wait("an epoch", lambda: bool(at_work(world, run, second)))  # 2. the worker: its children end with it
    kill(working.pid)
    working.wait()
    wait("the end of the children", lambda: not all_of(world))

    working = started(world, "runs", "resume", run)  # 3. everything at once, as when the power goes
    wait("an epoch", lambda: bool(at_work(world, run, third)))
    for process in all_of(world):
        kill(process)
    working.wait()
    assert not all_of(world)

    ended = world.document("runs", "resume", run)
    assert digests(ended) == digests(whole)
    assert [one.tensors for one in world.trainings(run)] == digests(whole)
    resumed = [event for one in world.trainings(run) for event in one.events if event["event"] == "resumed"]
    assert resumed
    assert all("before_on" not in event for event in resumed)
    told = world.events(run)
    assert [one["data"]["code"] for one in told if one["kind"] == "again"][:1] == ["unavailable"]
    assert [one for one in told if one["data"].get("event") == "taken_up"]


def history(world: World, training: records.Training) -> list[Any]:
    opened = open_home(read_settings({"EMOTIONET_HOME": str(world.home)}))
    try:
        return list(tables.rows_as_dicts(training.history, opened.store.get))
    finally:
        opened.close()


def test_a_worker_that_stalls_loses_its_fold_to_another_and_its_child_is_ended(world: World, whole: Document) -> None:
    run = world.document(*world.train(), "--detach")["run"]
    stalled = started(world, "runs", "resume", run)
    wait("an epoch", lambda: epoch_of(world, run, 0) >= 1)
    world.stop(stalled.pid, run)  # its children train on, and nobody hears them
    alive = all_of(world)
    children = {fold: child for fold in (0, 1) if (child := child_of(world, run, fold)) in alive}
    fold = min(children)  # on a busy machine the other may have come to its end before anybody looked
    other = started(world, "runs", "resume", run)
    try:
        wait("another child", lambda: child_of(world, run, fold) not in (0, children[fold]))
        assert children[fold] not in all_of(world)
        wait("the end", lambda: world.row(run)["status"] == "completed")
        assert other.wait(SECONDS) == 0
    finally:
        os.kill(stalled.pid, signal.SIGCONT)
    assert stalled.wait(SECONDS) == 0  # it finds the run completed by somebody else
    assert [fold["tensors"] for fold in world.row(run)["folds"]] == digests(whole)
    for one, other_one in zip(world.trainings(run), world.trainings(whole["run"]), strict=True):
        assert history(world, one) == history(world, other_one)


def test_nothing_was_asked_of_the_network(world: World) -> None:
    assert not world.tried.exists(), world.tried.read_text(encoding="utf-8")
