"""What can't be drawn, judged or held is found out before a plan is signed: in a dry run too, and after cleaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from registry.assembly import Home
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import runs
from registry.cli.main import main
from registry.cli.texts.run import CORRECTIONS, estimate_text
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.evaluation.sentences import note_text
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs import check_capacity as check_room
from registry.workflows.runs.estimate_run import estimate_run
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")

IMPOSSIBLE = {  # 12 images of 6 persons, three classes of 4 and none of the fourth; a group needs 3 images
    "more folds than persons": (
        Wanted("simulated", "simulated", overrides={"folds": 7}),
        "6 groups can't fill 7 folds",
    ),
    "a class without images": (Wanted("simulated", "simulated", claims=("recall(enojado) >= 0.5",)), "not estimable"),
    "one claim of several": (
        Wanted("simulated", "simulated", claims=("macro_f1 >= 0.5", "f1(enojado) >= 0.5")),
        r"f1\(enojado\) can't be judged",
    ),
    "a group that is too small": (
        Wanted("simulated", "simulated", claims=("recall(side=r) >= 0.5",)),
        r"recall\(side=r\) can't be judged",
    ),
}


@pytest.fixture
def snapshot(opened: Home, tmp_path: Path) -> CID:
    (tmp_path / "small").mkdir()
    lines = ["file,label,contributor,subject,attr.side"]
    for number in range(12):
        (tmp_path / "small" / f"{number}.jpg").write_bytes(b"small %d" % number)
        label, side = ["triste", "sorprendido", "feliz"][number % 3], "r" if number < 2 else "l"
        lines.append(f"{number}.jpg,{label},anna,{number // 2},{side}")
    (tmp_path / "small" / "labels.csv").write_text("\n".join(lines))
    import_source(opened, str(tmp_path / "small"))
    return CID.parse(take_snapshot(opened)["snapshot"])


def plans(opened: Home) -> int:
    """How many plans are signed: entries of this log beyond issuer, contribution and snapshot."""
    with opened.catalog.read() as db:
        newest = entries.newest(db, opened.key.did)
    return 0 if newest is None else newest[1] - 2


@pytest.mark.parametrize("ask", [start_run, estimate_run])
@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_the_impossible_is_refused_when_it_is_asked_for(
    opened: Home, snapshot: CID, kind: str, ask: Callable[..., object]
) -> None:
    wanted, said = IMPOSSIBLE[kind]
    with pytest.raises(EmotionetError, match=said):
        ask(opened, snapshot, wanted)
    with opened.catalog.read() as db:
        assert runs.list_runs(db)[0] == []
    assert plans(opened) == 0


@pytest.mark.parametrize("claim", ["equalized_odds_ratio(side) >= 0.1", "recall_gap(class) <= 0.9", "pr_auc >= 0.5"])
def test_what_some_model_could_be_judged_on_is_allowed(
    opened: Home, labeled: Folder, claim: str, tmp_path: Path
) -> None:
    folder = labeled(24)
    table = (folder / "labels.csv").read_text().splitlines()
    rows = [f"{row},{'lr'[index // 2 % 2]}" for index, row in enumerate(table[1:])]
    (folder / "labels.csv").write_text("\n".join([f"{table[0]},attr.side", *rows]))
    import_source(opened, str(folder))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    for correction in get_args(records.Correction):
        wanted = Wanted("simulated", "simulated", claims=(claim,), correction=correction)
        said = "\n".join(estimate_text(estimate_run(opened, snapshot, wanted)))
        assert f"verdicts {CORRECTIONS[correction]}" in said


@pytest.mark.parametrize("ask", [start_run, estimate_run])
@pytest.mark.parametrize("claim", ["pr_auc >= 0.333333", "pr_auc >= 0.1", "ap(feliz) >= 0.3", "accuracy >= 0.25"])
def test_what_a_model_that_finds_nothing_reaches_is_no_claim(
    opened: Home, tmp_path: Path, claim: str, ask: Callable[..., object]
) -> None:
    """Three classes of four pictures, and four without an object for what only those make vacuous."""
    count, kinds = (16, 4) if claim.startswith("accuracy") else (12, 3)
    folder = tmp_path / "chance"
    folder.mkdir()
    lines = ["file,label,contributor,subject"]
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(b"chance %d" % number)
        lines.append(f"{number}.jpg,{['triste', 'sorprendido', 'feliz', 'fondo'][number % kinds]},anna,{number}")
    (folder / "labels.csv").write_text("\n".join(lines))
    import_source(opened, str(folder))
    classes = "triste\nsorprendido\nfeliz\nfondo = nothing\n"
    snapshot = CID.parse(take_snapshot(opened, classes=classes)["snapshot"])
    with pytest.raises(EmotionetError, match="a model that detects nothing reaches 0") as caught:
        ask(opened, snapshot, Wanted("simulated", "simulated", claims=("macro_f1 >= 0.1", claim)))
    assert caught.value.code == "bad_claim"
    assert plans(opened) == 0
    enough = ("pr_auc >= 0.34", "ap(feliz) >= 0.34", "accuracy >= 0.26", "accuracy <= 0.9", "recall_gap(class) <= 0.9")
    estimate_run(opened, snapshot, Wanted("simulated", "simulated", claims=enough))


def test_what_shows_after_the_cleaning_ends_the_run_before_its_plan(opened: Home, tmp_path: Path) -> None:
    """Empty files are dropped: four persons are left, and one picture of a class."""
    (tmp_path / "gaps").mkdir()
    lines = ["file,label,contributor,subject"]
    for number in range(12):
        (tmp_path / "gaps" / f"{number}.jpg").write_bytes(b"" if number >= 11 else b"gap %d" % number)
        lines.append(f"{number}.jpg,{['triste', 'feliz'][number % 2]},anna,{number}")
    (tmp_path / "gaps" / "labels.csv").write_text("\n".join(lines))
    import_source(opened, str(tmp_path / "gaps"))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted("simulated", "simulated", overrides={"folds": 12}))
    opened.worker().work(run)
    with opened.catalog.read() as db:
        row = runs.row(db, run)
    assert (row["status"], row["plan"]) == ("failed", None)
    assert "11 groups can't fill 12 folds" in row["error"]
    assert plans(opened) == 0


def test_a_class_with_less_than_folds_is_warned_of(
    opened: Home, snapshot: CID, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted("simulated", "simulated", overrides={"folds": 5})
    said = "than the 5 folds: triste (4 images, 4 groups), sorprendido (4 images, 4 groups), feliz"
    assert said in estimate_run(opened, snapshot, wanted)["warnings"][0]
    run = start_run(opened, snapshot, wanted)
    opened.worker().work(run)
    with opened.catalog.read() as db:
        row = runs.row(db, run)
        told = [one["data"]["text"] for one in opened.queue.events(db, run) if one["kind"] == "warning"]
    assert row["status"] == "completed", row["error"]
    assert len(told) == 1
    assert said in told[0]
    evaluation = records.parse_as(records.Evaluation, opened.store.get(CID.parse(row["evaluation"])))
    assert any(said in note_text(note) for note in evaluation.notes)
    asked = ["train", str(snapshot), "--recipe", "simulated", "--method", "simulated", "--folds", "5", "--dry-run"]
    assert main(asked) == 0
    assert f"warning: {told[0]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("free", "said"),
    [
        ("free_disk", r"about [0-9.]+ [KM]?B of disk .* but only 100 B are free"),
        ("memory_for_children", r"about 1\.0 MB of memory, but only"),
    ],
)
def test_what_has_no_room_is_refused_with_both_numbers(
    opened: Home, snapshot: CID, free: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_room, free, lambda *_: 100)
    for ask in (start_run, estimate_run):
        with pytest.raises(EmotionetError, match=said):
            ask(opened, snapshot, Wanted("simulated", "simulated"))
    with opened.catalog.read() as db:
        assert runs.list_runs(db)[0] == []
