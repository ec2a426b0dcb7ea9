"""An image that says where it was taken is reported when it is brought in, and kept as it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin

from registry.assembly import Home
from registry.imaging.inspect_image import inspect_image
from registry.workflows.images.importing.import_source import import_source


def picture(kind: str = "JPEG", place: bool = True, orientation: int | None = 6) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    if place:
        gps: dict[int, Any] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (52.0, 30.0, 12.0)}
        gps |= {ExifTags.GPS.GPSLongitudeRef: "E", ExifTags.GPS.GPSLongitude: (13.0, 22.0, 30.0)}
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    stream = io.BytesIO()
    Image.effect_noise((90, 70), 60).convert("RGB").save(stream, kind, exif=exif.tobytes())
    return stream.getvalue()


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" {}</rdf:RDF></x:xmpmeta>'
)
ATTRIBUTE = XMP.format('exif:GPSLatitude="52,30.2N" exif:GPSLongitude="13,22.5E"/>')
ELEMENT = XMP.format("><exif:GPSLongitude>13,22.5E</exif:GPSLongitude></rdf:Description>")
NOWHERE = XMP.format('exif:GPSVersionID="2.2.0.0" exif:GPSLatitude=""/>')


def with_xmp(kind: str, packet: str) -> bytes:
    stream = io.BytesIO()
    image = Image.new("RGB", (60, 40))
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet, zip=True)
        image.save(stream, kind, pnginfo=texts)
    elif kind == "TIFF":
        image.save(stream, kind, tiffinfo={700: packet.encode()})
    else:
        image.save(stream, kind, xmp=packet.encode())
    return stream.getvalue()


def heic(exif: bytes = b"", xmp: bytes = b"") -> bytes:
    """The boxes of a phone's picture as far as anybody looks: its kind, and items in mdat."""
    items = (b"\0\0\0\x06Exif\0\0" + exif if exif else b"") + xmp
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + (8 + len(items)).to_bytes(4, "big") + b"mdat" + items


def exif_of(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as opened:
        return bytes(opened.info["exif"]).removeprefix(b"Exif\0\0")


def mpo(second: bytes) -> bytes:
    stream = io.BytesIO()
    with Image.open(io.BytesIO(second)) as other:
        Image.new("RGB", (60, 40)).save(stream, "MPO", save_all=True, append_images=[other], exif=b"")
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
def test_a_place_is_found(kind: str) -> None:
    assert inspect_image(picture(kind)).has_location
    assert not inspect_image(picture(kind, place=False)).has_location


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
@pytest.mark.parametrize(("packet", "place"), [(ATTRIBUTE, True), (ELEMENT, True), (NOWHERE, False)])
def test_a_place_in_xmp_is_found(kind: str, packet: str, place: bool) -> None:
    assert inspect_image(with_xmp(kind, packet)).has_location is place


def test_a_place_in_what_nobody_here_decodes_is_found() -> None:
    assert inspect_image(heic(exif=exif_of(picture()))).has_location
    assert inspect_image(heic(xmp=ATTRIBUTE.encode())).has_location
    assert not inspect_image(heic(exif=exif_of(picture(place=False)), xmp=NOWHERE.encode())).has_location


def test_a_place_in_the_second_picture_of_an_mpo_is_found() -> None:
    whole = mpo(picture(place=False)) + picture()  # as phones append it
    assert inspect_image(whole).has_location


def spelled_out(key: str, profile: bytes, compressed: bool) -> bytes:
    """A PNG as ImageMagick writes what a picture says beside its pixels: in hex, in a text."""
    lines = "\n".join(profile.hex()[at : at + 72] for at in range(0, 2 * len(profile), 72))
    texts = PngImagePlugin.PngInfo()
    texts.add_text(f"Raw profile type {key}", f"\n{key}\n{len(profile):8}\n{lines}\n", zip=compressed)
    stream = io.BytesIO()
    Image.new("RGB", (60, 40)).save(stream, "PNG", pnginfo=texts)
    return stream.getvalue()


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("key", ["xmp", "exif", "APP1"])
def test_a_place_that_is_spelled_out_in_a_text_is_reported(key: str, compressed: bool) -> None:
    profile = ATTRIBUTE.encode() if key == "xmp" else exif_of(picture())
    assert inspect_image(spelled_out(key, profile, compressed)).has_location
    assert not inspect_image(spelled_out(key, NOWHERE.encode(), compressed)).has_location
    assert not inspect_image(spelled_out(key, b"\xff", compressed)).has_location


def test_of_a_jpeg_the_beginning_is_enough() -> None:
    assert inspect_image(picture()[: 256 << 10]).has_location


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\xff\xd8\xff\xe1\x00\x08Exif\x00\x00" + b"\xff" * 60, picture()[:40]]
)
def test_what_is_broken_says_nothing(data: bytes) -> None:
    assert not inspect_image(data).has_location


def test_an_import_reports_it_once(opened: Home, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name, kind, place in (("here.jpg", "JPEG", True), ("there.webp", "WEBP", True), ("nowhere.jpg", "JPEG", False)):
        (folder / name).write_bytes(picture(kind, place))
    (folder / "labels.csv").write_text(
        "file,label\nhere.jpg,feliz\nthere.webp,feliz\nnowhere.jpg,triste\n", encoding="utf-8"
    )
    assert import_source(opened, str(folder))["with_location"] == ["here.jpg", "there.webp"]
    assert import_source(opened, str(folder))["with_location"] == []  # it is known already


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "AVIF", "TIFF"]), st.integers(0, 2000), st.binary(max_size=30))
def test_no_bytes_end_in_an_exception(kind: str, place: int, noise: bytes) -> None:
    data = _MADE.setdefault(kind, picture(kind))
    inspect_image(data[:place] + noise + data[place + len(noise) :])
    inspect_image(data[:place] + noise)


_MADE: dict[str, bytes] = {}
