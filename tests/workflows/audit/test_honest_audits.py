"""No false alarm: honest releases of all kinds hold, here and from their files, and say what was taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.index import indexing
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import UNCHECKED
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.forgery import OtherKey, Released, failed, publish, results, simulated_home

CHAIN = {
    "3.witnesses",
    "3.named",
    "3.order",
    "3.beacon",
    "3.drawn",
    "3.anchored",
}  # no chain here, a journal is none, nobody cosigned
BEYOND = {"2.labels", "2.query", "5.pixels", "5.dropped", "5.rights", "7.predictions", "8.training"}
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "repeats": {"overrides": {"repeats": 2}, "final": "fold:4"},
    "refit": {"final": "refit"},
    "thresholds of other folds": {"recipe": '{"evaluation": {"threshold_rule": "other_folds", "threshold": "0.95"}}'},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home of images, one that can't be decoded, one whose contributor is a key of its own."""
    folder = tmp_path_factory.mktemp("honest")
    with simulated_home(folder) as opened:
        more = folder / "more"
        more.mkdir()
        (more / "empty.jpg").write_bytes(b"")
        (more / "theirs.jpg").write_bytes(b"theirs")
        rows = ["file,label,contributor,subject", "empty.jpg,feliz,anna,90", f"theirs.jpg,feliz,{OtherKey().did},91"]
        (more / "labels.csv").write_text("\n".join(rows))
        import_source(opened, str(more))
        yield opened


@pytest.fixture(scope="module")
def all_kinds(home: Home) -> dict[str, Released]:
    return {name: publish(home, **wanted) for name, wanted in KINDS.items()}


def unchecked(report: Report) -> set[str]:
    return {id for id, result in results(report).items() if result == UNCHECKED}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_release_holds(all_kinds: dict[str, Released], kind: str, tmp_path: Path) -> None:
    home, entry, view = all_kinds[kind]
    assert [one.fold for one in view.trainings][-1:] == ([None] if kind == "refit" else [len(view.trainings) - 1])
    export_held(home, entry, tmp_path / "whole.car")
    export_held(home, entry, tmp_path / "small.car", without_images=True)
    for report, images in (
        (audit_target(home, str(entry)), set()),
        (audit_target(home, str(records.cid(view.release))), set()),
        (audit_car(tmp_path / "whole.car"), {"4.attempts"}),
        (audit_car(tmp_path / "small.car"), {"1.images", "4.attempts"}),
    ):
        assert (failed(report), report.exit_code(strict=False), report.type) == ([], 0, "release")
        assert unchecked(report) == CHAIN | BEYOND | images
        assert report.withdrawn == []
        assert "1 undecodable" in next(check.reason for check in report.checks if check.id == "5.dropped")
        assert "not part of the audited" not in next(
            check.reason for check in report.checks if check.id == "1.complete"
        )


def test_what_was_taken_back_is_told_and_excused(all_kinds: dict[str, Released], tmp_path: Path) -> None:
    """Last in this file: one image by the issuer, one by its contributor's own key, then the release itself."""
    home, entry, view = all_kinds["as it is"]
    rows = list(tables.rows_as_dicts(view.snapshot.items, home.store.get))
    theirs = next(row for row in rows if row["contributors"] == [OtherKey().did])
    mine = next(row for row in rows if row["contributors"] == ["anna"])
    other = next(row for row in rows if row not in (theirs, mine))
    withdraw(home, mine["sha256"].hex(), "asked for")
    foreign = [
        OtherKey().says(
            home, records.Withdrawal(target=theirs["sha256"], reason="mine", remedy="notice", effective=TIME)
        ),
        OtherKey(8).says(
            home, records.Withdrawal(target=other["sha256"], reason="not theirs", remedy="notice", effective=TIME)
        ),
    ]
    with home.catalog.write() as db:
        for cid in foreign:
            indexing.index_entry(db, cid, home.store.get)
    export_held(home, entry, tmp_path / "whole.car")
    for report in (audit_car(tmp_path / "whole.car"), audit_target(home, str(entry))):
        assert (failed(report), report.exit_code(strict=False)) == ([], 0)
        told = {(one["what"], one["reason"]) for one in report.withdrawn}
        assert told == {(f"image {row['sha256'].hex()}", why) for row, why in ((mine, "asked for"), (theirs, "mine"))}
    report = audit_car(tmp_path / "whole.car")
    assert "2 withdrawn images are missing" in next(check.reason for check in report.checks if check.id == "1.images")
    withdraw(home, str(records.cid(view.release)), "a wrong label")
    export_held(home, entry, tmp_path / "gone.car")
    for report in (audit_car(tmp_path / "gone.car"), audit_target(home, str(entry))):
        assert (report.withdrawn[0]["what"], report.withdrawn[0]["reason"]) == ("release", "a wrong label")
        assert "withdrawals: release" in next(check.reason for check in report.checks if check.id == "2.withdrawals")
        assert report.exit_code(strict=False) == 0


def test_a_snapshot_and_an_image_say_what_they_are(home: Home, all_kinds: dict[str, Released], tmp_path: Path) -> None:
    view = all_kinds["refit"].view
    report = audit_target(home, str(view.preprocessing.snapshot))
    assert (report.type, failed(report), report.exit_code(strict=False)) == ("snapshot", [], 0)
    image = next(iter(tables.rows_as_dicts(view.snapshot.items, home.store.get)))["image"]
    report = audit_target(home, str(image))
    assert (report.type, report.exit_code(strict=False)) == ("content", 1)  # nobody signs an image
    assert CID.parse(report.target) == image


TIME = "2026-11-30T00:00:00Z"
