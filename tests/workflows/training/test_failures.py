"""What fails while a fold is trained is told as an event, tried again, and named if it ends the run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.jobs.worker import ATTEMPTS
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs.control_run import resume
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder


@pytest.fixture
def snapshot(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(12)))
    return CID.parse(take_snapshot(opened)["snapshot"])


def run_with(opened: Home, snapshot: CID, **training: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run's row, and what its events say beside epochs and progress."""
    run = start_run(opened, snapshot, Wanted(json.dumps(training), "simulated", overrides={"folds": 2}))
    opened.worker().work(run)
    with opened.catalog.read() as db:
        events = [{"kind": one["kind"], **one["data"]} for one in opened.queue.events(db, run)]
        row = {**runs.row(db, run), "folds": runs.folds(db, run)}
    return row, [one for one in events if "epoch" not in one and one["kind"] != "progress"]


@pytest.mark.parametrize("code", ["disk_full", "lost_gpu"])
def test_what_may_pass_is_tried_again_and_told(opened: Home, snapshot: CID, code: str) -> None:
    row, events = run_with(opened, snapshot, ill=code)
    assert row["status"] == "completed"
    again = [one for one in events if one["kind"] == "again"]
    assert sorted((one["fold"], one["code"], one["error"]) for one in again) == [
        (fold, code, f"the simulated {code}") for fold in (0, 1)
    ]
    taken = [(one["fold"], one["attempt"]) for one in events if one.get("event") == "taken_up"]
    assert sorted(taken) == [(0, 2), (1, 2)]


def test_what_does_not_pass_ends_the_run_with_its_reason(opened: Home, snapshot: CID) -> None:
    row, events = run_with(opened, snapshot, ill="disk_full", times=100)
    assert (row["status"], row["error"]) == ("failed", "the simulated disk_full")
    failed = [one for one in events if one["kind"] == "failed"]
    assert {(one["step"], one["code"]) for one in failed} == {("fold", "disk_full")}
    first = failed[0]["fold"]
    again = [one["attempt"] for one in events if one["kind"] == "again" and one["fold"] == first]
    assert again == list(range(1, ATTEMPTS))


def test_a_run_that_failed_is_taken_up_where_it_failed(opened: Home, snapshot: CID) -> None:
    row, _ = run_with(opened, snapshot, ill="disk_full", times=ATTEMPTS)
    assert row["status"] == "failed"
    for _ in range(2):  # as other jobs, whose claims are counted anew; the other fold may be ill for as long
        resume(opened, row["id"])
        opened.worker().work(row["id"])
        with opened.catalog.read() as db:
            row = runs.row(db, row["id"])
        if row["status"] == "completed":
            break
    assert row["status"] == "completed", row["error"]


@pytest.mark.parametrize("code", ["out_of_memory", "diverged"])
def test_what_the_recipe_has_an_answer_to_is_tried_once_more(opened: Home, snapshot: CID, code: str) -> None:
    row, events = run_with(opened, snapshot, ill=code, again="is well")
    assert row["status"] == "completed"
    tried = [one for one in events if one.get("event") == "second_try"]
    assert sorted((one["fold"], one["after"]) for one in tried) == [(0, code), (1, code)]
    for fold in row["folds"]:
        training = records.parse_as(records.Training, opened.store.get(CID.parse(fold["training"])))
        assert training.events[0] == {"event": "second_try", "after": code}


@pytest.mark.parametrize("code", ["out_of_memory", "diverged"])
def test_where_the_recipe_has_none_the_run_ends_with_the_reason(opened: Home, snapshot: CID, code: str) -> None:
    row, events = run_with(opened, snapshot, ill=code)
    assert (row["status"], row["error"]) == ("failed", f"the simulated {code}")
    assert [one["code"] for one in events if one["kind"] == "failed"][:1] == [code]
    assert not [one for one in events if one["kind"] == "again"]


def test_a_finished_folds_folder_is_cleared_away(opened: Home, snapshot: CID) -> None:
    row, _ = run_with(opened, snapshot)
    assert not (opened.settings.work / row["id"]).exists()
