"""What a forger with the key forges of weights, records, tables and times, and the check that catches each.

Everything above a change is made again and signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from registry.assembly import Home
from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.run_view import ReleaseView
from registry.core.weights import MODEL, WEIGHTS
from registry.provenance.checks.results import HOLDS
from registry.workflows.audit.audit_target import audit_car
from tests.support.forged_evidence import EARLY, LATE
from tests.support.forged_items import Change, files_of, in_items, set_cell
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


def other_files(edit: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Change:
    """Fold 1's weights folder with other files, in training and release alike."""

    def change(home: Home, view: ReleaseView) -> Changed:
        folder = view.trainings[1].weights
        return {folder: folder_of(home, edit(files_of(home, folder)))}

    return change


def one_bit(files: dict[str, bytes]) -> dict[str, bytes]:
    data = files[WEIGHTS]
    return {**files, WEIGHTS: data[:-1] + bytes([data[-1] ^ 1])}


def other_classes(files: dict[str, bytes]) -> dict[str, bytes]:
    model = json.loads(files[MODEL])
    return {**files, MODEL: json.dumps({**model, "names": model["names"][::-1]}).encode()}


def renamed_tensor(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, WEIGHTS: save({"other": np.arange(4, dtype=np.float32) + 1})}


def exchanged(home: Home, view: ReleaseView) -> Changed:
    """Both folders exist, both digests are true: of the other fold."""
    one, two = (training.weights for training in view.trainings[:2])
    return {one: home.store.get(two), two: home.store.get(one)}


def exchanged_digests(home: Home, view: ReleaseView) -> Changed:
    one, two = view.trainings[:2]
    first, second, *rest = view.release.weights
    return {
        view.release.trainings[0]: records.encode(msgspec.structs.replace(one, tensors=two.tensors)),
        view.release.trainings[1]: records.encode(msgspec.structs.replace(two, tensors=one.tensors)),
        records.cid(view.release): records.encode(
            msgspec.structs.replace(
                view.release,
                weights=(
                    msgspec.structs.replace(first, tensors=second.tensors),
                    msgspec.structs.replace(second, tensors=first.tensors),
                    *rest,
                ),
            )
        ),
    }


def further(format: str, files: dict[str, bytes]) -> Change:
    """Published beside the folds' weights: said to be of fold 0's tensors."""

    def change(home: Home, view: ReleaseView) -> Changed:
        first = view.release.weights[0]
        cid = cid_of(folder_of(home, files), first.cid.codec)
        more = records.Weights(fold=0, format=format, cid=cid, tensors=first.tensors)
        return replaced(records.cid(view.release), view.release, weights=(*view.release.weights, more))

    return change


def as_base(files: dict[str, bytes]) -> Change:
    def change(home: Home, view: ReleaseView) -> Changed:
        base = cid_of(folder_of(home, files), view.release.weights[0].cid.codec)
        return replaced(view.draw.plan, view.plan, base=base)

    return change


PICKLE = b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix."
GOOD = {WEIGHTS: save({"a": np.ones(2, np.float32)}), MODEL: b'{"names": ["a"]}'}
FORGED_WEIGHTS = [
    ("any file", other_files(lambda files: {**files, WEIGHTS: b"these are no weights"}), "6.weights"),
    ("a pickle", other_files(lambda files: {**files, WEIGHTS: PICKLE}), "6.weights"),
    ("one bit", other_files(one_bit), "6.weights"),
    ("another tensor's name", other_files(renamed_tensor), "6.weights"),
    ("class order", other_files(other_classes), "6.weights"),
    ("no model.json", other_files(lambda files: {WEIGHTS: files[WEIGHTS]}), "6.weights"),
    ("a pickle beside", other_files(lambda files: {**files, "weights.pt": PICKLE}), "6.weights"),
    ("hidden bytes", other_files(lambda files: {**files, WEIGHTS: files[WEIGHTS] + PICKLE}), "6.weights"),
    ("folds exchanged", exchanged, "6.weights"),
    ("digests exchanged", exchanged_digests, "6.weights"),
    ("a format of its own", further("pickle", {"weights.pt": PICKLE}), "6.weights"),
    ("a pickle as ONNX", further("onnx", {"model.onnx": PICKLE}), "6.weights"),
    ("more than an ONNX", further("onnx", {"model.onnx": b"\x08\x08", "run.py": b"print()"}), "6.weights"),
    ("a pickle as base", as_base({"base.pt": PICKLE}), "6.base"),
    ("a pickle in the base", as_base({**GOOD, WEIGHTS: PICKLE}), "6.base"),
    ("a file beside the base", as_base({**GOOD, "setup.py": b""}), "6.base"),
]


# --- images, records, tables ---------------------------------------------------------------------


def other_image(home: Home, view: ReleaseView) -> Changed:
    def rows(found: list[Any]) -> list[Any]:
        found[0][1], found[1][1] = found[1][1], found[0][1]
        return found

    table = new_table(home, view.snapshot.items, records.SNAPSHOT_ITEMS, rows)
    return replaced(view.preprocessing.snapshot, view.snapshot, items=table)


def kept_and_dropped(home: Home, view: ReleaseView) -> Changed:
    def rows(found: list[Any]) -> list[Any]:
        found[0][7] = "noise"
        return found

    table = new_table(home, view.preprocessing.output, records.PREPARED, rows)
    return replaced(view.plan.preprocessing, view.preprocessing, output=table)


