"""A local import whose rows name images that are not here does as the API does: they wait until a worker has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.cli.main import main
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.show_image import show_image
from tests.api.conftest import picture
from tests.workflows.references.test_fetching import Far
from tests.workflows.references.test_fetching import far as far


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("cid,label,contributor", *lines)) + "\n")
    return path


def test_rows_of_images_that_are_not_here_wait_and_a_dry_run_tells_the_same(far: Far, tmp_path: Path) -> None:
    one, two, record = far.add(picture(1)), far.add(picture(2)), CID.v1(DAG_CBOR, b"\x01" * 32)
    labels = table(
        tmp_path / "labels.csv",
        f"{one},feliz,anna",
        f"{one},feliz,anna",
        f"{two},triste,bert",
        f"{two},feliz,bert",
        f"{record},feliz,anna",
        f"{far.add(picture(3))},feliz,bert",
    )
    tried = import_source(far.home, str(labels), dry_run=True)
    assert far.state(one) is None, "a dry run keeps nothing"
    done = import_source(far.home, str(labels))
    told = ("rows", "registered", "referenced", "merged", "problem", "images")
    assert [{name: found[name] for name in told} for found in (tried, done)] == [
        {"rows": 6, "registered": 0, "referenced": 2, "merged": 1, "problem": None, "images": 0}
    ] * 2
    assert [[(bad["row"], bad["code"]) for bad in found["rejected"]] for found in (tried, done)] == [
        [(4, "contradicting_labels"), (5, "contradicting_labels"), (6, "not_held")]
    ] * 2
    far.work()
    assert (show_image(far.home, str(one))["status"], far.labels(one)) == ("stored", [("anna", "feliz")])
    again = import_source(far.home, str(labels))
    assert (again["unchanged"], again["referenced"], again["images"]) == (2, 0, 2)


def test_without_anybody_to_ask_such_a_row_is_rejected(tmp_path: Path) -> None:
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    labels = table(tmp_path / "labels.csv", f"{CID.v1(0x55, bytes(32))},feliz,anna")
    done = import_source(home, str(labels))
    assert ([bad["code"] for bad in done["rejected"]], done["referenced"]) == (["not_held"], 0)
    home.close()


def test_whoever_imports_lists_and_looks_after_is_told_how_many_wait(
    far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(far.home.settings.home))
    monkeypatch.setenv("EMOTIONET_GATEWAYS", far.gateway.url)
    (tmp_path / "a.jpg").write_bytes(picture(4))
    (tmp_path / "labels.csv").write_text(f"file,cid,label\na.jpg,,feliz\n,{far.add(picture(1))},feliz\n")
    assert main(["import", str(tmp_path), "--dry-run"]) == 0
    assert "1 waiting for their images" in capsys.readouterr().out
    assert main(["import", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "1 registered" in out
    assert "1 waiting for their images" in out
    assert "emotionet worker" in out
    assert main(["images", "list", "--status", "referenced"]) == 0
    assert "1 image waits to be fetched" in capsys.readouterr().err
    assert main(["snapshot", "create"]) == 0
    assert "1 image that waits" in capsys.readouterr().err
    assert main(["doctor", "--json"]) == 0
    (check,) = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"] == "images"]
    assert check["ok"]
    assert check["detail"].startswith("1 image waits")
