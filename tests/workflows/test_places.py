"""An image that says where it was taken is reported when it is brought in, and kept as it is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from registry.assembly import Home
from registry.imaging.look import look
from registry.workflows.import_source import import_source


def picture(kind: str = "JPEG", place: bool = True, orientation: int | None = 6) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    if place:
        gps = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (52.0, 30.0, 12.0)}
        gps |= {ExifTags.GPS.GPSLongitudeRef: "E", ExifTags.GPS.GPSLongitude: (13.0, 22.0, 30.0)}
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    stream = io.BytesIO()
    Image.effect_noise((900, 700), 60).convert("RGB").save(stream, kind, exif=exif.tobytes())
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_place_is_found(kind: str) -> None:
    assert look(picture(kind)).place
    assert not look(picture(kind, place=False)).place


def test_of_a_jpeg_the_beginning_is_enough() -> None:
    assert look(picture()[: 256 << 10]).place


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\xff\xd8\xff\xe1\x00\x08Exif\x00\x00" + b"\xff" * 60, picture()[:40]]
)
def test_what_is_broken_says_nothing(data: bytes) -> None:
    assert not look(data).place


def test_an_import_reports_it_once(opened: Home, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name, kind, place in (("here.jpg", "JPEG", True), ("there.webp", "WEBP", True), ("nowhere.jpg", "JPEG", False)):
        (folder / name).write_bytes(picture(kind, place))
    (folder / "labels.csv").write_text(
        "file,label\nhere.jpg,feliz\nthere.webp,feliz\nnowhere.jpg,triste\n", encoding="utf-8"
    )
    assert import_source(opened, str(folder))["places"] == ["here.jpg", "there.webp"]
    assert import_source(opened, str(folder))["places"] == []  # it is known already
