"""A second method, of a stranger's package, goes the whole road: nothing in the registry knows it, and nothing of what
the documented method needs is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.e2e.test_base_install import HEAVY

SUPPORT = ROOT / "tests" / "support"
COLOURS = {"triste": (40, 60, 160), "sorprendido": (200, 180, 40), "feliz": (60, 170, 70), "enojado": (180, 40, 40)}
PERSONS = 8  # each with a picture of every class


class Cli:
    """The command in processes of their own: with the base alone, and the second method if ``installed``."""

    def __init__(self, home: Path, *, installed: bool = True) -> None:
        paths = [SUPPORT / "base_only", *([SUPPORT / "centroid"] if installed else []), ROOT]
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "EMOTIONET_TEST_MISSING": ",".join(sorted(HEAVY)),
            "EMOTIONET_HOME": str(home),
        }

    def __call__(self, *arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "registry.cli.main", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == status, done.stderr + done.stdout
        return done.stdout

    def document(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status))


def pictures(folder: Path) -> Path:
    """Noisy squares, each class of a colour of its own."""
    random = np.random.default_rng(7)
    folder.mkdir()
    lines = ["file,label,contributor,subject"]
    for person in range(PERSONS):
        for label, colour in COLOURS.items():
            pixels = np.clip(np.array(colour) + random.normal(0, 25, (32, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{label}-{person}.png")
            lines.append(f"{label}-{person}.png,{label},anna,Person {person}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, dict[str, Any], Path, Path]:
    """A release of the second method in a home: the command there, the release, its CAR, the pictures."""
    place = tmp_path_factory.mktemp("second")
    cli, folder = Cli(place / "home"), pictures(place / "faces")
    cli("import", str(folder))
    snapshot = cli("snapshot", "create", "--quiet").strip()
    given = ("--method", "nearest-centroid", "--size", "12", "--claim", "macro_f1 >= 0.60")
    assert cli.document("train", snapshot, *given, "--dry-run")["recipe"] == "plain"
    run = cli.document("train", snapshot, *given)
    assert run["status"] == "completed"
    assert {fold["status"] for fold in run["folds"]} == {"completed"}
    release = cli.document("release", "publish", run["run"])
    car = place / "release.car"
    cli("export", release["release"], "-o", str(car))
    return cli, release, car, folder


def test_its_figures_verdicts_and_losses_are_judged_like_any_others(made: Any) -> None:
    _, release, _, _ = made
    assert float(release["metrics"]["macro_f1"]["value"]) > 0.9
    assert [claim["verdict"] for claim in release["claims"]] == ["supported"]
    assert {one["format"] for one in release["weights"]} == {"centroids"}
    assert all(one["tensors"].startswith("files-sha256:") for one in release["weights"])
    assert all(one["lastGap"] for one in release["overfitting"]), "the method names its losses"


def test_its_card_and_report_state_its_own_licence_and_use(made: Any, tmp_path: Path) -> None:
    cli, release, _, _ = made
    card = cli("release", "card", release["release"])
    assert "license: cc0-1.0" in card
    assert "library_name" not in card
    assert "image-classification" in card
    assert "offered under CC0-1.0" in card
    assert "scaled to a square of 12 pixels" in card
    assert "ultralytics" not in card.lower()
    page = tmp_path / "report.html"
    cli("release", "report", release["release"], "-o", str(page))
    assert "nearest-centroid" in page.read_text(encoding="utf-8")


def test_its_weights_predict(made: Any) -> None:
    cli, release, _, folder = made
    images = [str(folder / f"{label}-0.png") for label in COLOURS]
    for more in ((), ("--average",)):
        told = [json.loads(line) for line in cli("predict", release["release"], *images, *more, "--json").splitlines()]
        assert [one["label"] for one in told] == list(COLOURS)


def unchecked(report: Any) -> set[str]:
    """Checks that were not made, with this method or any other."""
    return {one["id"] for one in report["checks"] if one["result"] == "not checked"}


def test_anyone_audits_its_file_offline_with_and_without_the_method(made: Any, tmp_path: Path) -> None:
    _, _, car, _ = made
    full = Cli(tmp_path / "one").document("audit", str(car), "--offline")
    assert full["holds"] is True
    of_anybody = unchecked(full)
    assert of_anybody & {one["id"] for one in full["checks"] if one["level"] in (1, 4, 6)} <= {"4.attempts"}
    Cli(tmp_path / "one")("audit", str(car), "--offline", "--strict", "--level", "1")
    bare = Cli(tmp_path / "two", installed=False).document("audit", str(car), "--offline")
    assert bare["holds"] is True
    assert unchecked(bare) - of_anybody == {"4.arguments", "6.card"}


def test_its_file_is_imported_elsewhere_and_used_there(made: Any, tmp_path: Path) -> None:
    _, release, car, folder = made
    other = Cli(tmp_path / "home")
    other("import", str(car))
    shown = other.document("release", "show", release["release"])
    assert shown["metrics"] == release["metrics"]
    (line,) = other("predict", release["release"], str(folder / "feliz-1.png"), "--json").splitlines()
    assert json.loads(line)["label"] == "feliz"


def test_what_it_does_not_do_is_told(made: Any) -> None:
    cli, release, _, folder = made
    snapshot = release["snapshot"]
    cli("train", snapshot, "--method", "nearest-centroid", "--base", str(folder), status=1)
    cli("train", snapshot, "--method", "nearest-centroid", "--imgsz", "64", status=2)
    cli("train", snapshot, "--method", "nearest-centroid", "--size", "65", status=2)
