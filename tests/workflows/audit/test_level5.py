"""Level 5: pixels, cleaning and rights made again from the pictures, whole and in samples, honest and forged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.core.sampling import draw_sample
from registry.core.table import tables
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.checks.target.deep import USUALLY, DeepOptions, Watch
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.blocks import lose
from tests.support.credentials import packet, picture
from tests.support.forgery import (
    Changed,
    Released,
    car_of,
    failed,
    forge,
    new_table,
    opened_home,
    reason_of,
    released,
    replaced,
    results,
    simulated_release,
)

IDS = ("5.pixels", "5.dropped", "5.rights")
ROW = {name: at for at, name in enumerate(records.PREPARED.columns)}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("level5")) as made:
        yield made


def audited(home: Home, entry: CID, deep: DeepOptions = USUALLY, **watch: Any) -> Report:
    return audit_target(home, str(entry), level=5, deep=deep, watch=Watch(**watch))


def of_forged(made: Released, change: Any, deep: DeepOptions = USUALLY) -> Report:
    """The audit of a file that the issuer forged."""
    forged = forge(made.home, made.entry, change(made.home, made.view))
    path = car_of(made.home, forged, made.home.settings.home / f"{forged}.car")
    return audit_target(made.home, str(path), level=5, deep=deep)


def of_level5(report: Report) -> list[str]:
    return [results(report)[id] for id in IDS]


def test_an_honest_release_holds_whole_in_a_sample_and_from_its_file(one: Released, tmp_path: Path) -> None:
    whole = audited(one.home, one.entry)
    assert of_level5(whole) == [HOLDS] * 3
    assert reason_of(whole, "5.pixels").endswith("groups too")
    sample = audited(one.home, one.entry, DeepOptions(sample=5))
    assert of_level5(sample) == [HOLDS] * 3
    assert reason_of(sample, "5.pixels").startswith("5 of ")
    assert "need all images, and were not looked at" in reason_of(sample, "5.pixels")
    export_held(one.home, one.entry, tmp_path / "a.car")
    assert of_level5(audit_car(tmp_path / "a.car", level=5)) == [HOLDS] * 3
    export_held(one.home, one.entry, tmp_path / "b.car", without_images=True)
    assert of_level5(audit_car(tmp_path / "b.car", level=5)) == [UNCHECKED] * 3


def test_nothing_is_made_again_unless_it_is_asked_for(one: Released) -> None:
    shallow = audit_target(one.home, str(one.entry))
    assert of_level5(shallow) == [UNCHECKED] * 3
    assert not set(IDS) & set(shallow.missed)


def with_row(row: int, **cells: Any) -> Any:
    """The release with a row of its preprocessing changed."""

    def change(home: Home, view: ReleaseView) -> Changed:
        def edit(rows: list[Any]) -> list[Any]:
            for name, value in cells.items():
                rows[row][ROW[name]] = value
            return rows

        output = new_table(home, view.preprocessing.output, records.PREPARED, edit)
        cid = records.parse_as(records.Plan, home.store.get(view.draw.plan)).preprocessing
        return replaced(cid, view.preprocessing, output=output)

    return change


DROPPED: dict[str, Any] = {"pixels": None, "boxes": [], "box_source": "", "reason": "noise", "measured": "sigma 99.00"}
FORGED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a hard image dropped as noise": ("5.dropped", DROPPED, "said to be dropped as noise (sigma 99.00), but cleaning"),
    "a hard image dropped as a copy": (
        "5.dropped",
        {**DROPPED, "reason": "near_duplicate", "measured": "of " + "ab" * 32},
        "keeps it",
    ),
    "other pixels": ("5.pixels", {"pixels": b"\x01" * 32}, "states pixels"),
    "another size": ("5.pixels", {"width": 101}, "states width 101"),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("sample", [None, 10_000])
def test_what_a_forger_states_of_one_image_is_found(one: Released, name: str, sample: int | None) -> None:
    id, cells, said = FORGED[name]
    report = of_forged(one, with_row(4, **cells), DeepOptions(sample=sample))
    assert results(report)[id] == FAILS
    assert said in reason_of(report, id)


def test_a_sample_finds_it_where_it_has_the_image(one: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [row[0] for row in tables.iterate(one.view.preprocessing.output, one.home.store.get)]
    seeds = [bytes([number]) * 32 for number in range(40)]
    inside = next(seed for seed in seeds if keys[4] in draw_sample(seed, keys, 9))
    outside = next(seed for seed in seeds if keys[4] not in draw_sample(seed, keys, 9))
    for seed, expected in ((inside, FAILS), (outside, HOLDS)):
        monkeypatch.setattr("registry.workflows.audit.deep_audit.secrets.token_bytes", lambda size, seed=seed: seed)
        report = of_forged(one, with_row(4, **DROPPED), DeepOptions(sample=9))
        assert results(report)["5.dropped"] == expected
        assert seed.hex()[:16] in reason_of(report, "5.dropped") or expected == FAILS


def test_parted_near_duplicates_are_found_where_all_are_looked_at(one: Released) -> None:
    rows = list(tables.iterate(one.view.preprocessing.output, one.home.store.get))
    other = next(at for at, row in enumerate(rows) if row[ROW["group"]] != row[ROW["sha256"]])
    report = of_forged(one, with_row(other, group=rows[other][ROW["sha256"]]))
    assert "states group" in reason_of(report, "5.pixels")


def test_a_killed_audit_goes_on_and_nothing_is_measured_twice(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what == "preprocess" and done > 10:
            raise Killed

    with simulated_release(tmp_path) as made:
        with pytest.raises(Killed):
            audited(made.home, made.entry, progress=stop)
        said: list[str] = []
        told: list[tuple[str, int, int]] = []
        report = audited(made.home, made.entry, say=said.append, progress=lambda *one: told.append(one))
        assert of_level5(report) == [HOLDS] * 3
        assert len(said) == 1
        assert "known from an audit before" in said[0]
        assert 0 < next(total for what, _, total in told if what == "preprocess") < 27
        told.clear()
        again = audited(made.home, made.entry, progress=lambda *one: told.append(one))
        assert of_level5(again) == [HOLDS] * 3
        assert [one for one in told if one[0] == "preprocess"] == []


def test_a_store_that_was_damaged_since_is_seen_all_the_same(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        assert audited(made.home, made.entry).holds
        image = next(iter(tables.rows_as_dicts(made.view.snapshot.items, made.home.store.get)))["image"]
        lose(made.home.store, image)
        report = audited(made.home, made.entry)
        assert "1.images" in failed(report)


def test_withdrawn_images_are_counted_and_not_looked_at(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        row: Any = next(iter(tables.rows_as_dicts(made.view.snapshot.items, made.home.store.get)))
        withdraw(made.home, row["sha256"].hex(), reason="asked to")
        export_held(made.home, made.entry, tmp_path / "a.car")
        report = audit_car(tmp_path / "a.car", level=5)
        assert of_level5(report) == [HOLDS] * 3
        assert "1 image was withdrawn or left out" in reason_of(report, "5.pixels")
        assert "1 image was withdrawn or left out" in reason_of(report, "5.rights")


@pytest.fixture(scope="module")
def reserved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A release whose owner agreed to the use of pictures, one of which says no in its own metadata."""
    folder = tmp_path_factory.mktemp("reserved")
    with opened_home(folder) as home:
        faces = folder / "faces"
        faces.mkdir()
        lines = ["file,label,contributor,subject"]
        for number in range(24):
            (faces / f"{number}.jpg").write_bytes(
                picture(colour=number, xmp=packet('tdm:reservation="1"')) if number < 2 else b"%d" % number
            )
            lines.append(f"{number}.jpg,{('triste', 'feliz')[number % 2]},anna,{number // 2}")
        (faces / "labels.csv").write_text("\n".join(lines))
        import_source(home, str(faces))
        snapshot = CID.parse(take_snapshot(home, terms=Terms(override="their owner agreed"))["snapshot"])
        run = start_run(home, snapshot, Wanted(recipe="simulated", method="simulated"))
        home.worker().work(run)
        yield released(home, CID.parse(publish_release(home, run)["entry"]))


