"""The table that `emotionet import --cids` writes, posted as it is to another registry."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from litestar.testing import TestClient
from PIL import Image

from registry.api.app import create_app
from registry.assembly import open_home
from registry.cli.main import main
from registry.settings import read_settings
from tests.api.conftest import CAR_TYPE, make_token

LABELS = """\
file,label,contributor,subject,licence,consent,box,attr.gender,source.gender,rights.tdm-reservation
Ana López.png,"feliz, muy",anna,Ana,CC0-1.0,yes,10 10 40 40.5; 60 60 20 20,f,self,0
b.png,triste,,,,,,,,
b.png,enojado,ben,,,,,,,
missing.png,feliz,,,,,,,,
"""


def faces(folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate(("Ana López.png", "b.png")):
        Image.new("RGB", (200, 140), (40 * number, 0, 0)).save(folder / name)
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    return folder


def test_the_table_of_cids_registers_the_same_rows_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, table, car = faces(tmp_path / "faces"), tmp_path / "cids.csv", tmp_path / "faces.car"
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "here"))
    assert main(["import", str(folder), "--cids", str(tmp_path / "dry.csv"), "--dry-run"]) == 0
    assert not (tmp_path / "dry.csv").exists()
    assert "a dry run writes no file" in capsys.readouterr().err
    assert main(["import", str(folder), "--cids", str(table), "--quiet"]) == 0
    root = capsys.readouterr().out.split()[-1]
    assert main(["export", root, "-o", str(car)]) == 0
    lines = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [(line["from_file"], line["label"], line["contributor"]) for line in lines] == [
        ("Ana López.png", "feliz, muy", "anna"),
        ("b.png", "triste", ""),
        ("b.png", "enojado", "ben"),
    ]
    assert lines[0]["box"] == "10 10 40 40.5; 60 60 20 20"

    there = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "there")}))
    with TestClient(create_app(there)) as client:
        writer = make_token(there)
        sent = client.post("/api/v1/blocks", content=car.read_bytes(), headers={**writer, "Content-Type": CAR_TYPE})
        assert sent.status_code == 200, sent.text
        posted = client.post(
            "/api/v1/images?rows=all", content=table.read_bytes(), headers={**writer, "Content-Type": "text/csv"}
        )
        assert posted.json()["registered"] == 3, posted.text
        assert posted.json()["rejected"] == 0
        image = client.get(f"/api/v1/images/{lines[0]['cid']}").json()
        (said,) = image["history"]
    there.close()
    assert (image["labels"], said["contributor"], said["licence"]) == ({"feliz, muy": 1}, "anna", "CC0-1.0")
    assert (said["attributes"], said["sources"], said["rights"]) == (
        {"gender": "f"},
        {"gender": "self"},
        {"tdm-reservation": "0"},
    )
    assert said["boxes"] == [[1000, 1000, 4000, 4050], [6000, 6000, 2000, 2000]]  # hundredths of a pixel
    assert "Ana" not in posted.text


def test_a_table_that_cant_be_written_is_told_before_the_import(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(faces(tmp_path / "faces")), "--cids", str(tmp_path / "nowhere" / "cids.csv")]) == 3
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_no_file_that_there_is_gets_overwritten_by_the_table(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    folder = faces(tmp_path / "faces")
    before = (folder / "labels.csv").read_bytes()
    assert main(["import", str(folder), "--cids", str(folder / "labels.csv"), *more]) != 0
    assert "exists already" in capsys.readouterr().err
    assert (folder / "labels.csv").read_bytes() == before
