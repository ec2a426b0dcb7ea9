"""What reads or writes a release or a snapshot ends, given what is wrong, in one sentence and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from registry.assembly import Home, open_home
from registry.cli.main import main
from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.table import tables
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import PLUGIN

pytestmark = pytest.mark.usefixtures("children_here")

ABSENT = "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"


VERDICT = records.Verdict(
    metric="macro_f1", comparator=">=", threshold="", value=None, low=None, high=None, verdict="undecided"
)
FORGED: tuple[dict[str, Any], ...] = (
    {"metric": {"value": "a lot"}},
    {"metric": {"value": "Infinity"}},
    {"metric": {"value": "0.5\n- dataset:\n    id: else/where"}},
    {"metric": {"low": "\x1b[2J", "high": "1e999999999"}},
    {"claim": "x"},
    {"confusion": ((1, 2), (3,))},
    {"several": (1,)},
    {"confusion": ((1, 2, 0, 0, -1),) * 4},
    {"thresholds": ("nan",) * 5},
    {"curves": [("macro_f1_confidence", [["0.1", "high"]])]},
    {"curves": [("macro_f1_confidence", [["0.1"]])]},
    {"curves": [("pr(feliz)", 5)]},
    {"curves": [("reliability(all)", [["0.1", "0.2", "0"]])]},
    {"curves": [("train_loss(fold 0)", [["1", "inf"]])]},
)


class Made:
    """A folder, a snapshot of it and a release, beside a working folder that tests leave as it is."""

    def __init__(self, opened: Home, folder: Path) -> None:
        (folder / "faces").mkdir(parents=True)
        names = ("triste", "sorprendido", "feliz", "enojado")
        rows = ["file,label,subject", *(f"{number}.jpg,{names[number % 4]},{number // 2}" for number in range(24))]
        (folder / "faces" / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for number in range(24):
            (folder / "faces" / f"{number}.jpg").write_bytes(f"picture {number}".encode())
        self.root = str(import_source(opened, str(folder / "faces"))["root"])
        self.snapshot = str(take_snapshot(opened)["snapshot"])
        run = start_run(opened, CID.parse(self.snapshot), Wanted("simulated", "simulated"))
        opened.worker().work(run)
        self.release = str(publish_release(opened, run)["release"])
        self.forged = [self.forge(opened, **change) for change in FORGED]
        (folder / "here" / "folder").mkdir(parents=True)
        (folder / "here" / "file").write_text("as it was", encoding="utf-8")

    def forge(self, opened: Home, *, claim: str = "0.500000", **changes: Any) -> str:
        """The release again, with an evaluation that states something else."""
        release = records.parse_as(records.Release, opened.store.get(CID.parse(self.release)))
        evaluation = records.parse_as(records.Evaluation, opened.store.get(release.evaluation))
        first = structs.replace(evaluation.metrics[0], **changes.pop("metric", {}))
        if "curves" in changes:
            changes["curves"] = tables.build(records.CURVES, changes["curves"], opened.store.put)
        evaluation = structs.replace(evaluation, metrics=(first, *evaluation.metrics[1:]), **changes)
        data = records.encode(evaluation)
        opened.store.put(cid_of(data, DAG_CBOR), data)
        opened.store.flush()
        verdict = structs.replace(VERDICT, threshold=claim)
        forged = structs.replace(release, evaluation=cid_of(data, DAG_CBOR), claims=(verdict,))
        return str(append(opened, opened.key, forged).record)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.syspath_prepend(PLUGIN)
        home = open_home(read_settings(os.environ))
        done = Made(home, folder)
        home.close()
        patch.chdir(folder / "here")
        yield done


def listing() -> dict[str, str]:
    return {str(path): path.read_text() if path.is_file() else "" for path in sorted(Path.cwd().rglob("*"))}


def refused(arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = listing()
    capsys.readouterr()
    assert main(arguments) == status, arguments
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith("export")]
    lines = [line for line in lines if " large, of which " not in line]  # an export says its size first
    lines = [line for line in lines if not line.startswith("emotionet: warning: ")]  # and what an audit found is said
    assert out == ""
    assert lines[0].startswith("emotionet: error: "), (arguments, err)
    assert [line[:6] for line in lines[1:]] in ([], ["hint: "]), (arguments, err)
    assert said in err, (arguments, err)
    assert listing() == before, arguments


def of_release(cid: str, other: str) -> list[list[str]]:
    return [
        ["release", "card", cid],
        ["release", "claim", cid, "macro_f1 >= 0.5"],
        ["release", "compare", cid, other],
        ["release", "compare", other, cid, "--html", "out.html"],
        ["predict", cid, "file"],
    ]


def of_catalog(cid: str) -> list[list[str]]:
    return [["release", "show", cid], ["release", "report", cid, "-o", "out.html"]]


def of_snapshot(cid: str) -> list[list[str]]:
    forms = ("yolo", "croissant", "csv", "parquet")
    return [["snapshot", "show", cid], *(["snapshot", "export", cid, "--format", form, "-o", "out"] for form in forms)]


def test_a_cid_of_something_else(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in of_release(made.snapshot, made.release):
        said = f"{made.snapshot} is no release but a snapshot\nhint: `emotionet release list`"
        refused(arguments, 1, said, capsys)
    for arguments in of_catalog(made.snapshot):
        refused(arguments, 3, "is not a release of this catalog", capsys)
    for arguments in of_snapshot(made.release):
        refused(arguments, 1, f"{made.release} is no snapshot but a release\nhint: `emotionet snapshot list`", capsys)
    for arguments in (*of_release(made.root, made.release), *of_snapshot(made.root)):
        refused(arguments, 1, f"{made.root} is no ", capsys)
    refused(["snapshot", "create", "--supersedes", made.release], 1, "is no snapshot but a release", capsys)
    refused(["snapshot", "create", "--supersedes", ABSENT], 3, "is not held here", capsys)
    to_yolo = ["snapshot", "export", made.snapshot, "--format", "yolo", "-o", "out"]
    refused([*to_yolo, "--draw", made.snapshot], 1, "is no draw but a snapshot", capsys)
    refused([*to_yolo, "--draw", ""], 2, "--draw is blank", capsys)
    refused([*to_yolo, "--fold", "1"], 2, "name it with --draw", capsys)


@pytest.mark.parametrize(
    ("cid", "status", "said"),
    [
        (ABSENT, 3, ABSENT),
        (str(cid_of(b"nowhere", RAW)), None, "bafkrei"),
        (str(cid_of(b"nowhere", DAG_PB)), None, "bafybei"),
        ("", 2, "is blank"),
        ("Nonsense", 2, "'Nonsense' is no CID and no name: names have no capital letters\nhint: write nonsense"),
        ("nonsense", 3, "nothing here is called 'nonsense'"),
    ],
)
def test_a_cid_that_is_not_here_or_none(
    made: Made, capsys: pytest.CaptureFixture[str], cid: str, status: int | None, said: str
) -> None:
    for arguments in (*of_release(cid, made.release), *of_snapshot(cid)):
        refused(arguments, 1 if status is None else status, said, capsys)
    for arguments in of_catalog(cid):
        refused(arguments, 3 if status is None else status, said, capsys)


@pytest.mark.parametrize("place", [".", "folder", "/", "file/x", "nowhere/x"])
def test_a_place_where_no_file_can_be(made: Made, capsys: pytest.CaptureFixture[str], place: str) -> None:
    writes = [
        ["release", "report", made.release, "-o", place],
        ["release", "compare", made.release, made.release, "--html", place],
        *(["snapshot", "export", made.snapshot, "--format", form, "-o", place] for form in ("csv", "parquet")),
        ["export", made.release, "-o", place],
        ["show", made.release, "-o", place],
    ]
    for arguments in writes:
        if "/" in place.strip("/"):
            refused(arguments, 3, f"{place} can't be written: No", capsys)
        else:
            refused(arguments, 2, "is a folder\nhint: name a file", capsys)


@pytest.mark.parametrize("place", [".", "folder", "file", "/", "file/x"])
def test_a_place_where_no_new_folder_can_be(made: Made, capsys: pytest.CaptureFixture[str], place: str) -> None:
    for form in ("yolo", "croissant"):
        arguments = ["snapshot", "export", made.snapshot, "--format", form, "-o", place]
        if place == "file/x":
            refused(arguments, 3, "file/x can't be written: Not a directory", capsys)
        else:
            refused(arguments, 1, "exists already\nhint: name a folder that does not", capsys)


@pytest.mark.parametrize("number", range(len(FORGED)))
def test_a_strangers_figures_that_are_none(made: Made, capsys: pytest.CaptureFixture[str], number: int) -> None:
    forged = made.forged[number]
    refused(["release", "report", forged, "-o", "out.html"], 1, "can't be used\nhint: `emotionet audit`", capsys)
    capsys.readouterr()
    assert main(["release", "show", forged]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main(["audit", forged, "--level", "6"]) == 1
    if "value" in FORGED[number].get("metric", {}):
        refused(["release", "card", forged, "--hub-dataset", "a/b"], 1, "a value that is not a number", capsys)
    if "confusion" in FORGED[number]:
        refused(["release", "compare", made.release, forged, "--html", "out.html"], 1, "can't be used", capsys)


def test_a_defect_of_ours_is_told_as_one(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as something that a stranger's evaluation states."""

    def defect(*_: object, **__: object) -> None:
        raise KeyError("a defect")

    for place, arguments in (
        ("registry.web.report.collect.drawings", ["release", "report", made.release]),
        ("registry.web.base.figures.scale", ["release", "report", made.release]),
        (
            "registry.web.base.figures.intervals",
            ["release", "compare", made.release, made.release, "--html", "out.html"],
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, defect)
            with pytest.raises(KeyError, match="a defect"):
                main(arguments)


def test_the_same_release_twice_differs_in_nothing(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["release", "compare", made.release, made.release, "--html", "page.html"]) == 0
    assert "the plans are the same" in capsys.readouterr().out
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["file", "folder", "page.html"]
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    Path("page.html").unlink()
