"""Two releases of one home compared: what they share, what was changed, and where nothing can be said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.assembly import Home
from registry.cli.main import main
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases import compare_releases as compare_module
from registry.workflows.releases.compare_releases import compare_releases
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")


def released(opened: Home, snapshot: CID, **overrides: int) -> CID:
    wanted = Wanted(recipe="simulated", method="simulated", overrides=overrides)
    run = start_run(opened, snapshot, wanted)
    opened.worker().work(run)
    return CID.parse(publish_release(opened, run)["release"])


def test_two_seeds_on_one_snapshot(
    opened: Home, labeled: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_source(opened, str(labeled(48)))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    a, b = released(opened, snapshot), released(opened, snapshot, seed=99)
    done = compare_releases(opened, a, b)
    assert (done["images"], done["only_a"], done["only_b"], done["relabeled"]) == (48, 0, 0, 0)
    assert {one["what"] for one in done["changed"]} == {"seed", "recipe.seed"}
    assert [one["name"] for one in done["tests"]] == ["all images", "triste", "sorprendido", "feliz", "enojado"]
    same = compare_releases(opened, a, a)
    assert same["changed"] == []
    assert all(one["difference"] in ("0.000000", None) for one in same["differences"])
    capsys.readouterr()
    assert main(("release", "compare", str(a), str(b), "--json")) == 0
    assert json.loads(capsys.readouterr().out) == done
    assert main(("release", "compare", str(a), str(b))) == 0
    text = capsys.readouterr().out
    assert "48 images" in text
    assert "recipe.seed" in text
    assert [line[:3] for line in text.splitlines()[:2]] == ["A: ", "B: "]  # both verdicts come first
    page = tmp_path / "compared.html"
    assert main(("release", "compare", str(a), str(b), "--html", str(page), "--lang", "es")) == 0
    html = page.read_text()
    assert html.count("La afirmación «") + html.count("No se hizo ninguna afirmación") == 2  # each release's verdict
    assert html.count("<svg ") == 5
    for words in ("Comparación de dos publicaciones", "recipe.seed", str(a), "B: F1 según la confianza"):
        assert words in html


def test_one_number_written_in_two_ways_is_no_change() -> None:
    assert compare_module._equal("0.100000", "0.10")
    assert compare_module._equal("-1", "-1.0")
    assert not compare_module._equal("0.1", "0.2")
    assert not compare_module._equal("1", None)
    assert not compare_module._equal("1e2", "100")  # a text


def test_images_in_common_are_compared_and_others_counted(opened: Home, labeled: Folder, tmp_path: Path) -> None:
    import_source(opened, str(labeled(24, name="first")))
    a = released(opened, CID.parse(take_snapshot(opened)["snapshot"]))
    import_source(opened, str(labeled(12, name="second")))
    both = CID.parse(take_snapshot(opened)["snapshot"])
    b = released(opened, both)
    done = compare_releases(opened, a, b)
    assert (done["images"], done["only_a"], done["only_b"]) == (24, 0, 12)
    assert "snapshot" in {one["what"] for one in done["changed"]}


def test_a_release_is_reported_from_its_records(
    opened: Home, labeled: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_source(opened, str(labeled(48)))
    release = released(opened, CID.parse(take_snapshot(opened)["snapshot"]))
    pages = {}
    for language in ("en", "es"):
        path = tmp_path / f"{language}.html"
        assert main(("release", "report", str(release), "-o", str(path), "--lang", language)) == 0
        pages[language] = path.read_text()
        assert main(("release", "report", str(release), "-o", str(path), "--lang", language)) == 0
        assert path.read_text() == pages[language]  # the same bytes
        assert str(release) in pages[language]
        assert pages[language].count("<svg ") >= 12
        assert "6.metrics" in pages[language]
    assert "Emotionet release report" in pages["en"]
    assert "Informe de una publicación" in pages["es"]
    capsys.readouterr()
    assert main(("release", "report", str(release), "-o", str(tmp_path / "no" / "where.html"))) != 0
    assert "can't be written" in capsys.readouterr().err


def test_nothing_in_common_is_said(opened: Home, labeled: Folder) -> None:
    roots = []
    for name in ("one", "two"):
        folder = labeled(12, name=name)
        table = (folder / "labels.csv").read_text()
        (folder / "labels.csv").write_text(table.replace("anna", f"labeller {name}"))
        roots.append(CID.parse(import_source(opened, str(folder))["root"]))
    a, b = (released(opened, CID.parse(take_snapshot(opened, source=root)["snapshot"])) for root in roots)
    with pytest.raises(InvalidInput, match="have no judged image with the same label in common"):
        compare_releases(opened, a, b)
