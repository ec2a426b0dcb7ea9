"""A run from snapshot to release with the simulated method: its steps, its kills, its errors."""

from __future__ import annotations

import threading
import time

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.content.unixfs.importer import add_bytes
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.table import tables
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.runs.control_run import cancel, resume
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import collect_garbage
from tests.workflows.conftest import Folder

SIMULATED = Wanted(recipe="simulated", method="simulated", claims=("macro_f1 >= 0.10", "macro_f1 >= 0.999"))


@pytest.fixture
def snapshot(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(48)))
    return CID.parse(take_snapshot(opened)["snapshot"])


def run_to_end(opened: Home, snapshot: CID, wanted: Wanted = SIMULATED) -> dict[str, object]:
    run = start_run(opened, snapshot, wanted)
    opened.worker().work(run)
    with opened.catalog.read() as db:
        return dict(runs.get(db, run))


def test_a_run_ends_in_a_release(opened: Home, snapshot: CID) -> None:
    row = run_to_end(opened, snapshot)
    assert row["status"] == "completed"
    assert row["kept"] == 48
    assert [fold["status"] for fold in row["folds"]] == ["completed"] * 3  # type: ignore[attr-defined]
    done = publish_release(opened, str(row["run"]))
    assert done["anchor"]["status"] == "journal"
    assert done["issuer"] == opened.key.did
    assert [claim["verdict"] for claim in done["claims"]] == ["supported", "refuted"]
    assert publish_release(opened, str(row["run"]))["release"] == done["release"]
    assert show_release(opened, CID.parse(done["entry"]))["release"] == done["release"]
    assert len(done["weights"]) == 3
    assert done["final"] == "fold:0"


def test_every_image_is_judged_once_by_a_fold_that_did_not_see_it(opened: Home, snapshot: CID) -> None:
    row = run_to_end(opened, snapshot)
    done = publish_release(opened, str(row["run"]))
    evaluation = records.parse_as(records.Evaluation, opened.store.get(CID.parse(done["evaluation"])))
    draw = records.parse_as(records.Draw, opened.store.get(CID.parse(done["draw"])))
    folds = {one["sha256"]: one["fold"] for one in tables.rows_as_dicts(draw.folds, opened.store.get)}
    judged = {one["sha256"]: one["fold"] for one in tables.rows_as_dicts(evaluation.predictions, opened.store.get)}
    assert judged == folds
    assert len(judged) == 48


def test_a_fold_that_is_killed_is_tried_again(opened: Home, snapshot: CID) -> None:
    row = run_to_end(opened, snapshot, Wanted(recipe='{"die": true}', method="simulated"))
    assert row["status"] == "completed"


def test_a_fold_that_fails_ends_the_run_with_its_reason(opened: Home, snapshot: CID) -> None:
    row = run_to_end(opened, snapshot, Wanted(recipe='{"fail": true}', method="simulated"))
    assert row["status"] == "failed"
    assert "told to fail" in str(row["error"])
    with pytest.raises(Conflict, match="only a completed run"):
        publish_release(opened, str(row["run"]))


def test_cancel_stops_at_once_and_resume_goes_on(opened: Home, snapshot: CID) -> None:
    run = start_run(opened, snapshot, Wanted(recipe='{"delay": 400, "epochs": 20}', method="simulated"))
    worker = opened.worker()
    thread = threading.Thread(target=worker.work, args=(run,))
    thread.start()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with opened.catalog.read() as db:
            if any(fold["status"] == "running" for fold in runs.folds(db, run)):
                break
        time.sleep(0.1)
    cancel(opened, run)
    thread.join(30)
    assert not thread.is_alive()
    with opened.catalog.read() as db:
        assert runs.get(db, run)["status"] == "cancelled"
    with pytest.raises(Conflict):
        cancel(opened, run)
    with opened.catalog.write() as db:  # the rest goes on quickly
        options = runs.row(db, run)["options"]
        assert options["values"]["training"]["delay"] == 400
    resume(opened, run)
    assert opened.queue.pending(run)


def test_what_is_asked_for_wrongly_is_refused_before_anything_is_queued(opened: Home, snapshot: CID) -> None:
    with pytest.raises(NotFound):
        start_run(opened, CID.parse("bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje"), SIMULATED)
    with pytest.raises(NotFound, match="not installed"):
        start_run(opened, snapshot, Wanted(method="nothing"))
    with pytest.raises(UsageError, match="fold:0 to fold:2"):
        start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", final="fold:3"))
    with pytest.raises(UsageError, match="no engine 'slurm'"):
        start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", engine="slurm"))
    for stated in (
        *('{"threshold_rule": "best"}', '{"threshold": "0.001"}', '{"threshold": "2"}'),
        *('{"rounds": -1}', '{"rounds": 2}', '{"rounds": 999}', '{"rounds": 100000}'),
        *('{"confidence": "0.5"}', '{"min_group": 0}', '{"min_group": 1000000}'),
    ):
        with pytest.raises(InvalidInput):
            start_run(opened, snapshot, Wanted(recipe=f'{{"evaluation": {stated}}}', method="simulated"))
    for folds in ({"folds": 1}, {"folds": 101}, {"folds": 20, "repeats": 20}, {"repeats": 1_000_000}):
        with pytest.raises(InvalidInput):
            start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", overrides=folds))
    for claim in ("f1(felix) >= 0.8", "recall(gender=f) >= 0.8"):
        with pytest.raises(InvalidInput, match="names no class, group or attribute") as caught:
            start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", claims=(claim,)))
        assert "the classes are triste" in str(caught.value.hint)
    with opened.catalog.read() as db:
        assert runs.list_runs(db, cursor=None, limit=10)[0] == []


def test_the_same_plan_draws_the_same_folds(opened: Home, snapshot: CID) -> None:
    one, two = (run_to_end(opened, snapshot) for _ in range(2))
    assert one["plan"] == two["plan"]
    assert one["draw"] == two["draw"]
    assert one["run"] != two["run"]


def test_garbage_collection_frees_nothing_that_a_run_or_a_record_reaches(opened: Home, snapshot: CID) -> None:
    run_to_end(opened, snapshot)
    stray = add_bytes(opened.store, b"nobody speaks of this").cid
    opened.store.flush()
    with opened.catalog.read() as db:
        newest = runs.row(db, runs.list_runs(db)[0][0]["run"])
        trained = [fold["training"] for fold in runs.folds(db, newest["id"])]
    report = collect_garbage(opened)
    assert (report["blocks"], report["missing"], report["withdrawn"]) == (1, 0, 0)
    assert not opened.store.has(stray)
    for text in [*trained, newest["evaluation"], newest["plan_entry"], str(snapshot)]:
        assert list(walk_closure(opened.store.get, [CID.parse(text)]))
    publish_release(opened, newest["id"])  # all that it needs is there
    assert collect_garbage(opened)["blocks"] == 0
