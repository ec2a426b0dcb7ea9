"""The audit believes nothing: whatever is changed, even by who holds the key, a named check says so."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.assembly import Home
from registry.core import records
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.ipld.dag import walk_held
from registry.core.run_view import ReleaseView
from registry.web.base.check_reasons import check_reason
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.store.export_held import export_held
from tests.support.forgery import (
    Change,
    Released,
    car_of,
    failed,
    forge,
    new_table,
    opened_home,
    replaced,
    simulated_release,
)

PYTHON = re.compile(r"[{(\[]'|'[})\]]|\b(None|True|False)\b|\bb'|Decimal|CID\(|&lt;|\\")  # data as Python writes it


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A home with one release, of the simulated method."""
    with simulated_release(tmp_path_factory.mktemp("audit")) as found:
        yield found


def test_the_release_holds_here_and_from_its_file(released: Released, tmp_path: Path) -> None:
    opened, entry, _ = released
    report = audit_target(opened, str(entry))
    assert (failed(report), report.holds, report.exit_code(strict=False)) == ([], True, 0)
    assert report.exit_code(strict=True) == 1  # no chain was asked
    path = tmp_path / "release.car"
    export_held(opened, entry, path)
    report = audit_car(path)
    assert (failed(report), report.exit_code(strict=False)) == ([], 0)
    assert report.issuer == opened.key.did
    assert {check.level for check in report.checks} == set(range(1, 9))


def test_without_images_says_what_it_did_not_see(released: Released, tmp_path: Path) -> None:
    opened, entry, _ = released
    export_held(opened, entry, tmp_path / "small.car", without_images=True)
    report = audit_car(tmp_path / "small.car")
    assert (failed(report), report.holds) == ([], False) or report.holds
    images = next(check for check in report.checks if check.id == "1.images")
    assert images.result == "not checked"
    assert "left out" in images.reason
    assert report.exit_code(strict=False) == 0


def test_another_issuer_is_refused(released: Released) -> None:
    opened, entry, _ = released
    report = audit_target(opened, str(entry), issuer="did:pkh:eip155:1:0x" + "0" * 40)
    assert failed(report) == ["2.issuer"]
    assert audit_target(opened, str(entry), issuer=opened.key.did).holds


def bumped(metrics: tuple[records.Metric, ...]) -> tuple[records.Metric, ...]:
    return (msgspec.structs.replace(metrics[0], value="0.999999"), *metrics[1:])


def change_metric(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, metrics=bumped(view.evaluation.metrics))


