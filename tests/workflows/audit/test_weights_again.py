"""Level 7: the weights judge the images again. What a holder of the key makes up above true digests is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load, save

from registry.assembly import Home
from registry.core import records
from registry.core.ipld.cid import cid_of
from registry.core.run_view import ReleaseView
from registry.core.tensors import tensors_digest
from registry.core.weights import WEIGHTS
from registry.provenance.checks.report import Report
from registry.provenance.checks.target.deep import DeepOptions, Watch
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.children import rerun_in_this_process
from tests.support.forged_items import Change, files_of
from tests.support.forgery import (
    Changed,
    Released,
    car_of,
    failed,
    folder_of,
    forge,
    new_table,
    reason_of,
    replaced,
    results,
)

CHECK, ONNX = "7.predictions", "7.onnx"


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> None:
    rerun_in_this_process(monkeypatch)


def in_predictions(edit: Callable[[list[Any]], Any]) -> Change:
    """The first row that has a detection edited, the figures left as they are (level 6 has its own word on them)."""

    def change(home: Home, view: ReleaseView) -> Changed:
        def rows(found: list[Any]) -> list[Any]:
            edit(next(row for row in found if row[4]))
            return found

        table = new_table(home, view.evaluation.predictions, records.PREDICTIONS, rows)
        return replaced(view.release.evaluation, view.evaluation, predictions=table)

    return change


def score(by: int) -> Callable[[list[Any]], None]:
    def edit(row: list[Any]) -> None:
        row[4][0][1] += by

    return edit


def first_box(row: list[Any]) -> None:
    row[4][0][2] += 300


def other_class(row: list[Any]) -> None:
    row[4][0][0] = (row[4][0][0] + 1) % 3


def nothing_seen(row: list[Any]) -> None:
    row[4].clear()


def more_seen(row: list[Any]) -> None:
    row[4].append([*row[4][0][:1], 200_000, 5000, 5000, 100, 100])


MADE_UP = {
    "a score": score(5_000),
    "the last place of a score": score(1),
    "a box": first_box,
    "a class": other_class,
    "nothing seen": nothing_seen,
    "one more": more_seen,
}


def other_weights(home: Home, view: ReleaseView) -> Changed:
    """Fold 1's weights exchanged together with their digests: what it says of one image is another class."""
    one = view.trainings[1]
    files = files_of(home, one.weights)
    tensors = load(files[WEIGHTS])
    known = np.array(tensors["known"])
    known[:, 8] = (known[:, 8] + 1) % 3
    data = save({**tensors, "known": known})
    return _exchanged(home, view, one, {**files, WEIGHTS: data}, tensors_digest(data))


def _exchanged(home: Home, view: ReleaseView, one: records.Training, files: dict[str, bytes], digest: str) -> Changed:
    folder = cid_of(folder_of(home, files), one.weights.codec)
    weights = tuple(
        msgspec.structs.replace(weights, cid=folder, tensors=digest) if weights.fold == one.fold else weights
        for weights in view.release.weights
    )
    training = msgspec.structs.replace(one, weights=folder, tensors=digest)
    return {
        view.release.trainings[1]: records.encode(training),
        records.cid(view.release): records.encode(msgspec.structs.replace(view.release, weights=weights)),
    }


def audited(released: Released, change: Change, folder: Path, **given: Any) -> Report:
    home, entry, view = released
    return audit_car(car_of(home, forge(home, entry, change(home, view)), folder / "forged.car"), level=7, **given)


