"""Prediction on files and folders: what can't be used is named and keeps nothing else back; labels lie apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image

from registry.cli.main import main
from registry.core.errors import InvalidInput
from registry.workflows.releases.predict import image_paths, predict
from registry.workflows.releases.predicted_picture import draw_all, place_labels
from tests.support.forgery import Released, simulated_release


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("predict")) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "faces" / "more").mkdir(parents=True)
    (tmp_path / "faces" / ".hidden").mkdir()
    for name in ("b.png", "a.png", "more/c.jpg", ".hidden/d.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / "faces" / name)
    (tmp_path / "faces" / "labels.csv").write_text("file,label\na.png,feliz\n")
    return tmp_path / "faces"


def test_a_folder_stands_for_its_pictures(folder: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.png"
    assert [path.relative_to(tmp_path).as_posix() for path in image_paths([one, folder])] == [
        "one.png",
        "faces/a.png",
        "faces/b.png",
        "faces/more/c.jpg",
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="empty is a folder without pictures"):
        image_paths([tmp_path / "empty"])


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_the_bad_one_is_named_and_the_others_are_looked_at(
    released: Released, folder: Path, bad: int, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [folder / "a.png", folder / "b.png", folder / "more" / "c.jpg"]
    images[bad] = folder / "nosuch.png"
    found = _predicted(released, images)
    assert [one["image"] for one in found] == [str(path) for path in images]
    assert [one["error"] is None for one in found] == [index != bad for index in range(3)]
    assert all(one["label"] for index, one in enumerate(found) if index != bad)
    assert main(["predict", str(released.entry), *map(str, images), "--json"]) == 3
    said = capsys.readouterr()
    assert [json.loads(line)["error"] is None for line in said.out.splitlines()] == [index != bad for index in range(3)]
    assert f"emotionet: error: {images[bad]} can't be read: No such file or directory" in said.err


def _predicted(released: Released, images: list[Path]) -> list[dict[str, object]]:
    from registry.workflows.store.find_records import record_of

    return list(predict(released.home, record_of(released.home, released.entry), images))


def test_what_has_an_error_is_not_drawn(released: Released, folder: Path, tmp_path: Path) -> None:
    found = _predicted(released, [folder / "a.png", folder / "nosuch.png"])
    assert [path.name for path in draw_all(found, tmp_path / "drawn")] == ["a.png"]


@pytest.mark.parametrize(
    "boxes",
    [
        [(10, 50, 30, 30)] * 6,  # one on the other
        [(10, 0, 30, 30), (12, 2, 30, 30), (14, 4, 30, 30)],  # at the top
        [(150, 180, 50, 20), (160, 185, 40, 15)],  # in the corner
        [(0, 0, 200, 200), (5, 5, 20, 20), (5, 20, 20, 20)],
    ],
)
def test_labels_lie_apart_and_in_the_picture(boxes: list[tuple[float, ...]]) -> None:
    placed = place_labels(boxes, [(80.0, 16.0)] * len(boxes), (200, 200))
    assert not any(one.meets(other) for one, other in combinations(placed, 2))
    for one in placed:
        assert 0 <= one.left < one.right <= 200
        assert 0 <= one.top < one.bottom <= 200


def test_where_there_is_no_room_every_label_is_drawn_all_the_same() -> None:
    assert len(place_labels([(0, 0, 10, 10)] * 9, [(80.0, 16.0)] * 9, (60, 20))) == 9