def change_fold_metric(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    folds = (bumped(view.evaluation.per_fold[0]), *view.evaluation.per_fold[1:])
    return replaced(view.release.evaluation, view.evaluation, per_fold=folds)


def change_thresholds(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    first, *rest = view.evaluation.thresholds
    assert first == "0.250000"
    return replaced(view.release.evaluation, view.evaluation, thresholds=("0.240000", *rest))


def change_threshold_of_all(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, threshold_of_all="0.240000")


def change_rule(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    """Another rule in the recipe: the thresholds that are stated do not follow from it."""
    stated = {**view.recipe.values["evaluation"], "threshold_rule": "other_folds", "threshold": "0.95"}
    return replaced(view.plan.recipe, view.recipe, values={**view.recipe.values, "evaluation": stated})


def change_confusion(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    first, *rest = view.evaluation.confusion
    return replaced(view.release.evaluation, view.evaluation, confusion=((first[0] + 1, *first[1:]), *rest))


def change_several(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    first, *rest = view.evaluation.several
    return replaced(view.release.evaluation, view.evaluation, several=(first + 1, *rest))


def change_optimistic(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    best, boxes = view.evaluation.optimistic
    lower = msgspec.structs.replace(best, value="0.100000")
    return replaced(view.release.evaluation, view.evaluation, optimistic=(lower, boxes))


def change_best_threshold(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    best, boxes = view.evaluation.optimistic
    other = msgspec.structs.replace(best, threshold="0.999999")
    return replaced(view.release.evaluation, view.evaluation, optimistic=(other, boxes))


def change_losses(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    first, *rest = view.evaluation.overfitting
    assert (first.name, first.epochs, first.best_epoch) == ("fold 0", 2, 2)
    better = msgspec.structs.replace(first, last_gap="0.000000")
    return replaced(view.release.evaluation, view.evaluation, overfitting=(better, *rest))


def change_history(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[-1][1] = {**rows[-1][1], "val/box_loss": "0.001000"}
        return rows

    training = view.trainings[0]
    table = new_table(opened, training.history, records.HISTORY, edit)
    return replaced(view.release.trainings[0], training, history=table)


def change_repeats(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, per_repeat=(view.evaluation.metrics,))


def change_spread(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    narrow = records.Spread(
        metric="macro_f1", mean="0.900000", lowest="0.900000", highest="0.900000", deviation="0.000000"
    )
    return replaced(view.release.evaluation, view.evaluation, spread=(narrow,))


def other_trainings(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    """Losses of one's best fold alone."""
    first = view.evaluation.trainings[:1]
    return replaced(view.release.evaluation, view.evaluation, trainings=first)


def change_fairness(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, fairness=bumped(view.evaluation.fairness))


def change_group_test(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    first, *rest = view.evaluation.tests
    surer = msgspec.structs.replace(first, corrected="0.000001")
    return replaced(view.release.evaluation, view.evaluation, tests=(surer, *rest))


def drop_group_test(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, tests=view.evaluation.tests[1:])


def change_gap(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    narrow = tuple(
        msgspec.structs.replace(one, high="0.050000") if one.name == "recall_gap(side)" else one
        for one in view.evaluation.fairness
    )
    assert narrow != view.evaluation.fairness
    return replaced(view.release.evaluation, view.evaluation, fairness=narrow)


def change_needed(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    verdicts = tuple(msgspec.structs.replace(one, needed=1) for one in view.evaluation.verdicts)
    return replaced(view.release.evaluation, view.evaluation, verdicts=verdicts)


def change_notes(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.evaluation, view.evaluation, notes=(records.Note(code="balance", values={}),))


def change_verdict(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    verdicts = tuple(msgspec.structs.replace(one, threshold="0.900000") for one in view.evaluation.verdicts)
    return replaced(view.release.evaluation, view.evaluation, verdicts=verdicts)


def change_curve(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[0][1][3][1] = "0.123456"
        return rows

    table = new_table(opened, view.evaluation.curves, records.CURVES, edit)
    return replaced(view.release.evaluation, view.evaluation, curves=table)


def change_prediction(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[0][4] = [[(rows[0][2] + 1) % 4, 990_000, 0, 0, 10, 10]]
        return rows

    table = new_table(opened, view.evaluation.predictions, records.PREDICTIONS, edit)
    return replaced(view.release.evaluation, view.evaluation, predictions=table)


def change_truth(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[0][2] = (rows[0][2] + 1) % 4
        return rows

    table = new_table(opened, view.evaluation.predictions, records.PREDICTIONS, edit)
    return replaced(view.release.evaluation, view.evaluation, predictions=table)


def drop_prediction(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    table = new_table(opened, view.evaluation.predictions, records.PREDICTIONS, lambda rows: rows[1:])
    return replaced(view.release.evaluation, view.evaluation, predictions=table)


def swap_folds(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[0][2] = (rows[0][2] + 1) % 3
        return rows

    table = new_table(opened, view.draw.folds, records.FOLDS, edit)
    return replaced(view.release.draw, view.draw, folds=table)


def change_seed(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    return replaced(view.release.draw, view.draw, seed=b"\1" * 32)


def change_label(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[0][3] = "sorprendido"
        return rows

    table = new_table(opened, view.snapshot.items, records.SNAPSHOT_ITEMS, edit)
    return replaced(view.preprocessing.snapshot, view.snapshot, items=table)


def drop_item(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    table = new_table(opened, view.snapshot.items, records.SNAPSHOT_ITEMS, lambda rows: rows[1:])
    return replaced(view.preprocessing.snapshot, view.snapshot, items=table, count=view.snapshot.count - 1)


def hide_excluded(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    table = new_table(opened, view.snapshot.excluded, records.EXCLUDED, lambda rows: rows[1:])
    return replaced(view.preprocessing.snapshot, view.snapshot, excluded=table)


def split_group(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    def edit(rows: list[Any]) -> list[Any]:
        other = next(row for row in rows if row[6] != rows[0][6])
        rows[0][6] = other[6]
        return rows

    table = new_table(opened, view.preprocessing.output, records.PREPARED, edit)
    return replaced(view.plan.preprocessing, view.preprocessing, output=table)


def drop_training(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    cid = records.cid(view.release)
    return replaced(cid, view.release, trainings=view.release.trainings[:-1], weights=view.release.weights[:-1])


def swap_weights(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    one, two, *rest = view.release.weights
    swapped = (msgspec.structs.replace(one, cid=two.cid), two, *rest)
    return replaced(records.cid(view.release), view.release, weights=swapped)


def own_claims(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    better = tuple(msgspec.structs.replace(one, low="0.990000") for one in view.release.claims)
    return replaced(records.cid(view.release), view.release, claims=better)


def endless_recipe(opened: Home, view: ReleaseView) -> dict[CID, bytes]:
    """Numbers that would take for ever, where an honest recipe has a share and a count."""
    stated = {**view.recipe.values["evaluation"], "threshold": "1e999999999", "rounds": 1 << 62}
    return replaced(view.plan.recipe, view.recipe, values={**view.recipe.values, "evaluation": stated})


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (endless_recipe, "6.metrics"),
        (change_metric, "6.metrics"),
        (change_fold_metric, "6.metrics"),
        (change_thresholds, "6.thresholds"),
        (change_threshold_of_all, "6.thresholds"),
        (change_rule, "6.thresholds"),
        (change_confusion, "6.confusion"),
        (change_losses, "6.overfitting"),
        (change_history, "6.overfitting"),
        (other_trainings, "6.overfitting"),
        (change_repeats, "6.repeats"),
        (change_spread, "6.repeats"),
        (change_several, "6.confusion"),
        (change_optimistic, "6.optimistic"),
        (change_best_threshold, "6.optimistic"),
        (change_fairness, "6.fairness"),
        (change_gap, "6.fairness"),
        (change_notes, "6.fairness"),
        (change_group_test, "6.tests"),
        (drop_group_test, "6.tests"),
        (change_needed, "6.verdicts"),
        (change_verdict, "6.verdicts"),
        (own_claims, "6.verdicts"),
        (change_curve, "6.curves"),
        (change_prediction, "6.metrics"),
        (swap_weights, "6.weights"),
        (change_truth, "4.predictions"),
        (drop_prediction, "4.predictions"),
        (drop_training, "4.trainings"),
        (swap_folds, "4.folds"),
        (change_seed, "4.draw"),
        (change_label, "4.items"),
        (drop_item, "4.items"),
        (hide_excluded, "4.items"),
        (split_group, "4.prepared"),
    ],
)
def test_who_holds_the_key_can_not_lie_either(released: Released, change: Change, check: str, tmp_path: Path) -> None:
    opened, entry, view = released
    forged = forge(opened, entry, change(opened, view))
    assert forged != entry
    report = audit_car(car_of(opened, forged, tmp_path / "forged.car"))
    assert check in failed(report)
    assert report.exit_code(strict=False) == 1
    assert not [one for one in report.checks if one.level <= 2 and one.result == "does not hold"]
    assert next(one for one in report.checks if one.id == check).reason
    assert [one.reason for one in report.checks if PYTHON.search(one.reason)] == []


def test_a_claim_that_came_out_otherwise_is_told_in_words(released: Released, tmp_path: Path) -> None:
    opened, entry, view = released
    (honest,) = view.evaluation.verdicts
    forged = tuple(msgspec.structs.replace(one, verdict="refuted") for one in view.evaluation.verdicts)
    changed = replaced(view.release.evaluation, view.evaluation, verdicts=forged)
    report = audit_car(car_of(opened, forge(opened, entry, changed), tmp_path / "forged.car"))
    said = f"claim “macro_f1 >= 0.10”: stated refuted, recomputed {honest.verdict}"
    assert next(one for one in report.checks if one.id == "6.verdicts").reason == said
    spanish = "afirmación «macro_f1 >= 0.10»: declarada «refutada», recalculada «se sostiene»"
    assert check_reason(said, "es") == (spanish, "es")


def test_a_file_whose_issuers_log_forks_is_refused_as_that(released: Released, tmp_path: Path) -> None:
    opened, entry, view = released
    honest = car_of(opened, entry, tmp_path / "honest.car")
    forged = car_of(opened, forge(opened, entry, own_claims(opened, view)), tmp_path / "forged.car")
    with opened_home(tmp_path / "fresh") as fresh:
        assert import_source(fresh, str(forged))["problem"] is None
        problem = import_source(fresh, str(honest))["problem"]
    assert "its log forks" in problem["reason"]
    assert "ask the issuer" in problem["hint"]


def test_forging_nothing_changes_nothing(released: Released, tmp_path: Path) -> None:
    opened, entry, _ = released
    assert forge(opened, entry, {}) == entry  # signatures are deterministic


def test_another_keys_signature_does_not_pass(released: Released, tmp_path: Path) -> None:
    opened, entry, _ = released
    draft = records.parse_as(records.Entry, opened.store.get(entry))
    flipped = bytes([draft.signature[0] ^ 1, *draft.signature[1:]])
    data = records.encode(msgspec.structs.replace(draft, signature=flipped))
    cid = cid_of(data, DAG_CBOR)
    opened.store.put(cid, data)
    report = audit_car(car_of(opened, cid, tmp_path / "forged.car"))
    assert "2.signatures" in failed(report)


def sections(path: Path) -> list[tuple[CID, bytes]]:
    with path.open("rb") as stream:
        car.read_header(stream)
        return list(car.read_sections(stream))


def test_one_flipped_byte_of_any_block_is_named(released: Released, tmp_path: Path) -> None:
    opened, entry, _ = released
    path = tmp_path / "release.car"
    export_held(opened, entry, path)
    blocks = sections(path)
    for index, (cid, data) in enumerate(blocks):
        if cid.codec == RAW and index % 7:
            continue  # some of the images and weights are enough
        changed = bytes([data[0] ^ 1, *data[1:]]) if data else b"x"
        stream = io.BytesIO()
        car.write([entry], [*blocks[:index], (cid, changed), *blocks[index + 1 :]], stream)
        bad = tmp_path / "bad.car"
        bad.write_bytes(stream.getvalue())
        report = audit_car(bad)
        assert report.exit_code(strict=False) == 1
        named = next(check for check in report.checks if check.id == "1.blocks")
        assert (named.result, str(cid) in named.reason) == ("does not hold", True)
        assert json.dumps(report.to_json())


@pytest.mark.parametrize("length", [0, 1, 10, 60, 400])
def test_a_cut_file_still_gives_a_report(released: Released, tmp_path: Path, length: int) -> None:
    opened, entry, _ = released
    path = tmp_path / "release.car"
    export_held(opened, entry, path)
    path.write_bytes(path.read_bytes()[:length])
    report = audit_car(path)
    assert report.exit_code(strict=False) == 1
    assert failed(report)[0] == "1.file"


def test_a_missing_block_is_named(released: Released, tmp_path: Path) -> None:
    opened, entry, view = released
    path = tmp_path / "release.car"
    export_held(opened, entry, path)
    blocks = [block for block in sections(path) if block[0] != view.release.evaluation]
    with path.open("wb") as stream:
        car.write([entry], blocks, stream)
    report = audit_car(path)
    assert "1.complete" in failed(report)
    assert str(view.release.evaluation) in next(check.reason for check in report.checks if check.id == "1.complete")


def test_a_block_that_is_missing_accuses_nobody(released: Released, tmp_path: Path) -> None:
    """Each record in turn, and of the other blocks but the images' every twelfth; whatever lacks it is not checked, and
    no reason is a Python exception."""
    opened, entry, _ = released
    whole = tmp_path / "whole.car"
    export_held(opened, entry, whole, without_images=True)
    blocks = sections(whole)
    needed = set(walk_held(opened.store, [entry], []))
    others = [cid for cid, data in blocks if b"dtype" not in data]  # as dag-cbor writes a record's key
    for left_out in [cid for cid, data in blocks[1:] if b"dtype" in data] + others[::12]:
        path = tmp_path / "less.car"
        with path.open("wb") as stream:
            car.write([entry], [block for block in blocks if block[0] != left_out], stream)
        report = audit_car(path)
        reasons = {check.id: check.reason for check in report.checks}
        assert not [text for text in reasons.values() if re.search(r"[A-Z][a-z]+Error|contradict|unexpected", text)]
        assert {*failed(report)} <= {"1.complete", "2.log"}, left_out
        assert report.records == "broken" or left_out not in needed, left_out


def test_without_its_signatures_records_are_not_called_consistent(released: Released) -> None:
    report = audit_target(released.home, str(released.entry), level=1)
    said = report.verdict.document()
    assert (report.exit_code(strict=True), report.records) == (0, "unchecked")
    assert report.to_json()["holds"]  # as the exit status: nothing of what was asked for fails
    assert "nobody looked at the signatures, which are level 2 (levels checked: 1)" in said["en"]
    assert "consistent (" not in said["en"]


def test_levels_up_to_the_one_that_is_asked_for(released: Released) -> None:
    opened, entry, _ = released
    report = audit_target(opened, str(entry), level=8)
    assert {check.level for check in report.checks} == set(range(1, 9))
    assert failed(report) == []
    assert {check.level for check in report.checks if check.result == "holds"} >= {1, 2, 4, 5, 6, 7, 8}
    shallow = audit_target(opened, str(entry), level=2)
    assert {check.level for check in shallow.checks if check.result == "holds"} == {1, 2}
    assert {check.result for check in shallow.checks if check.level > 2} == {"not checked"}
    assert (shallow.exit_code(strict=False), shallow.exit_code(strict=True)) == (0, 0)


def test_a_snapshot_and_an_image_can_be_audited_too(released: Released) -> None:
    opened, _, view = released
    report = audit_target(opened, str(view.preprocessing.snapshot))
    assert failed(report) == []
    assert next(check for check in report.checks if check.id == "4.items").result == "holds"
    assert next(check for check in report.checks if check.id == "6.metrics").result == "not checked"
