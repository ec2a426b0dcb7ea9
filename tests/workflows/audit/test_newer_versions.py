"""A release that a newer program made: not checked, and one plain sentence; one of an older program: as it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.cli.main import main
from registry.cli.texts.audit import audit_text
from registry.core import records
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.records import codec, versions
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView
from registry.core.table import cells, columns, tables
from registry.core.table import versions as table_versions
from registry.core.table.columns import KINDS, Shape
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED, Check
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.releases.predict import predict
from tests.support.forgery import Released, failed, forge, released, results, way_back
from tests.vectors.make import draw, fixed_home, release
from tests.vectors.test_releases import RELEASES, expected, put_release

FOLDER = RELEASES[-1]
IDS = expected(FOLDER)["ids"]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A home with a release as today's program makes it, and with the blocks of an old one."""
    folder = tmp_path_factory.mktemp("old")
    with pytest.MonkeyPatch.context() as patch:
        opened = fixed_home(folder, patch)
        entry = CID.parse(release(opened, draw(folder / "faces"))["entry"])
        put_release(opened, FOLDER / "release.car")
        yield released(opened, entry)
        opened.close()


# --- a newer program, an old release -------------------------------------------------------------------
class Plan3(records.Plan, frozen=True, kw_only=True, tag="plan"):
    v: int = 3
    budget: str


class Contribution2(records.Contribution, frozen=True, kw_only=True, tag="contribution"):
    v: int = 2
    language: str | None


