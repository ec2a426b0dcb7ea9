"""Level 8: a fold is trained again. A history that nobody's training gave is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.core import records
from registry.core.run_view import ReleaseView
from registry.provenance.checks.report import Report
from registry.provenance.checks.target.deep import DeepOptions, Watch
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.store.export_held import export_held
from tests.support.children import rerun_in_this_process
from tests.support.forged_items import Change
from tests.support.forgery import (
    Changed,
    Released,
    car_of,
    failed,
    forge,
    new_table,
    publish,
    reason_of,
    replaced,
    results,
    simulated_home,
)

CHECK = "8.training"
EVERY = DeepOptions(all=True)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> None:
    rerun_in_this_process(monkeypatch)


def in_history(edit: Callable[[list[Any]], None], fold: int = 1) -> Change:
    """The first epoch of a fold's history edited."""

    def change(home: Home, view: ReleaseView) -> Changed:
        def rows(found: list[Any]) -> list[Any]:
            edit(found[0])
            return found

        table = new_table(home, view.trainings[fold].history, records.HISTORY, rows)
        return replaced(view.release.trainings[fold], view.trainings[fold], history=table)

    return change


def loss(value: str) -> Callable[[list[Any]], None]:
    def edit(row: list[Any]) -> None:
        row[1] = {**row[1], "train/box_loss": value}

    return edit


def state(row: list[Any]) -> None:
    row[2] = "sha256:" + "0" * 64


FALSE = {"a loss": loss("0.500000"), "the last place of a loss": loss("1.000001"), "a state": state}


def audited(released: Released, change: Change, folder: Path, deep: DeepOptions = EVERY) -> Report:
    home, entry, view = released
    path = car_of(home, forge(home, entry, change(home, view)), folder / "forged.car")
    return audit_target(home, str(path), level=8, deep=deep)


@pytest.mark.usefixtures("children")
def test_an_honest_release_holds_whole_and_in_part(released: Released, honest: Path) -> None:
    for deep, said in (
        (EVERY, "fold 2: 2 epochs equal to the bit, 2 digests of the training's state among them; weights and"),
        (DeepOptions(fold=1, epochs=1), "fold 1: 1 epoch equal to the bit, 1 digest"),
        (DeepOptions(), "equal to the bit"),
    ):
        report = audit_target(released.home, str(honest), level=8, deep=deep)
        assert (failed(report), results(report)[CHECK]) == ([], "holds")
        assert said in reason_of(report, CHECK)


@pytest.mark.usefixtures("children")
@pytest.mark.parametrize("false", FALSE)
def test_false_histories_are_found(released: Released, tmp_path: Path, false: str) -> None:
    assert CHECK in failed(audited(released, in_history(FALSE[false]), tmp_path))
    assert CHECK in failed(audited(released, in_history(FALSE[false]), tmp_path, DeepOptions(fold=1, epochs=1)))
    assert CHECK not in failed(audited(released, in_history(FALSE[false]), tmp_path, DeepOptions(fold=0)))


@pytest.mark.usefixtures("children")
def test_on_another_processor_losses_may_differ_as_far_as_was_measured(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED_PROCESSOR", "another")
    for name, false in FALSE.items():
        report = audited(released, in_history(false), tmp_path)
        assert (CHECK in failed(report)) is (name == "a loss"), name
    assert "within the tolerance" in reason_of(audited(released, in_history(state), tmp_path), CHECK)
    assert "50.00 % apart" in reason_of(audited(released, in_history(loss("0.500000")), tmp_path), CHECK)


@pytest.mark.usefixtures("children")
def test_a_fold_that_is_not_there_is_not_checked(released: Released, honest: Path) -> None:
    report = audit_target(released.home, str(honest), level=8, deep=DeepOptions(fold=3))
    assert (failed(report), results(report)[CHECK]) == ([], "not checked")
    assert "there is no fold 3" in reason_of(report, CHECK)


@pytest.mark.usefixtures("children")
def test_it_says_what_it_will_cost_before_it_begins(released: Released, honest: Path) -> None:
    told: list[str] = []
    watch = Watch(progress=lambda what, done, total: told.append(what), say=told.append)
    audit_target(released.home, str(honest), level=8, deep=DeepOptions(fold=0), watch=watch)
    cost = next(number for number, said in enumerate(told) if said.startswith("level 8: fold 0 will be trained again"))
    assert "for 2 epochs of 2, with 1 MiB of memory" in told[cost]
    assert told.index("level 8: epochs") > told.index(
        "level 8: about 2 seconds on this machine, if it does nothing else"
    )
    assert told.index("level 8: epochs") > cost


@pytest.mark.usefixtures("children")
def test_a_machine_without_the_memory_accuses_nobody(
    released: Released, honest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry.workflows.audit import rerun

    monkeypatch.setattr(rerun, "memory_for_children", lambda: 1000)
    report = audit_target(released.home, str(honest), level=8, deep=EVERY)
    assert (failed(report), results(report)[CHECK]) == ([], "not checked")
    assert "MiB of memory" in reason_of(report, CHECK)


@pytest.mark.usefixtures("children")
def test_a_recipe_without_digests_of_states_compares_losses_and_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with simulated_home(tmp_path_factory.mktemp("stateless")) as home:
        refit = publish(home, recipe='{"state": {"every": 0}}', final="refit")
        report = audit_target(home, str(refit.entry), level=8, deep=DeepOptions(fold=3))
        assert (failed(report), results(report)[CHECK]) == ([], "holds")
        assert reason_of(report, CHECK).startswith("the refit: 2 epochs equal to the bit, at the published precision")


def test_a_killed_audit_goes_on_from_its_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In real processes: the audit is killed with SIGKILL after its second epoch, and its child ends with it."""
    folder = tmp_path_factory.mktemp("killed")
    with simulated_home(folder) as home:
        published = publish(home, recipe='{"chain": true, "delay": 0, "epochs": 6}')
        path = folder / "release.car"
        export_held(home, published.entry, path)
        command = [sys.executable, "-m", "registry.cli.main", "audit", str(path), "--level", "8", "--fold", "1"]
        environment = {**os.environ, "SIMULATED_SLOW": "400"}
        chain = None
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as audit:
            until = time.monotonic() + 120
            while time.monotonic() < until and audit.poll() is None:
                chain = next((home.settings.home / "audits").rglob("chain.json"), None)
                if chain is not None and json.loads(chain.read_bytes())["epoch"] >= 2:
                    break
                time.sleep(0.05)
            audit.send_signal(signal.SIGKILL)
        assert chain is not None
        done = json.loads(chain.read_bytes())["epoch"]
        assert 2 <= done < 6
        epochs: list[int] = []
        watch = Watch(progress=lambda what, at, total: epochs.append(at) if what == "level 8: epochs" else None)
        report = audit_target(home, str(path), level=8, deep=DeepOptions(fold=1), watch=watch)
        assert (failed(report), results(report)[CHECK]) == ([], "holds")
        assert epochs[0] >= done + 1
        assert not chain.parent.exists()  # a whole training leaves nothing to go on with
