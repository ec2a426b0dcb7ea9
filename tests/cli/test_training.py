"""A run at the command line: stopped, offered again, shown with its figures, and told of when it failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.cli.main import main
from tests.support.forgery import simulated_home

SLOW = '{"delay": 400, "epochs": 8}'


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with simulated_home(tmp_path_factory.mktemp("cli"), children=True) as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_LEASE_SECONDS", "3")
        yield home


@pytest.fixture(scope="module")
def snapshot(opened: Home) -> str:
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    return str(take_snapshot(opened)["snapshot"])


def train(snapshot: str, recipe: str, *more: str) -> list[str]:
    return ["train", snapshot, "--method", "simulated", "--recipe", recipe, *more]


def newest(opened: Home) -> dict[str, object]:
    with opened.catalog.read() as db:
        return dict(runs.list_runs(db)[0][0])


def test_what_came_of_it_is_shown_at_once(opened: Home, snapshot: str, capsys: pytest.CaptureFixture[str]) -> None:
    claims = ("--claim", "macro_f1 >= 0.1", "--claim", "accuracy >= 0.999")
    assert main(train(snapshot, "simulated", *claims)) == 0
    shown = capsys.readouterr().out
    run = str(newest(opened)["run"])
    assert main(["runs", "show", run]) == 0
    assert capsys.readouterr().out == shown
    assert main(["runs", "show", run, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in document["claims"]] == ["supported", "refuted"]
    value = document["metrics"]["macro_f1"]
    for said in (f"macro_f1           {value['value']}  {value['low']}  {value['high']}", "supported", "refuted"):
        assert said in shown
    assert shown.splitlines()[-1] == f"next: emotionet release publish {run}"
    assert main(["release", "publish", run, "--quiet"]) == 0
    release = capsys.readouterr().out.strip()
    assert main(["runs", "show", run]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: emotionet release show {release}"


@pytest.mark.parametrize("more", [[], ["--quiet"], ["--json"]])
def test_a_run_that_fails_says_why(
    opened: Home, snapshot: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train(snapshot, '{"fail": true}', "--anew"), *more]) == 1
    said = capsys.readouterr().err.splitlines()
    run = newest(opened)["run"]
    assert said[-2] == f"emotionet: error: run {run} failed: this method was told to fail"
    assert said[-1].startswith(f"hint: `emotionet runs logs {run}`")


def test_ctrl_c_leaves_a_run_that_can_be_taken_up(
    opened: Home, snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = newest(opened)["run"]
    command = [sys.executable, "-m", "registry.cli.main", *train(snapshot, SLOW)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    until = time.monotonic() + 60
    while newest(opened)["run"] == before or not any(
        one["status"] == "running"
        for one in newest(opened)["folds"]  # type: ignore[attr-defined]
    ):
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    found = newest(opened)
    run = found["run"]
    assert process.returncode == 1
    assert err.splitlines()[-2:] == [
        f"emotionet: error: run {run} was stopped; its finished work is kept",
        f"hint: `emotionet runs resume {run}` continues it.",
    ]
    assert found["status"] == "queued"
    assert {one["status"] for one in found["folds"]} <= {"queued", "completed"}  # type: ignore[attr-defined]
    assert main(train(snapshot, SLOW)) == 1
    said = capsys.readouterr().err
    assert f"run {run} is this same training" in said
    assert f"`emotionet runs resume {run}`, or start a new run with --anew" in said
    assert newest(opened)["run"] == run
    assert main(["runs", "resume", str(run)]) == 0
    assert newest(opened)["status"] == "completed"


def test_what_failed_before_its_folds_is_begun_anew(opened: Home, tmp_path: Path) -> None:
    with opened.catalog.write() as db:
        options = {"values": {"seed": 1}}
        first = runs.create(
            db,
            snapshot="s",
            recipe_name="r",
            issuer="did:a",
            engine="local",
            options=options,
            now="2026",
            status="failed",
        )
        assert runs.unfinished(db, "did:a", "s", "r", options) is None
        runs.update(db, first, draw="d")
        found = runs.unfinished(db, "did:a", "s", "r", options)
        assert found is not None
        assert runs.unfinished(db, "did:b", "s", "r", options) is None
        assert runs.unfinished(db, "did:a", "s", "r", {"values": {"seed": 2}}) is None
        runs.update(db, first, status="completed")
        assert runs.unfinished(db, "did:a", "s", "r", options) is None
