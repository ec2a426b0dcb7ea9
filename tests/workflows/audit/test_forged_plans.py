"""What a forger with the key changes in plan, recipe, data, trainings, predictions and card: each has its check.

What is honest holds: repeats, a refit, a second label, a withdrawn image, pictures without an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoints
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import withdrawals
from registry.content.unixfs import reader
from registry.core import records
from registry.core.ipld.cid import CID, RAW
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.exports.card.card import TEMPLATE
from registry.provenance.recipe_numbers import BOUNDS
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.forgery import (
    Changed,
    Released,
    car_of,
    failed,
    forge,
    new_table,
    put,
    released,
    replaced,
    simulated_home,
)
from tests.support.method_refs import method_ref

Forgery = Callable[[Home, ReleaseView], Changed]
CLASSES = "triste\nsorprendido\nfeliz\nenojado\nfondo, none = nothing\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Images with boxes, an attribute, a corrected label, one that was taken back, and some without an object."""
    folder = tmp_path_factory.mktemp("forged")
    with simulated_home(folder) as opened:
        (folder / "more").mkdir()
        lines = ["file,label,contributor,subject,box,attr.side"]
        for number in range(24):
            (folder / "more" / f"m{number}.jpg").write_bytes(b"more %d" % number)
            label = ["triste", "feliz", "enojado", "fondo"][number % 4]
            box = "" if label == "fondo" or number % 3 == 0 else "5 5 40 40; 50 50 20 20"
            lines.append(f"m{number}.jpg,{label},anna,m{number // 2},{box},{'lr'[number % 2]}")
        (folder / "more" / "labels.csv").write_text("\n".join(lines))
        import_source(opened, str(folder / "more"))
        shas = sorted(_rows(opened))
        relabel(opened, shas[0].hex(), "feliz" if _rows(opened)[shas[0]] != "feliz" else "triste", "anna")
        withdraw(opened, shas[1].hex(), "asked for")
        yield opened


def _rows(opened: Home) -> dict[bytes, str]:
    """The label of each image of class."""
    snapshot = records.parse_as(records.Snapshot, opened.store.get(CID.parse(take_snapshot(opened)["snapshot"])))
    return {row["sha256"]: row["label"] for row in tables.rows_as_dicts(snapshot.items, opened.store.get)}


def publish(opened: Home, classes: str = CLASSES, **wanted: Any) -> Released:
    snapshot = CID.parse(take_snapshot(opened, classes=classes)["snapshot"])
    run = start_run(opened, snapshot, Wanted(**{"recipe": "simulated", "method": "simulated", **wanted}))
    opened.worker().work(run)
    return released(opened, CID.parse(publish_release(opened, run)["entry"]))


@pytest.fixture(scope="module")
def made(home: Home) -> Released:
    return publish(home, claims=("macro_f1 >= 0.10", "recall_gap(side) <= 0.9"))


@pytest.mark.parametrize(
    "wanted",
    [{"overrides": {"repeats": 2}}, {"final": "refit"}, {"classes": "emociones"}, {"overrides": {"seed": 5}}],
)
def test_what_is_honest_holds(home: Home, tmp_path: Path, wanted: dict[str, Any]) -> None:
    one = publish(home, **wanted)
    export_held(home, one.entry, tmp_path / "release.car")
    for report in (audit_target(home, str(one.entry)), audit_car(tmp_path / "release.car")):
        assert (failed(report), report.holds) == ([], True)
        own = [check for check in report.checks if check.id in CHECKS]
        assert {check.id for check in own} == CHECKS
        assert {check.result for check in own} == {"holds"}