def test_an_honest_release_holds_to_the_bit_here_and_on_another_processor(
    released: Released, honest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = audit_car(honest, level=7)
    assert (failed(report), results(report)[CHECK]) == ([], "holds")
    assert reason_of(report, CHECK).startswith(f"{len(judged(released))} predictions equal to the bit; all ")
    monkeypatch.setenv("SIMULATED_PROCESSOR", "another")
    assert results(audit_car(honest, level=7))[CHECK] == "holds"


def judged(released: Released) -> list[Any]:
    from registry.core.table import tables

    return list(tables.iterate(released.view.evaluation.predictions, released.home.store.get))


@pytest.mark.parametrize("made_up", MADE_UP)
def test_made_up_predictions_are_found(released: Released, tmp_path: Path, made_up: str) -> None:
    report = audited(released, in_predictions(MADE_UP[made_up]), tmp_path)
    assert CHECK in failed(report)
    assert "not what the weights give" in reason_of(report, CHECK)


def test_on_another_processor_the_last_places_may_differ_and_nothing_more(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED_PROCESSOR", "another")
    for name in MADE_UP:
        report = audited(released, in_predictions(MADE_UP[name]), tmp_path)
        assert (CHECK in failed(report)) is (name != "the last place of a score"), name
    assert "1 within the tolerance" in reason_of(audited(released, in_predictions(score(1)), tmp_path), CHECK)


def test_weights_exchanged_with_their_digests_are_found(released: Released, tmp_path: Path) -> None:
    report = audited(released, other_weights, tmp_path)
    assert results(report)["6.weights"] == "holds"
    assert CHECK in failed(report)


def test_a_sample_by_a_beacon_looks_at_so_many_and_says_so(released: Released, honest: Path) -> None:
    told: list[str] = []
    report = audit_target(released.home, str(honest), level=7, deep=DeepOptions(sample=5), watch=Watch(say=told.append))
    assert reason_of(report, CHECK).startswith("5 predictions equal to the bit; 5 of ")
    assert any(said.startswith("level 7: 5 predictions will be made again by the weights of") for said in told)


def test_what_was_seen_is_not_seen_twice(released: Released, honest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    watch = Watch(progress=lambda what, done, total: seen.append(done) if what == "level 7: images" else None)
    audit_target(released.home, str(honest), level=7, deep=DeepOptions(all=True), watch=watch)
    first = len(seen)
    report = audit_target(released.home, str(honest), level=7, deep=DeepOptions(all=True), watch=watch)
    assert (first > 0, len(seen), results(report)[CHECK]) == (True, first, "holds")
    for kept in (released.home.settings.home / "audits").rglob("seen/*.json"):
        kept.write_bytes(kept.read_bytes()[:-3])  # cut short: as if it were not there
    report = audit_target(released.home, str(honest), level=7, deep=DeepOptions(all=True), watch=watch)
    assert (len(seen), results(report)[CHECK]) == (2 * first, "holds")


def test_images_that_were_left_out_leave_it_unchecked_and_accuse_nobody(released: Released, tmp_path: Path) -> None:
    export_held(released.home, released.entry, tmp_path / "small.car", without_images=True)
    report = audit_car(tmp_path / "small.car", level=8)
    assert failed(report) == []
    assert report.exit_code(strict=False) == 0
    for id in (CHECK, "8.training"):
        assert (results(report)[id], "not at hand" in reason_of(report, id)) == ("not checked", True)


def test_a_method_that_is_not_installed_leaves_it_unchecked(honest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.core.errors import NotFound
    from registry.workflows.audit import audit_file

    def none(name: str) -> Any:
        raise NotFound("it is not installed")

    monkeypatch.setattr(audit_file, "installed", none)
    report = audit_car(honest, level=8)
    assert failed(report) == []
    assert "is not installed here" in reason_of(report, CHECK)
    assert "is not installed here" in reason_of(report, "8.training")


def onnx_of(edit: Callable[[bytes], bytes]) -> Change:
    """An ONNX of fold 0 beside its weights, as the simulated method exports it, edited."""

    def change(home: Home, view: ReleaseView) -> Changed:
        first = view.release.weights[0]
        data = home.method("simulated").export(files_of(home, first.cid))["model.onnx"]
        folder = cid_of(folder_of(home, {"model.onnx": edit(data)}), first.cid.codec)
        more = records.Weights(fold=first.fold, format="onnx", cid=folder, tensors=first.tensors)
        return replaced(records.cid(view.release), view.release, weights=(*view.release.weights, more))

    return change


def sees_else(data: bytes) -> bytes:
    head, mark, tensors = data.partition(b"simulated ")
    found = load(tensors)
    known = np.array(found["known"])
    known[0, 8] = (known[0, 8] + 1) % 3
    return bytes(head + mark + save({**found, "known": known}))


def test_an_onnx_that_sees_the_same_holds_and_another_does_not(released: Released, tmp_path: Path) -> None:
    same = audited(released, onnx_of(lambda data: data), tmp_path)
    assert (failed(same), results(same)[ONNX], results(same)["6.onnx"]) == ([], "holds", "not checked")
    other = audited(released, onnx_of(sees_else), tmp_path)
    assert failed(other) == [ONNX]
    assert "does not see what its weights see" in reason_of(other, ONNX)
    broken = audited(released, onnx_of(lambda data: data[:3]), tmp_path)
    assert failed(broken) == [ONNX]


def test_a_withdrawn_image_is_left_out_and_counted(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    from registry.core.table import tables
    from tests.support.forgery import simulated_release

    with simulated_release(tmp_path_factory.mktemp("withdrawn")) as found:
        home, entry, view = found
        row = next(iter(tables.rows_as_dicts(view.evaluation.predictions, home.store.get)))
        withdraw(home, row["sha256"].hex(), "asked for")
        export_held(home, entry, tmp_path / "gone.car")
        report = audit_car(tmp_path / "gone.car", level=8)
        assert failed(report) == []
        assert reason_of(report, CHECK).endswith("1 withdrawn image left out")
        assert "not at hand" in reason_of(report, "8.training")
