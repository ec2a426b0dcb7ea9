"""A training's state is on record by its digest, and whole where the recipe keeps it; an audit takes it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.assembly import Home
from registry.content.unixfs import reader
from registry.core import records
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.core.tensors import NUMBERS
from registry.workflows.audit.audit_file import audit_car
from tests.support.forgery import (
    Change,
    Changed,
    Released,
    car_of,
    failed,
    folder_of,
    forge,
    new_table,
    publish,
    replaced,
    results,
    simulated_home,
)

KEPT = '{"die": true, "epochs": 3, "state": {"every": 1, "keep": 2}}'


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """Of folds that were killed on the way and went on."""
    with simulated_home(tmp_path_factory.mktemp("states"), children=True) as home:
        yield publish(home, recipe=KEPT)


def states_of(home: Home, training: records.Training) -> dict[int, str]:
    return {row["epoch"]: row["state"] for row in tables.rows_as_dicts(training.history, home.store.get)}


def test_every_epochs_state_is_told_and_what_is_kept_is_published(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    for training in view.trainings:
        states = states_of(home, training)
        assert len(set(states.values()) - {None}) == 3
        assert [(one.epoch, one.state) for one in training.checkpoints] == [(2, states[2])]
    report = audit_car(car_of(home, entry, tmp_path / "release.car"))
    assert failed(report) == []
    assert results(report)["6.checkpoints"] == "holds"


def other_numbers(home: Home, view: ReleaseView) -> Changed:
    folder = view.trainings[0].checkpoints[0].cid
    there = reader.list_directory(home.store, folder)
    files = {name: reader.read_whole(home.store, one.cid) for name, one in there.items()}
    return {folder: folder_of(home, {**files, NUMBERS: files[NUMBERS] + b" "})}


def other_history(home: Home, view: ReleaseView) -> Changed:
    def edit(rows: list[Any]) -> list[Any]:
        rows[1][2] = "sha256:" + "0" * 64
        return rows

    training = view.trainings[0]
    table = new_table(home, training.history, records.HISTORY, edit)
    return replaced(view.release.trainings[0], training, history=table)


def none_kept(home: Home, view: ReleaseView) -> Changed:
    return replaced(view.release.trainings[0], view.trainings[0], checkpoints=())


def other_epoch(home: Home, view: ReleaseView) -> Changed:
    (kept,) = view.trainings[0].checkpoints
    return replaced(view.release.trainings[0], view.trainings[0], checkpoints=(msgspec.structs.replace(kept, epoch=1),))


def no_digest(home: Home, view: ReleaseView) -> Changed:
    def edit(rows: list[Any]) -> list[Any]:
        rows[1][2] = "md5:0"
        return rows

    training = view.trainings[0]
    table = new_table(home, training.history, records.HISTORY, edit)
    return replaced(view.release.trainings[0], training, history=table)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (other_numbers, "6.checkpoints"),
        (other_history, "6.checkpoints"),
        (other_epoch, "6.checkpoints"),
        (none_kept, "4.arguments"),
        (no_digest, "1.tables"),
    ],
)
def test_a_state_that_is_not_the_one_on_record_is_named(
    released: Released, change: Change, check: str, tmp_path: Path
) -> None:
    home, entry, view = released
    report = audit_car(car_of(home, forge(home, entry, change(home, view)), tmp_path / "forged.car"))
    assert check in failed(report)