def test_a_newer_program_audits_and_predicts_as_the_old_one(old: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    home = old.home
    monkeypatch.setattr(codec, "_read_lately", Remembered[bytes, records.Record](codec.KEPT, len))  # by another program
    monkeypatch.setitem(records.TYPES, "plan", Plan3)
    steps = (*versions.STEPS["plan"], versions.added(budget="none"))
    monkeypatch.setitem(versions.STEPS, "plan", steps)
    monkeypatch.setitem(records.TYPES, "contribution", Contribution2)
    monkeypatch.setitem(versions.STEPS, "contribution", (versions.added(language=None),))
    before = KINDS["training.history"]
    after = Shape(before.kind, 2, (*before.columns, "seconds"), before.key)
    monkeypatch.setitem(columns.KINDS, before.kind, after)
    monkeypatch.setitem(table_versions.STEPS, before.kind, (table_versions.added(before, seconds=None),))
    place = ("training", "history")
    monkeypatch.setitem(cells.SHAPES, place, after)
    monkeypatch.setitem(
        cells._CELLS, place, [*cells._CELLS[place], ("seconds", cells.Kind("null", lambda value: value is None))]
    )
    method = sys.modules[type(home.method("simulated")).__module__]
    monkeypatch.setattr(method, "DEFAULTS", {**method.DEFAULTS, "colour": "grey"})
    monkeypatch.setattr(method, "LACKED", ({"colour": "grey", "training": {"warmth": "0"}},))
    monkeypatch.setattr(method.Simulated, "recipe_version", 2)
    report = audit_car(FOLDER / "release.car")
    assert failed(report) == []
    wanted = expected(FOLDER)
    assert results(report) == wanted["checks"]
    [prediction] = predict(home, CID.parse(IDS["release"]), [FOLDER / "face.png"])
    assert {name: prediction[name] for name in wanted["prediction"]} == wanted["prediction"]


# --- today's program, a newer release ------------------------------------------------------------------
def edited(cid: CID, edit: Edit) -> Callable[[Released], Mapping[CID, bytes]]:
    def change(old: Released) -> Mapping[CID, bytes]:
        value = encoding.decode(old.home.store.get(cid))
        assert isinstance(value, dict)
        return {cid: encoding.encode(edit(value))}

    return change


def of(name: str, place: Callable[[ReleaseView], CID], edit: Edit, said: str) -> Any:
    return pytest.param(lambda old: edited(place(old.view), edit)(old), said, id=name)


def next_version(**more: Any) -> Edit:
    return lambda value: {**value, "v": value["v"] + 1, **more}


def newer_table(old: Released) -> Mapping[CID, bytes]:
    before = KINDS["training.history"]
    shape = Shape(before.kind, before.version + 1, (*before.columns, "seconds"), before.key)
    history = old.view.trainings[0].history
    rows = [[*row, "9"] for row in tables.iterate(history, old.home.store.get)]
    return {history: old.home.store.get(tables.build(shape, rows, old.home.store.put))}


NOT_READ = {"version 2 of contribution", "version 2 of the table training.history"}  # predictions need neither
RUN = {"version 2 of the recipes of simulated"}  # read by whoever runs it
FORGED = {"4.draw", "6.card"}  # a release that was changed has another plan's CID, from which seed and card follow
NEWER = [
    of("a plan", lambda view: view.draw.plan, next_version(budget="none"), "version 3 of plan"),
    of("a snapshot", lambda view: view.preprocessing.snapshot, next_version(), "version 3 of snapshot"),
    of("a contribution", lambda view: view.snapshot.contributions[0], next_version(), "version 2 of contribution"),
    of("an evaluation", lambda view: view.release.evaluation, next_version(), "version 2 of evaluation"),
    of("a recipe's record", lambda view: view.plan.recipe, next_version(), "version 2 of recipe"),
    of("a release", lambda view: records.cid(view.release), next_version(), "version 2 of release"),
    pytest.param(newer_table, "version 2 of the table training.history", id="a table"),
    of(
        "a recipe's keys",
        lambda view: view.plan.recipe,
        lambda value: {**value, "version": 2, "values": {**value["values"], "colour": "grey"}},
        "version 2 of the recipes of simulated",
    ),
]


def car_of(home: Home, entry: CID, items: CID, path: Path) -> Path:
    """The release's CAR without its images."""
    images = {row["image"] for row in tables.rows_as_dicts(items, home.store.get)}
    way = way_back(home, entry)
    roots = [entry, way[-1]]
    blocks = dict(walk_closure(home.store.get, roots, leave_out=images.__contains__))
    blocks |= {cid: home.store.get(cid) for cid in way}
    with path.open("wb") as stream:
        car.write(roots, blocks.items(), stream)
    return path


@pytest.fixture
def newer(old: Released, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, CID, str]:
    """The file of a release of which a part came after this program, its entry, and what must be said of it."""
    change, said = request.param
    entry = forge(old.home, old.entry, dict(change(old)))
    return car_of(old.home, entry, old.view.snapshot.items, tmp_path / "newer.car"), entry, said


PARAMS = [pytest.param((one.values[0], one.values[1]), id=one.id) for one in NEWER]


@pytest.mark.parametrize("newer", PARAMS, indirect=True)
def test_an_audit_says_not_checked_of_what_is_newer(newer: tuple[Path, CID, str]) -> None:
    path, entry, said = newer
    report = audit_car(path)
    assert set(failed(report)) <= FORGED
    assert (report.entry, report.type) == (str(entry), "release")
    reasons = {check.reason for check in report.checks if check.result == UNCHECKED}
    assert f"{said} is newer than this program" in reasons
    assert results(report)["2.log"] == HOLDS or "release" in said


@pytest.mark.parametrize("newer", PARAMS, indirect=True)
def test_whoever_meets_it_is_told_in_one_sentence(
    newer: tuple[Path, CID, str], old: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    (path, entry, said), home = newer, old.home
    record = records.parse_as(records.Entry, home.store.get(entry)).record
    sentence = f"{said} is newer than this program"
    for command, tells in (
        (["import", str(path)], said not in RUN),
        (["catalog", "rebuild"], False),
        (["show", str(record)], False),
        (["lineage", str(record)], said not in RUN),
        (["lineage", str(path)], said not in RUN),
        (["lookup", str(entry)], said not in RUN),
        (["release", "show", str(record)], said not in RUN),
        (["predict", str(path), str(FOLDER / "face.png")], True),
        (["predict", str(record), str(FOLDER / "face.png")], said not in NOT_READ),
        (["audit", str(entry), "--offline"], False),
    ):
        code = main(command)
        out = capsys.readouterr()
        assert "Traceback" not in out.err, command
        assert code in (0, 1, 3), command
        assert not tells or f"{sentence}\nhint: install a newer Emotionet." in out.err, (command, out.err)
    if said in NOT_READ:
        assert len(list(predict(home, record, [FOLDER / "face.png"]))) == 1


def test_what_only_can_not_be_read_here_does_not_count_as_wrong(old: Released, tmp_path: Path) -> None:
    entry = old.home.store.get(old.entry)
    later = encoding.encode({**encoding.decode(entry), "v": versions.newest("entry") + 1})
    path = tmp_path / "later.car"
    with path.open("wb") as stream:
        car.write([cid_of(later, DAG_CBOR)], [(cid_of(later, DAG_CBOR), later)], stream)
    report = audit_car(path)
    assert (report.holds, report.records, report.exit_code(strict=False)) == (False, "undecided", 1)
    assert audit_text(report.to_json())[-1] == (
        "Whether the records are consistent is not decided: a newer version of Emotionet wrote them,"
        " or blocks of them are not held here."
    )
    report.checks.append(Check("4.draw", 4, "", FAILS))
    assert report.records == "broken"