def history_as_raw(home: Home, view: ReleaseView) -> Changed:
    """The same bytes, which an audit that follows links would not follow."""
    first = view.trainings[0]
    other = CID.v1(RAW, first.history.digest)
    home.store.put(other, home.store.get(first.history))
    return replaced(view.release.trainings[0], first, history=other)


def typed(pick: Callable[[ReleaseView], CID], type: str) -> Change:
    """A record that calls itself something else."""

    def change(home: Home, view: ReleaseView) -> Changed:
        cid = pick(view)
        return {cid: encoding.encode({**encoding.decode(home.store.get(cid)), "type": type})}

    return change


def linked(field: str, pick: Callable[[ReleaseView], CID]) -> Change:
    """A plan that links to a record of another type."""
    return lambda home, view: replaced(view.draw.plan, view.plan, **{field: pick(view)})


FORGED_RECORDS = [
    ("a size", in_items(set_cell(2, lambda row: row[2] + 1)), "1.images"),
    ("another image", other_image, "1.images"),
    ("another sha256", in_items(set_cell(0, b"\0" * 32)), "1.images"),
    ("the release of no type", typed(lambda view: records.cid(view.release), "releases"), "1.records"),
    ("the release of another type", typed(lambda view: records.cid(view.release), "evaluation"), "1.records"),
    ("an environment of no type", typed(lambda view: view.plan.environment, "environments"), "1.records"),
    ("a draw of no type", typed(lambda view: view.release.draw, "drawing"), "1.records"),
    ("a recipe as environment", linked("environment", lambda view: view.plan.recipe), "1.records"),
    ("an environment as recipe", linked("recipe", lambda view: view.plan.environment), "1.records"),
    ("a snapshot as base", linked("base", lambda view: view.preprocessing.snapshot), "1.records"),
    (
        "a name that is no CID",
        lambda home, view: replaced(view.preprocessing.snapshot, view.snapshot, supersedes=b"earlier"),
        "1.records",
    ),
    (
        "a link where none may stand",
        lambda home, view: replaced(
            view.plan.recipe, view.recipe, values={**view.recipe.values, "more": view.plan.environment}
        ),
        "1.records",
    ),
    (
        "a contribution twice",
        lambda home, view: replaced(
            view.preprocessing.snapshot, view.snapshot, contributions=view.snapshot.contributions * 2
        ),
        "1.records",
    ),
    (
        "a short seed",
        lambda home, view: replaced(view.release.draw, view.draw, seed=b"\1"),
        "1.records",
    ),
    (
        "a digest that is none",
        lambda home, view: replaced(view.release.trainings[0], view.trainings[0], tensors="sha256:nothing"),
        "1.records",
    ),
    ("a size in words", in_items(set_cell(2, "many")), "1.tables"),
    ("contributors in a text", in_items(set_cell(4, "anna")), "1.tables"),
    ("attributes that are numbers", in_items(set_cell(6, {"age": 30})), "1.tables"),
    ("a box of three", in_items(set_cell(8, [[0, 0, 1]])), "1.tables"),
    ("kept and dropped", kept_and_dropped, "1.tables"),
    ("a table under another codec", history_as_raw, "1.tables"),
]


# --- times ---------------------------------------------------------------------------------------
def training_times(started: str | None = None, ended: str | None = None) -> Change:
    def change(home: Home, view: ReleaseView) -> Changed:
        first = view.trainings[0]
        new = {"started": started or first.started, "ended": ended or first.ended}
        return replaced(view.release.trainings[0], first, **new)

    return change


def entry_times(place: int, time: str) -> Change:
    """The entry at this place of the log (0 the first, -1 the release's) issued at another time."""

    def change(home: Home, view: ReleaseView) -> Changed:
        entries = [CID.decode(records.parse_as(records.Entry, home.store.get(view.release.plan_entry)).prev or b"")]
        cid = {1: view.release.plan_entry, 0: entries[0]}[place]
        return replaced(cid, records.parse_as(records.Entry, home.store.get(cid)), issued_at=time)

    return change


FORGED_TIMES = [
    ("ended before it began", training_times(ended=EARLY), "3.trained"),
    ("began before the plan", training_times(started=EARLY), "3.planned"),
    ("ended after the release", training_times(ended=LATE), "3.issued"),
    ("the plan after the release", entry_times(1, LATE), "3.issued"),
    ("the plan after the trainings", entry_times(1, LATE), "3.planned"),
    ("the plan before the entry before", entry_times(1, EARLY), "2.times"),
    ("an entry after the next one", entry_times(0, LATE), "2.times"),
]


@pytest.mark.parametrize(
    ("change", "check"),
    [pytest.param(change, check, id=name) for name, change, check in FORGED_WEIGHTS + FORGED_RECORDS + FORGED_TIMES],
)
def test_what_the_keys_holder_forges_is_caught(released: Released, change: Change, check: str, tmp_path: Path) -> None:
    home, entry, view = released
    forged = forge(home, entry, change(home, view))
    assert forged != entry
    report = audit_car(car_of(home, forged, tmp_path / "forged.car"), level=max(2, int(check[0])))
    assert check in failed(report), results(report)
    assert report.exit_code(strict=False) == 1
    assert reason_of(report, check)
    assert results(report)["2.signatures"] == HOLDS


def test_a_release_that_calls_itself_something_else_is_not_taken_for_one(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    forged = forge(home, entry, typed(lambda view: records.cid(view.release), "releases")(home, view))
    report = audit_car(car_of(home, forged, tmp_path / "forged.car"))
    assert (report.type, report.holds) == (None, False)
