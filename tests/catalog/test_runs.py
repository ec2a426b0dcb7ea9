"""Runs, their folds, and pages of them."""

from __future__ import annotations

from typing import Any

import pytest

from registry.catalog.database.database import Catalog
from registry.catalog.queries.signed_records import releases, snapshots
from registry.catalog.queries.training_runs import runs
from registry.core.errors import NotFound, UsageError
from tests.catalog.world import NOW, World, at
from tests.support.anchors.signer import MemorySigner

RUN: dict[str, Any] = {
    "snapshot": "s",
    "recipe_name": "quick",
    "engine": "local",
    "options": {"values": {"folds": {"k": 3}}},
}


def test_a_run_from_beginning_to_end(catalog: Catalog) -> None:
    with catalog.write() as db:
        run = runs.create(db, now=NOW, **RUN)
        for fold in range(3):
            runs.set_fold(db, run, fold, status="queued", epochs=5)
        runs.set_fold(db, run, None)
    with catalog.write() as db:
        runs.update(db, run, status="running", kept=7, dropped={"blurred": 2}, updated=at(1))
        runs.set_fold(db, run, 1, epoch=2)
        runs.set_fold(db, run, 2, status="completed", tensors="sha256:00", training="t", predictions="p")
    with catalog.read() as db:
        assert [fold["fold"] for fold in runs.folds(db, run)] == [0, 1, 2, None]
        assert [fold["epoch"] for fold in runs.folds(db, run)] == [None, 2, None, None]
        assert runs.row(db, run)["options"] == RUN["options"]
        assert (runs.row(db, run)["created"], runs.row(db, run)["updated"]) == (NOW, at(1))
        assert runs.get(db, run) == {
            "run": run,
            "recipe": "quick",
            "plan": None,
            "draw": None,
            "snapshot": "s",
            "status": "running",
            "kept": 7,
            "dropped": {"blurred": 2},
            "release": None,
            "error": None,
            "folds": [
                {"fold": 0, "status": "queued", "epochs": 5, "tensors": None},
                {"fold": 1, "status": "queued", "epochs": 5, "tensors": None},
                {"fold": 2, "status": "completed", "epochs": 5, "tensors": "sha256:00"},
                {"fold": None, "status": "queued", "epochs": None, "tensors": None},
            ],
        }


def test_ids_are_different_and_opaque(catalog: Catalog) -> None:
    with catalog.write() as db:
        found = {runs.create(db, now=NOW, **RUN) for _ in range(50)}
    assert len(found) == 50
    assert all(run[0] == "r" and len(run) == 13 for run in found)


@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_pages_of_runs_newest_first(catalog: Catalog, size: int) -> None:
    with catalog.write() as db:
        made = [runs.create(db, now=at(number // 2), run=f"r{number}", **RUN) for number in range(10)]
    found: list[str] = []
    cursor = None
    with catalog.read() as db:
        while True:
            page, cursor = runs.list_runs(db, cursor, size)
            found += [row["run"] for row in page]
            if cursor is None:
                break
    assert found == made[::-1]


def test_pages_of_snapshots_and_releases(world: World) -> None:
    contribution = world.label(*(world.row(n, "feliz") for n in range(6)))
    made = [world.snapshot(range(2 + number), [contribution]) for number in range(4)]
    world.minute -= 2
    published = [world.release(made[0], range(2), seed=seed).release for seed in range(3)]
    with world.catalog.read() as db:
        page, cursor = snapshots.list_snapshots(db, limit=3)
        rest, end = snapshots.list_snapshots(db, cursor, 3)
        times = [row["issued_at"] for row in page + rest]
        assert times == sorted(times, reverse=True)
        assert {row["cid"] for row in page + rest} == {str(cid) for cid in made}
        assert end is None
        assert page[0] == snapshots.get(db, made[-1])
        assert set(page[0]) == {
            *("cid", "count", "classes", "query", "rule", "items", "excluded", "supersedes"),
            *("entry", "issuer", "issued_at"),
        }
        found, end = releases.list_releases(db)
        assert [row["cid"] for row in found] == [str(cid) for cid in published[::-1]]
        assert end is None
        with pytest.raises(UsageError):
            releases.list_releases(db, "00")
        with pytest.raises(NotFound):
            releases.get(db, made[0])


def test_a_snapshot_that_two_say_is_listed_once(world: World) -> None:
    from registry.core import records

    contribution = world.label(world.row(0, "feliz"))
    snapshot = world.snapshot([0], [contribution])
    entry = world.entries[-1]
    world.append(records.parse(world.store.get(snapshot)), key=MemorySigner(8))
    with world.catalog.read() as db:
        (row,) = snapshots.list_snapshots(db)[0]
        assert (row["entry"], row["issuer"]) == (str(entry), world.key.did)
        assert snapshots.get(db, snapshot) == row
