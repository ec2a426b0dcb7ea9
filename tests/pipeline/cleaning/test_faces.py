"""Boxes by a detector: on photographs that come with the libraries, so that there is always a real face at hand."""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.cleaning import faces
from pipeline.cleaning.faces import FaceDetector
from pipeline.cleaning.label_boxes import choose_boxes
from pipeline.method import YOLOv8
from registry.core.errors import Unavailable, Untrusted
from registry.core.ports.method import Prepared
from tests.pipeline.pictures import World, encode, scene, values_of


def photograph() -> Image.Image:
    """Two people, the one to the right nearer: 1280 by 720."""
    found = util.find_spec("ultralytics")
    assert found is not None
    assert found.origin is not None
    with Image.open(Path(found.origin).parent / "assets" / "zidane.jpg") as opened:
        return opened.convert("RGB")


def one_face() -> Image.Image:
    return photograph().crop((640, 0, 1280, 720))


def rows_of(picture: Image.Image, boxes: Any = (), orientation: int | None = None, **rules: Any) -> Prepared:
    world = World()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    name = world.add(encode(picture, "JPEG", quality=95, exif=exif.tobytes()), boxes=boxes)
    return world.prepare(detector="centerface", **rules)[name]


def close(found: Any, wanted: tuple[int, ...], pixels: int = 4) -> bool:
    return all(abs(one - other) <= pixels * 100 for one, other in zip(found, wanted, strict=True))


def test_it_finds_the_faces_the_surest_first() -> None:
    right, left = FaceDetector("0.5").find(photograph())
    assert close(right, (91900, 8800, 14100, 19800))
    assert close(left, (54700, 26500, 11100, 15900))
    assert all(value % 100 == 0 for value in (*right, *left))  # whole pixels
    assert FaceDetector("0.5").find(scene(1)) == ()


def test_a_box_is_supplied_then_detected_then_the_full_frame() -> None:
    found = rows_of(one_face())
    assert (found.reason, found.box_source) == (None, "detector")
    assert close(found.boxes[0], (27300, 9400, 14200, 18700))
    assert rows_of(one_face(), ((1000, 1000, 5000, 5000),)).box_source == "supplied"
    assert rows_of(scene(1)).box_source == "full_frame"
    assert choose_boxes((), [[0, 0, 500, 500], [0, 0, 900, 900]], 100, 100) == (((0, 0, 900, 900),), "detector")


def test_a_recipe_may_drop_what_has_no_face_or_several() -> None:
    found = rows_of(scene(1), drop_no_face=True)
    assert (found.reason, found.measured) == ("no_face", "0 faces")
    found = rows_of(photograph(), drop_several_faces=True)
    assert (found.reason, found.measured) == ("several_faces", "2 faces")
    assert rows_of(one_face(), drop_no_face=True, drop_several_faces=True).reason is None
    assert rows_of(scene(1), ((0, 0, 5000, 5000),), drop_no_face=True).reason is None  # a box was supplied: not asked


def test_boxes_are_those_of_the_upright_picture() -> None:
    turned = rows_of(one_face().rotate(90, expand=True), orientation=6)
    assert (turned.width, turned.height) == (640, 720)
    assert close(turned.boxes[0], (27300, 9400, 14200, 18700))


def test_its_weights_are_a_tool_of_recipes_that_ask_for_it() -> None:
    method = YOLOv8()
    assert method.tools(values_of()) == {}
    values = values_of(detector="centerface")  # type: ignore[arg-type]
    assert list(method.tools(values)) == ["centerface.onnx"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(Unavailable, match=r"emotionet\[faces\]"):
        faces.weights()
    monkeypatch.setattr(metadata, "files", lambda _: [])
    with pytest.raises(Unavailable, match="or give boxes"):
        faces.weights()


def test_other_weights_detect_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "DIGEST", "0" * 64)
    with pytest.raises(Untrusted, match="not the file"):
        FaceDetector("0.5")
