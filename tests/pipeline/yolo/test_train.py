"""One fold, really trained, tiny: the same bits again, also after kill -9; no network; cancelled at once."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support.processes.forked import new_interpreter, server

pytestmark = pytest.mark.slow
Document = dict[str, Any]
SECONDS = 300


def process(scenario: str, folder: Path, home: Path, killed: bool = False, new: bool = False) -> Document:
    """Run one scenario in a folder where hostile files lie about; its document. ``new``: in a new interpreter."""
    home.mkdir(exist_ok=True)
    for name in ("yolov8.yaml", "yolov8n.yaml", "array", "data.yaml"):
        (home / name).write_text("nc: 80\nbackbone: [[-1, 1, __import__('os').abort(), []]]\nhead: []\n")
    run = new_interpreter if new else server().run
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "TMPDIR": str(home)}
    given = (scenario, str(folder))
    done = run("tests.pipeline.yolo.fold_process", given, home, {**environment, "YOLO_OFFLINE": "false"}, SECONDS)
    if killed:
        assert done.returncode == -9, done.stderr[-3000:]
        return {}
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("folds")


@pytest.fixture(scope="module")
def plain(place: Path) -> Document:
    return process("plain", place / "plain", place / "home", new=True)


@pytest.fixture(scope="module")
def others(place: Path) -> Document:
    return process("others", place / "others", place / "home-2")


def test_a_fold_gives_weights_history_and_a_prediction_for_every_judged_image(plain: Document) -> None:
    assert set(plain["files"]) == {"weights.safetensors", "model.json"}
    assert [epoch for epoch, _ in plain["history"]] == [1, 2, 3]
    judged = [epoch for epoch, values in plain["history"] if any(name.startswith("val/") for name in values)]
    assert judged == [2, 3]  # every second epoch, and the last
    assert all(
        isinstance(value, str) and float(value) == float(value) for _, row in plain["history"] for value in row.values()
    )
    assert sorted(plain["predictions"]) == plain["judged"]
    assert plain["events"] == []


def test_every_epochs_state_has_a_digest_and_what_is_kept_has_the_same(plain: Document) -> None:
    assert len(set(plain["states"])) == 3
    assert plain["checkpoints"] == {"2": plain["states"][1]}


def test_a_fold_that_ends_early_is_the_same_until_then_and_goes_on_to_the_same_end(
    plain: Document, others: Document
) -> None:
    stopped, again, whole = others["stopped"]
    for one in (stopped, again):
        assert (one["history"], one["states"]) == (plain["history"][:2], plain["states"][:2])
        assert (one["arguments"], one["predictions"]) == (plain["arguments"], {})
    assert (whole["tensors"], whole["states"], whole["predictions"]) == (
        plain["tensors"],
        plain["states"],
        plain["predictions"],
    )


def test_what_is_recorded_holds_no_float_and_no_path(plain: Document) -> None:
    assert not [value for value in plain["arguments"].values() if isinstance(value, float)]
    assert not {"project", "name", "data"} & set(plain["arguments"])
    assert plain["arguments"]["lr0"] == "0.002"
    assert plain["arguments"]["threads"] == plain["threads"] == 1


def test_detections_are_integers_within_the_original_by_falling_score(plain: Document) -> None:
    some = 0
    for name, found in plain["predictions"].items():
        width, height = plain["boxes"][name]
        scores = [score for _, score, *_ in found]
        assert scores == sorted(scores, reverse=True)
        for kind, score, x, y, w, h in found:
            some += 1
            assert 0 <= kind < 4
            assert 100 <= score <= 1_000_000
            assert 0 <= x <= x + w <= width * 100
            assert 0 <= y <= y + h <= height * 100
    assert some  # otherwise nothing was compared


def test_published_weights_predict_the_same_bit_by_bit(plain: Document) -> None:
    assert plain["again"] == plain["predictions"]


def test_it_tells_every_epoch_and_gives_a_sign_of_life_every_batch(plain: Document) -> None:
    assert [(one["epoch"], one["epochs"]) for one in plain["epochs"]] == [(1, 3), (2, 3), (3, 3)]
    assert all(float(one["loss"]) > 0 for one in plain["epochs"])
    assert plain["signs"] >= 3 * 2 + 4  # two batches an epoch, four judged images


def test_nothing_is_left_in_the_users_home(plain: Document, place: Path) -> None:
    left = {path.name for path in (place / "home").iterdir()} - {"yolov8.yaml", "yolov8n.yaml", "array", "data.yaml"}
    assert left <= {".cache", ".config", "torchinductor_root"}  # torch makes its folder when it is imported
    assert not list((place / "home").rglob("*ltralytics*"))


def test_the_same_task_gives_the_same_tensors_elsewhere(plain: Document, others: Document) -> None:
    assert others["same"] == plain["tensors"]
    assert others["other_fold"] != others["fewer"]["tensors"] != plain["tensors"]


def test_drawing_plots_on_the_way_changes_no_bit(plain: Document, place: Path) -> None:
    found = process("plotted", place / "plotted", place / "home-8")
    assert found["pictures"] > 0
    for name in ("tensors", "predictions"):
        assert found[name] == plain[name]


def test_every_size_builds_and_is_known_by_its_shapes(place: Path) -> None:
    found = process("sizes", place / "sizes", place / "home-9")["sizes"]
    assert sorted(found) == [f"yolov8{letter}" for letter in "lmnsx"]
    for name, (count, stated, told, classes) in found.items():
        assert (told, classes) == (name, 4)
        assert 0.9 * count <= stated <= 1.1 * count, name


def test_base_weights_are_taken_up_and_said(others: Document) -> None:
    (event,) = others["based"]["events"]
    assert event["event"] == "base_weights"
    assert event["transferred"] == event["of"] > 300
    assert others["based"]["tensors"] != others["fewer"]["tensors"]


def test_a_refit_judges_nobody(others: Document) -> None:
    assert others["refit"]["predictions"] == {}
    assert not [name for _, values in others["refit"]["history"] for name in values if name.startswith("val/")]


def test_killed_and_taken_up_it_ends_with_the_same_bits(plain: Document, place: Path) -> None:
    process("killed", place / "killed", place / "home-3", killed=True)
    assert (place / "killed" / "fold" / "checkpoint.pt").exists()
    again = process("plain", place / "killed", place / "home-3")
    assert again["events"] == [{"event": "resumed", "epoch": 1}]
    assert [one["epoch"] for one in again["epochs"]] == [2, 3]
    for name in ("tensors", "history", "predictions", "states", "checkpoints"):
        assert again[name] == plain[name]


def test_cancelled_it_leaves_before_the_next_batch(place: Path) -> None:
    assert process("cancelled", place / "cancelled", place / "home-4")["calls_after"] == [0, 0, 0]


def test_a_checkpoint_that_is_damaged_or_anothers_is_not_used(place: Path) -> None:
    found = process("damaged", place / "damaged", place / "home-5")
    assert found["again"]["tensors"] == found["first"]["tensors"]
    for outcome, epochs in ((found["first"], 1), (found["again"], 1), (found["second"], 2)):
        assert [event["event"] for event in outcome["events"]] == ["restarted"]
        assert len(outcome["history"]) == epochs


def test_a_loss_that_is_no_number_ends_the_fold(place: Path) -> None:
    found = process("diverged", place / "diverged", place / "home-6")
    assert found["code"] == "diverged"
    assert "the loss is not a number" in found["said"]


def test_weights_of_another_architecture_or_class_order_are_refused(place: Path) -> None:
    found = process("hostile", place / "hostile", place / "home-7")
    for name in ("missing", "more", "shape", "dtype", "architecture", "no file"):
        assert found[name] == "Untrusted hostile_weights", name
    assert found["order"] == "Untrusted class_order"
    assert found["greedy"] == "InvalidInput bad_recipe"
    assert found["no picture"] == "InvalidInput undecodable"
    assert found["good"] is None


def test_a_training_that_rests_ends_early_and_stays_ended(place: Path) -> None:
    found = process("stopped", place / "stopped", place / "home-s")
    first, again = found["first"], found["again"]
    assert first["events"][-1]["event"] == "stopped_early"
    assert len(first["history"]) < 40
    assert {"train/box_loss", "val/box_loss"} <= first["history"][-1][1].keys()  # its last epoch was validated too
    assert again["tensors"] == first["tensors"]
    assert again["history"] == first["history"]
    assert again["predictions"] == first["predictions"]


def test_what_is_missing_is_said_by_its_name(place: Path) -> None:
    assert process("failures", place / "failures", place / "home-f") | {"threads": 1} == {
        "disk": "Unavailable disk_full",
        "after": None,  # with room again it goes on
        "gpu": "Unavailable lost_gpu",
        "device": "InvalidInput no_device",
        "bf16": "InvalidInput no_bf16",
        "memory": "EmotionetError out_of_memory",
        "threads": 1,
    }


def test_onnx_averages_and_estimates_are_those_of_the_weights(place: Path) -> None:
    found = process("outward", place / "outward", place / "home-o")
    assert found["same"]
    assert found["opset"] == [17]
    metadata, *rest = found["metadata"]
    assert rest == ["", "emotionet"]
    assert ast.literal_eval(metadata["names"]) == dict(enumerate(("triste", "sorprendido", "feliz", "enojado")))
    assert metadata["imgsz"] == "[64, 64]"
    assert "grey 114" in metadata["preprocessing"]
    assert len({(mirrored, *ours) for mirrored, ours, *_ in found["used"]}) > 5, "pictures get different answers"
    for mirrored, ours, onnxruntimes, ultralytics in found["used"]:
        assert onnxruntimes == [ours[0], pytest.approx(ours[1], abs=2e-6)]
        assert mirrored or ultralytics == [ours[0], pytest.approx(ours[1], abs=2e-6)]
    assert not found["folder"]
    assert found["hostile"] == "Untrusted hostile_weights"
    assert found["alone"] == found["twice"] != found["average"]
    seconds, memory, pixels, checkpoint = found["estimate"]
    assert seconds >= 0
    assert memory > 500 << 20
    assert pixels == 8 * 64 * 64 * 3
    assert found["checkpoint"] <= checkpoint <= 3 * found["checkpoint"]


def test_precision_and_frozen_layers_do_what_they_say(place: Path) -> None:
    found = process("precise", place / "precise", place / "home-p")
    assert found["moved"] == {"model.0.conv.weight": False, "model.21.cv1.conv.weight": True}
    if found["bf16"] is not None:  # a processor without it refuses, see above
        assert found["bf16"][0] == found["bf16"][1] != found["plain"]


@pytest.mark.parametrize("kind", ["background", "only_background"])
def test_pictures_without_an_object_are_trained_on_and_judged(others: Document, kind: str) -> None:
    outcome = others[kind]
    assert outcome["tensors"] != others["fewer"]["tensors"], "the same images with objects give other weights"
    assert all(float(values["train/cls_loss"]) > 0 for _, values in outcome["history"])
    assert len(outcome["predictions"]) == 4


def test_only_a_picture_without_an_object_has_no_box(others: Document) -> None:
    found = list(others["boxes"].values())
    assert {bool(boxes) for label, boxes in found if label is None} == {False}
    assert {bool(boxes) for label, boxes in found if label is not None} == {True}