def with_rights(change: Any) -> Any:
    """The release with other rights in its contribution's rows."""

    def made(home: Home, view: ReleaseView) -> Changed:
        cid = view.snapshot.contributions[0]
        contribution = records.parse_as(records.Contribution, home.store.get(cid))
        place = records.CONTRIBUTION_ROWS.columns.index("rights")

        def edit(rows: list[Any]) -> list[Any]:
            for row in rows:
                row[place] = change(row[place])
            return rows

        rows = new_table(home, contribution.rows, records.CONTRIBUTION_ROWS, edit)
        return replaced(cid, contribution, rows=rows)

    return made


def test_what_pictures_say_of_their_use_is_compared_with_the_rows(reserved: Released) -> None:
    assert of_level5(audited(reserved.home, reserved.entry))[2] == HOLDS
    hidden = of_forged(reserved, with_rights(lambda rights: {}))
    assert "and no row of it says no" in reason_of(hidden, "5.rights")
    invented = of_forged(reserved, with_rights(lambda rights: {**rights, "picture.iptc.data-mining": "x"}))
    assert "but the picture says" in reason_of(invented, "5.rights")
    unread = of_forged(reserved, with_rights(lambda rights: {**rights, "picture.c2pa.training-mining": "notRead"}))
    assert results(unread)["5.rights"] == HOLDS