def test_what_is_honest_holds_in_another_home_too(
    made: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that leaves out what was taken back rests on those withdrawals wherever it goes, and from there on."""
    export_held(made.home, made.entry, tmp_path / "release.car")
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "elsewhere"))
    other = open_home(read_settings())
    assert import_source(other, str(tmp_path / "release.car"))["notes"] == []
    export_held(other, made.entry, tmp_path / "again.car")
    for report in (audit_target(other, str(made.entry)), audit_car(tmp_path / "again.car")):
        assert (failed(report), report.holds) == ([], True)
    other.close()


CHECKS = {"4.items", "4.prepared", "4.plan", "4.recipe", "4.arguments", "4.trainings", "4.predictions", "6.card"}


def test_the_one_that_is_forged_below_holds_itself(made: Released, tmp_path: Path) -> None:
    view = made.view
    assert [row[1] for row in tables.iterate(view.snapshot.excluded, made.home.store.get)].count("withdrawn") == 1
    assert len(view.snapshot.contributions) == 3
    assert len(view.evaluation.confusion) == len(view.evaluation.several) == 5  # the last of pictures without an object
    assert sum(view.evaluation.confusion[4]) > 0
    path = car_of(made.home, made.entry, tmp_path / "it.car", beside=_withdrawals(made.home))
    assert failed(audit_car(path)) == []


def _withdrawals(opened: Home) -> list[CID]:
    """Entries, and what they say, as an honest export has them."""
    with opened.catalog.read() as db:
        said = [CID.parse(one["entry"]) for one in withdrawals.indexed(db)]
    return [cid for one in said for cid in (one, records.parse_as(records.Entry, opened.store.get(one)).record)]


def of_plan(**fields: Any) -> Forgery:
    return lambda opened, view: replaced(view.draw.plan, view.plan, **fields)


def of_recipe(section: str, **values: Any) -> Forgery:
    def change(opened: Home, view: ReleaseView) -> Changed:
        stated = {**view.recipe.values, section: {**view.recipe.values[section], **values}}
        return replaced(view.plan.recipe, view.recipe, values=stated)

    return change


def of_release(**fields: Any) -> Forgery:
    return lambda opened, view: replaced(records.cid(view.release), view.release, **fields)


def of_card(edit: Callable[[str], str]) -> Forgery:
    def change(opened: Home, view: ReleaseView) -> Changed:
        before = reader.read_whole(opened.store, view.release.card).decode()
        after = edit(before)
        assert after != before
        return of_release(card=put(opened, after.encode(), RAW))(opened, view)

    return change


def of_training(**fields: Any) -> Forgery:
    return lambda opened, view: replaced(view.release.trainings[0], view.trainings[0], **fields)


def of_prepared(edit: Callable[[list[Any], dict[bytes, Any]], None]) -> Forgery:
    """``edit`` changes kept rows; it is given the items by sha256 too."""

    def change(opened: Home, view: ReleaseView) -> Changed:
        items = {row["sha256"]: row for row in tables.rows_as_dicts(view.snapshot.items, opened.store.get)}

        def edited(rows: list[Any]) -> list[Any]:
            edit([row for row in rows if row[8 - 1] is None], items)
            return rows

        table = new_table(opened, view.preprocessing.output, records.PREPARED, edited)
        return replaced(view.plan.preprocessing, view.preprocessing, output=table)

    return change


def supplied_from_nowhere(rows: list[Any], items: dict[bytes, Any]) -> None:
    row = next(row for row in rows if row[5] == "full_frame")
    row[5], row[4] = "supplied", [[0, 0, 500, 500]]


def smaller_than_given(rows: list[Any], items: dict[bytes, Any]) -> None:
    row = next(row for row in rows if row[5] == "supplied")
    row[4] = row[4][:1]


def given_and_passed_over(rows: list[Any], items: dict[bytes, Any]) -> None:
    row = next(row for row in rows if row[5] == "supplied")
    row[5], row[4] = "detector", [[0, 0, 900, 900]]


def a_box_of_nothing(rows: list[Any], items: dict[bytes, Any]) -> None:
    row = next(row for row in rows if row[5] == "nothing")
    row[5], row[4] = "full_frame", [[0, 0, 10000, 10000]]


def equal_pixels(rows: list[Any], items: dict[bytes, Any]) -> None:
    one = rows[0]
    next(row for row in rows if row[6] != one[6])[3] = one[3]


def another_recipe(opened: Home, view: ReleaseView) -> Changed:
    other = structs.replace(view.recipe, name="looser")
    return replaced(view.plan.preprocessing, view.preprocessing, recipe=put(opened, records.encode(other)))


def left_out_as_withdrawn(opened: Home, view: ReleaseView) -> Changed:
    """The forger's hardest image is gone, and nobody took it back."""
    rows = [list(row) for row in tables.iterate(view.snapshot.items, opened.store.get)]
    gone = [[rows[0][0], "withdrawn", ""], *tables.iterate(view.snapshot.excluded, opened.store.get)]
    return replaced(
        view.preprocessing.snapshot,
        view.snapshot,
        items=tables.build(records.SNAPSHOT_ITEMS, rows[1:], opened.store.put),
        excluded=tables.build(records.EXCLUDED, gone, opened.store.put),
        count=view.snapshot.count - 1,
    )


def correction_undone(opened: Home, view: ReleaseView) -> Changed:
    """The contributions in another order: the label that was corrected comes last."""
    turned = tuple(reversed(view.snapshot.contributions))
    rows_said = _labels(opened, view)
    (corrected,) = (row for row in rows_said if row["replaces"] is not None)
    (before,) = (row for row in rows_said if row["sha256"] == corrected["sha256"] and row is not corrected)

    def edit(rows: list[Any]) -> list[Any]:
        row = next(row for row in rows if row[0] == corrected["sha256"])
        assert row[3] == corrected["label"]
        row[3] = before["label"]
        return rows

    items = new_table(opened, view.snapshot.items, records.SNAPSHOT_ITEMS, edit)
    return replaced(view.preprocessing.snapshot, view.snapshot, contributions=turned, items=items)


def _labels(opened: Home, view: ReleaseView) -> list[dict[str, Any]]:
    found = [records.parse_as(records.Contribution, opened.store.get(cid)) for cid in view.snapshot.contributions]
    return [row for one in found for row in tables.rows_as_dicts(one.rows, opened.store.get)]


def below_the_floor(opened: Home, view: ReleaseView) -> Changed:
    def edit(rows: list[Any]) -> list[Any]:
        row = next(row for row in rows if row[4])
        row[4] = [*row[4], [row[4][0][0], 9_999, 0, 0, 10, 10]]
        return rows

    table = new_table(opened, view.evaluation.predictions, records.PREDICTIONS, edit)
    return replaced(view.release.evaluation, view.evaluation, predictions=table)


def longer_history(opened: Home, view: ReleaseView) -> Changed:
    def edit(rows: list[Any]) -> list[Any]:
        return [*rows, [3, *rows[-1][1:]]]

    table = new_table(opened, view.trainings[0].history, records.HISTORY, edit)
    return of_training(history=table)(opened, view)


def beyond(section: str, name: str, step: int) -> Forgery:
    least, most = BOUNDS[section, name]
    return of_recipe(section, **{name: least - 1 if step < 0 else most + 1})


ABSENT = records.Claim(metric="f1(nobody)", comparator=">=", threshold="0.100000")
UNCLEAR = records.Claim(metric='f1("feliz")', comparator=">=", threshold="0.100000")
FORGERIES: dict[str, tuple[Forgery, str]] = {
    "licence in the record alone": (of_release(licence="MIT"), "6.card"),
    "licence in the card alone": (of_card(lambda text: text.replace("AGPL-3.0-only", "MIT")), "6.card"),
    "any text as card": (of_card(lambda text: "Everything is well."), "6.card"),
    "a better figure in the card": (
        of_card(lambda text: text.replace("| macro_f1 | 0", "| macro_f1 | 1", 1)),
        "6.card",
    ),
    "anchored, says the card": (of_card(lambda text: text.replace("was not anchored", "was anchored")), "6.card"),
    "another template": (of_card(lambda text: text.replace(f"by template {TEMPLATE}", "by template 9")), "6.card"),
    "a line more": (of_card(lambda text: text + "\nAudited and found perfect.\n"), "6.card"),
    "no groups": (of_plan(groups=()), "4.plan"),
    "other metrics": (of_plan(metrics=("macro_f1",)), "4.plan"),
    "another method": (of_plan(method=method_ref("yolov8")), "4.plan"),
    "another seed": (of_plan(seed=8), "4.plan"),
    "final weights that are not there": (of_plan(final="fold:9"), "4.plan"),
    "a claim about nothing": (of_plan(claims=(ABSENT,)), "4.plan"),
    "a claim by another name": (of_plan(claims=(UNCLEAR,)), "4.plan"),
    "two rounds": (of_recipe("evaluation", rounds=2), "4.recipe"),
    **{
        f"{name} {'below' if step < 0 else 'beyond'} its bounds": (beyond(section, name, step), "4.recipe")
        for section, name in BOUNDS
        for step in (-1, 1)
    },
    "a million folds, a million times": (of_recipe("folds", k=1_000_000, repeats=1_000_000), "4.recipe"),
    "too many folds together": (of_recipe("folds", k=20, repeats=20), "4.recipe"),
    "less confidence": (of_recipe("evaluation", confidence="0.50"), "4.recipe"),
    "a threshold without end": (of_recipe("evaluation", threshold="1e999999999"), "4.recipe"),
    "left out as withdrawn": (left_out_as_withdrawn, "4.items"),
    "a correction undone": (correction_undone, "4.items"),
    "another recipe's preprocessing": (another_recipe, "4.prepared"),
    "boxes from nowhere": (of_prepared(supplied_from_nowhere), "4.prepared"),
    "boxes left out": (of_prepared(smaller_than_given), "4.prepared"),
    "boxes passed over": (of_prepared(given_and_passed_over), "4.prepared"),
    "a box of nothing": (of_prepared(a_box_of_nothing), "4.prepared"),
    "equal pixels in two groups": (of_prepared(equal_pixels), "4.prepared"),
    "another seed of a training": (of_training(arguments={"epochs": 2, "seed": 8}), "4.arguments"),
    "more epochs": (of_training(arguments={"epochs": 3, "seed": 7}), "4.arguments"),
    "no arguments": (of_training(arguments={}), "4.arguments"),
    "a longer history": (longer_history, "4.arguments"),
    "a recipe that trains longer": (of_recipe("training", epochs=100), "4.arguments"),
    "a detection below the floor": (below_the_floor, "4.predictions"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_each_forgery_has_its_check(made: Released, tmp_path: Path, name: str) -> None:
    change, check = FORGERIES[name]
    forged = forge(made.home, made.entry, change(made.home, made.view))
    assert forged != made.entry
    report = audit_car(car_of(made.home, forged, tmp_path / "forged.car", beside=_withdrawals(made.home)))
    assert check in failed(report), name
    assert report.exit_code(strict=False) == 1
    (found,) = [one for one in report.checks if one.id == check]
    assert "unforeseen" not in found.reason
    assert "contradict" not in found.reason
    assert len(found.reason) > 20


def test_a_version_of_the_method_that_is_not_installed_is_told(made: Released, tmp_path: Path) -> None:
    other = of_plan(method=method_ref("simulated", "99"))(made.home, made.view)
    report = audit_car(car_of(made.home, forge(made.home, made.entry, other), tmp_path / "it.car"), level=4)
    (found,) = [one for one in report.checks if one.id == "4.arguments"]
    assert "checked by the installed simulated 1; the plan states version '99'" in found.reason


def test_a_method_that_is_not_installed_is_told(
    made: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = car_of(made.home, made.entry, tmp_path / "it.car", beside=_withdrawals(made.home))
    monkeypatch.setattr("registry.workflows.methods._provided", lambda: EntryPoints())
    report = audit_car(path)
    (found,) = [one for one in report.checks if one.id == "4.arguments"]
    assert (found.result, failed(report)) == ("not checked", [])
    assert "simulated" in found.reason
