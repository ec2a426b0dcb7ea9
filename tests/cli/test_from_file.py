"""A FILE.car wherever a release is taken, and a release that came as a file: audited, listed and shown as its own."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.cli.main import main
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from tests.workflows.conftest import PLUGIN


class Exported:
    """A release of some home, as a file with its images and as one without; where the reader works, and its home."""

    def __init__(self, folder: Path) -> None:
        opened = open_home(read_settings())
        (folder / "faces").mkdir()
        names = ("triste", "sorprendido", "feliz", "enojado")
        rows = ["file,label,subject", *(f"{number}.jpg,{names[number % 4]},{number // 2}" for number in range(24))]
        (folder / "faces" / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for number in range(24):
            (folder / "faces" / f"{number}.jpg").write_bytes(f"picture {number}".encode())
        import_source(opened, str(folder / "faces"))
        snapshot = CID.parse(take_snapshot(opened)["snapshot"])
        run = start_run(opened, snapshot, Wanted("simulated", "simulated", claims=("macro_f1 >= 0.1",)))
        opened.worker().work(run)
        done = publish_release(opened, run)
        self.release, self.plan, self.issuer = done["release"], done["plan"], done["issuer"]
        self.car, self.lean = folder / "release.car", folder / "lean.car"
        export_held(opened, CID.parse(done["entry"]), self.car)
        export_held(opened, CID.parse(done["entry"]), self.lean, without_images=True)
        opened.close()
        self.image = folder / "faces" / "1.jpg"
        self.home = folder / "reader"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.setattr(sys, "path", [str(PLUGIN), *sys.path])
        done = Exported(folder)
        patch.setenv("EMOTIONET_HOME", str(done.home))
        patch.chdir(folder)
        yield done


@pytest.mark.parametrize("lean", [False, True])
def test_what_takes_a_release_takes_its_file(
    exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path, lean: bool
) -> None:
    car = str(exported.lean if lean else exported.car)
    report = tmp_path / "report.html"
    said = {
        ("release", "show", car): exported.release,
        ("release", "card", car): "model-index",
        ("release", "report", car, "-o", str(report)): str(report),
        ("release", "claim", car, "macro_f1 >= 0.5"): "supported",
        ("release", "compare", car, car): "the plans are the same",
        ("lineage", car): f"release {exported.release} came from",
        ("predict", car, str(exported.image)): str(exported.image),
    }
    for arguments, words in said.items():
        assert main(arguments) == 0, arguments
        out, err = capsys.readouterr()
        assert words in out, arguments
        assert err == "", arguments
    assert re.search(r" (triste|sorprendido|feliz|enojado) +0\.\d{6}\n", out)  # which one follows from the draw
    assert exported.release in report.read_text(encoding="utf-8")
    assert not exported.home.exists()


NOT_FROM_A_FILE = (
    ["show"],
    ["export"],
    ["train"],
    ["snapshot", "show"],
    ["snapshot", "export"],
    ["anchor", "status"],
)


@pytest.mark.parametrize("verb", NOT_FROM_A_FILE, ids=" ".join)
def test_what_takes_no_file_says_so(exported: Exported, capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    assert main([*verb, "release.car"]) == 2
    assert capsys.readouterr().err == (
        "emotionet: error: release.car is a file: this command takes a CID\n"
        "hint: import it first: `emotionet import release.car` prints its CID.\n"
    )


def test_a_file_that_is_none(exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.car"
    data = bytearray(exported.lean.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    for arguments, status, line in (
        (["release", "show", "nosuch.car"], 3, "nosuch.car can't be read: No such file or directory"),
        (["release", "show", str(exported.image)], 1, "not a CAR file, but text"),
        (["release", "show", str(damaged)], 1, "damaged.car is damaged: 1 block does not hash to its CID"),
    ):
        assert main(arguments) == status, arguments
        err = capsys.readouterr().err
        assert err.startswith("emotionet: error: "), err
        assert line in err.splitlines()[0], err
        assert err.count("\n") == 2, err
    assert not exported.home.exists()


def test_an_imported_release_is_somebody_elses_and_its_audit_agrees_with_the_files(
    exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "importer"))
    assert main(["import", str(exported.car), "--json", "--dry-run"]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert main(["import", str(exported.car), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (dry["releases"], dry["root"]) == (document["releases"], document["root"])
    whose = {"release": exported.release, "issuer": exported.issuer, "published_by": "somebody else"}
    assert document["releases"] == [whose]
    for arguments, key in ((("release", "list"), "cid"), (("plans", "list"), "plan")):
        assert main([*arguments, "--json"]) == 0
        row = json.loads(capsys.readouterr().out)
        assert row[key] == {"cid": exported.release, "plan": exported.plan}[key]
        assert (row["issuer"], row["published_by"]) == (exported.issuer, "somebody else")
    for words in (["release", "show"], ["lineage"], ["release", "report", "-o", str(tmp_path / "page.html")]):
        assert main([*words, exported.release]) == 0, words
    capsys.readouterr()
    checks = []
    for target in (str(exported.car), exported.release, document["root"]):
        assert main(["audit", target, "--json"]) == 0
        checks.append([(one["id"], one["result"]) for one in json.loads(capsys.readouterr().out)["checks"]])
    assert checks[0] == checks[1] == checks[2]
    assert main(["images", "list", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "importer" / "keys").exists()


def test_a_file_made_without_images_is_imported_without_them_or_says_so(
    exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "importer"))
    assert main(["import", str(exported.lean)]) == 1
    said = capsys.readouterr().err
    assert "was made without images" in said
    assert "incomplete" not in said
    with exported.lean.open("rb") as stream:
        roots = car.read_header(stream)
        blocks = list(car.read_sections(stream))
    less = tmp_path / "less.car"
    with less.open("wb") as stream:
        car.write(roots, [one for one in blocks if str(one[0]) != exported.plan], stream)
    assert main(["import", str(less)]) == 1
    assert "the CAR file is incomplete" in capsys.readouterr().err


def test_what_its_issuer_took_back_is_known_from_the_file_too(
    exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(exported.car.parent / "home", tmp_path / "issuer")
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "issuer"))
    capsys.readouterr()
    assert main(["withdraw", exported.release, "--reason", "the labels were mixed up"]) == 0
    out, err = capsys.readouterr()
    assert "withdrawn: " in out
    assert "affects" not in out
    assert "train again" not in err
    assert main(["export", exported.release, "-o", str(tmp_path / "back.car")]) == 0
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "importer"))
    capsys.readouterr()
    assert main(["release", "show", str(tmp_path / "back.car")]) == 0
    assert "the labels were mixed up" in capsys.readouterr().out.splitlines()[0]
    assert main(["import", str(tmp_path / "back.car"), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["release", "show", exported.release]) == 0
    assert "the labels were mixed up" in capsys.readouterr().out.splitlines()[0]
