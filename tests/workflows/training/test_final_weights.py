"""What people get: the weights that the plan names, a refit on all images, an average, an ONNX; and looking at them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.run_view import release_view
from registry.core.table import tables
from registry.core.weights import ONNX
from registry.evaluation.sentences import note_text
from registry.provenance.release_view import final_figures, final_weights, threshold_of
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.compare_releases import compare_releases
from registry.workflows.releases.predict import predict
from registry.workflows.releases.predicted_picture import draw_all
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

CHECKS = {
    4: "items prepared draw folds trainings predictions attempts base plan recipe arguments",
    6: "metrics thresholds confusion optimistic repeats overfitting curves fairness tests verdicts weights base card",
}
HOLDING = {f"{level}.{name}": "holds" for level, names in CHECKS.items() for name in names.split()}


@pytest.fixture
def snapshot(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(24)))
    return CID.parse(take_snapshot(opened)["snapshot"])


def completed(opened: Home, snapshot: CID, wanted: Wanted) -> str:
    run = start_run(opened, snapshot, wanted)
    opened.worker().work(run)
    with opened.catalog.read() as db:
        row = runs.row(db, run)
    assert row["status"] == "completed", row["error"]
    return run


def test_a_refit_is_trained_on_all_and_judged_by_none(opened: Home, snapshot: CID) -> None:
    run = completed(opened, snapshot, Wanted("simulated", "simulated", final="refit"))
    done = publish_release(opened, run)
    assert [one["fold"] for one in done["weights"]] == [0, 1, 2, None]
    assert done["final"] == "refit"
    assert done["own"] is None
    assert done["optimistic"][0]["name"] == "macro_f1"
    release = records.parse_as(records.Release, opened.store.get(CID.parse(done["release"])))
    view = release_view(opened.store.get, release)
    assert final_weights(view).fold is None
    assert final_figures(view) is None
    assert any("no figures of their own" in note_text(note) for note in view.evaluation.notes)
    assert [one.name for one in view.evaluation.overfitting] == ["fold 0", "fold 1", "fold 2", "refit", "mean"]
    judged = list(tables.rows_as_dicts(view.evaluation.predictions, opened.store.get))
    assert len(judged) == 24
    report = audit_target(opened, done["release"], level=6)
    assert {check.id: check.result for check in report.checks if check.level in (4, 6)} == HOLDING
    assert report.holds


def test_repeated_folds_judge_every_image_once_a_repeat(opened: Home, snapshot: CID) -> None:
    run = completed(opened, snapshot, Wanted("simulated", "simulated", overrides={"repeats": 2}, final="fold:5"))
    done = publish_release(opened, run)
    assert [one["fold"] for one in done["weights"]] == [0, 1, 2, 3, 4, 5]
    assert done["metrics"]["accuracy"]["n"] == 24
    assert done["own"]["accuracy"]["n"] == 8
    release = records.parse_as(records.Release, opened.store.get(CID.parse(done["release"])))
    view = release_view(opened.store.get, release)
    judged = list(tables.rows_as_dicts(view.evaluation.predictions, opened.store.get))
    assert len(judged) == 48
    assert final_figures(view) == view.evaluation.per_fold[5]
    trainings = [records.parse_as(records.Training, opened.store.get(one)) for one in view.evaluation.trainings]
    assert {one.fold: one.arguments["seed"] for one in trainings} == {0: 7, 1: 7, 2: 7, 3: 8, 4: 8, 5: 8}
    assert len(view.evaluation.per_repeat) == 2
    assert "macro_f1" in {one.name for one in view.evaluation.spread}
    assert len({(row["sha256"], row["fold"] // 3) for row in judged}) == 48
    report = audit_target(opened, done["release"], level=6)
    assert {check.id: check.result for check in report.checks if check.level in (4, 6)} == HOLDING


def test_thresholds_of_other_folds_are_what_people_get(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    recipe = '{"evaluation": {"threshold_rule": "other_folds", "threshold": "0.95"}}'
    run = completed(opened, snapshot, Wanted(recipe, "simulated", final="fold:1"))
    done = publish_release(opened, run)
    release = records.parse_as(records.Release, opened.store.get(CID.parse(done["release"])))
    view = release_view(opened.store.get, release)
    assert any("other_folds" in note_text(note) for note in view.evaluation.notes)
    assert len(view.evaluation.thresholds) == 3
    at = threshold_of(view, 1)
    assert at == int(view.evaluation.thresholds[1].replace(".", ""))
    assert (
        at < 900_000 < 950_000
    )  # the simulated method is 0.9 sure: at what the recipe would have fixed it says nothing
    assert threshold_of(view, None) == int(view.evaluation.threshold_of_all.replace(".", ""))
    Image.new("RGB", (160, 120), "white").save(tmp_path / "face.png")
    (found,) = predict(opened, CID.parse(done["release"]), [tmp_path / "face.png"])
    assert found["label"] is not None
    report = audit_target(opened, done["release"], level=6)
    assert {check.id: check.result for check in report.checks if check.level in (4, 6)} == HOLDING
    assert compare_releases(opened, CID.parse(done["release"]), CID.parse(done["release"]))["images"] == 24


def test_the_refit_goes_on_after_a_kill(opened: Home, snapshot: CID) -> None:
    completed(opened, snapshot, Wanted('{"die": true}', "simulated", final="refit"))


def test_a_second_try_is_said_in_the_training_record(opened: Home, snapshot: CID) -> None:
    run = completed(opened, snapshot, Wanted('{"fail": true, "again": "is well"}', "simulated"))
    with opened.catalog.read() as db:
        events = [one["data"] for one in opened.queue.events(db, run) if one["kind"] == "fold"]
        trainings = [CID.parse(fold["training"]) for fold in runs.folds(db, run)]
    tried = [one for one in events if one.get("event") == "second_try"]
    assert sorted(one["fold"] for one in tried) == [0, 1, 2]
    for cid in trainings:
        record = records.parse_as(records.Training, opened.store.get(cid))
        assert record.events[0] == {"event": "second_try", "after": "told_to_fail"}


def test_a_second_failure_ends_the_run_with_its_reason(opened: Home, snapshot: CID) -> None:
    run = start_run(opened, snapshot, Wanted('{"fail": true, "again": "fails"}', "simulated"))
    opened.worker().work(run)
    with opened.catalog.read() as db:
        row = runs.row(db, run)
    assert (row["status"], "told to fail" in row["error"]) == ("failed", True)


def test_the_onnx_stands_beside_the_weights_it_was_made_of(opened: Home, snapshot: CID) -> None:
    run = completed(opened, snapshot, Wanted("simulated", "simulated", final="fold:1"))
    done = publish_release(opened, run, onnx=True)
    (onnx,) = (one for one in done["weights"] if one["format"] == ONNX)
    own = next(one for one in done["weights"] if one["fold"] == 1 and one["format"] != ONNX)
    assert (onnx["fold"], onnx["tensors"]) == (1, own["tensors"])
    assert onnx["cid"] != own["cid"]
    assert publish_release(opened, run, onnx=True)["release"] == done["release"]
    assert audit_target(opened, done["release"]).holds


def test_predictions_can_be_averaged_and_looked_at(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    run = completed(opened, snapshot, Wanted("simulated", "simulated", final="refit"))
    release = CID.parse(publish_release(opened, run)["release"])
    names, told = [], PngInfo()
    told.add_text("Comment", "a secret comment")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        names.append(tmp_path / folder / "face.png")
        Image.new("RGB", (160, 120), "white").save(names[-1])
    alone, average = list(predict(opened, release, names)), list(predict(opened, release, names, average=True))
    assert [one["confidence"] for one in alone] == ["0.900000"] * 2
    assert [one["confidence"] for one in average] == ["0.300000"] * 2  # of three folds, the refit is not among them
    exif = Image.Exif()
    exif[0x010E] = "a secret description"
    Image.new("RGB", (160, 120), "white").save(names[0], exif=exif, pnginfo=told)
    written = draw_all(alone, tmp_path / "out")
    assert b"secret" not in written[0].read_bytes()
    assert [path.name for path in written] == ["face.png", "face-2.png"]
    with Image.open(written[0]) as picture:
        assert picture.size == (160, 120)
        assert len(picture.getcolors() or []) > 2  # a box and its label
    with pytest.raises(InvalidInput, match="there already"):
        draw_all(alone, tmp_path / "out")
