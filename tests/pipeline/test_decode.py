"""What a stranger's bytes become: upright, on grey, eight bits a level."""

from __future__ import annotations

import importlib
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.decode import Undecodable, decode
from tests.pipeline.pictures import encode

LIMIT = 1_000_000


def corners() -> Image.Image:
    """Four corners of different brightness, wider than high."""
    image = Image.new("L", (64, 32), 0)
    for number, spot in enumerate(((0, 0), (32, 0), (0, 16), (32, 16))):
        image.paste(40 + 60 * number, (*spot, spot[0] + 32, spot[1] + 16))
    return image.convert("RGB")


UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    upright = corners()
    stored = upright.transpose(UNDO[orientation]) if orientation in UNDO else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(encode(stored, kind, exif=exif), LIMIT)
    assert found.size == (64, 32)
    difference = np.abs(np.asarray(found, np.int16) - np.asarray(upright, np.int16))
    assert np.median(difference) <= 3  # JPEG and WebP lose a little


@pytest.mark.parametrize("exif", [b"Exif\x00\x00", b"Exif\x00\x00MM\x00*" + b"\xff" * 20, b"nonsense", bytes(200)])
def test_an_exif_that_cannot_be_read_loses_no_image(exif: bytes) -> None:
    plain = encode(corners(), "JPEG")
    length = struct.pack(">H", len(exif) + 2)
    found = decode(plain[:2] + b"\xff\xe1" + length + exif + plain[2:], LIMIT)
    assert np.array_equal(np.asarray(found), np.asarray(decode(plain, LIMIT)))


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "GIF")])  # a GIF has a palette
def test_transparency_lies_on_grey(mode: str, kind: str) -> None:
    image = Image.new("RGBA", (20, 10), (250, 10, 10, 0))
    image.paste((0, 0, 0, 255), (0, 0, 10, 10))
    found = np.asarray(decode(encode(image.convert(mode), kind), LIMIT))
    assert (found[:, 10:] == 114).all()
    assert (found[:, :10] <= 1).all()


def test_sixteen_bits_are_cut_to_eight() -> None:
    levels = (np.arange(4096, dtype=np.uint16) * 16).reshape(64, 64)
    for kind in ("PNG", "TIFF"):
        found = np.asarray(decode(encode(Image.fromarray(levels), kind), LIMIT))
        assert np.array_equal(found[..., 0], (levels >> 8).astype(np.uint8))
        assert np.array_equal(found[..., 0], found[..., 2])


def test_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (16, 16), (level,) * 3) for level in (10, 200)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert np.asarray(decode(data, LIMIT)).max() < 30


def swapped_profile() -> bytes:
    """The profile of sRGB with red and blue the other way round, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(count):
        at = 132 + 12 * number
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))


def colours(mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (40, 20), (200, 60, 20))
    image.paste((20, 60, 200), (0, 0, 20, 20))
    return image.convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_colours_are_what_a_profile_means(kind: str) -> None:
    options = {"quality": 100} | ({"subsampling": 0} if kind == "JPEG" else {})
    data = encode(colours(), kind, icc_profile=swapped_profile(), **options)
    found = np.asarray(decode(data, LIMIT), np.int16)
    assert np.abs(found[10, 30] - (20, 60, 200)).max() <= 4
    assert np.abs(found[10, 10] - (200, 60, 20)).max() <= 4
    assert np.array_equal(found, np.asarray(decode(data, LIMIT)))


def test_a_profile_stays_with_a_picture_that_is_turned_and_see_through() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    image = colours("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 40, 5))
    found = np.asarray(decode(encode(image, "PNG", icc_profile=swapped_profile(), exif=exif), LIMIT), np.int16)
    assert np.abs(found[5, 10] - (20, 60, 200)).max() <= 2  # what was right is left now
    assert (found[17:] == 114).all()


@pytest.mark.parametrize(
    "profile",
    [
        b"x" * 200,
        swapped_profile()[:300],
        swapped_profile()[:128] + b"\xff" * 400,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
    ids=["noise", "cut short", "damaged", "of other colours", "sRGB itself"],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "LA"])
def test_a_profile_that_says_nothing_changes_no_pixel(mode: str, profile: bytes) -> None:
    image = colours(mode)
    found = decode(encode(image, "PNG", icc_profile=profile), LIMIT)
    assert found.tobytes() == decode(encode(image, "PNG"), LIMIT).tobytes()


def test_a_picture_for_print_is_read() -> None:
    found = decode(encode(colours("CMYK"), "JPEG", icc_profile=swapped_profile(), quality=100), LIMIT)
    assert found.mode == "RGB"
    assert np.abs(np.asarray(found, np.int16)[10, 30] - (200, 60, 20)).max() <= 12


def test_the_limit_itself_is_allowed() -> None:
    assert decode(encode(corners()), 64 * 32).size == (64, 32)


def test_what_is_no_image_is_measured_alike_where_ultralytics_has_changed_pillow() -> None:
    importlib.import_module("pipeline.yolo.model")  # from here on Image.open is ultralytics' own
    with pytest.raises(Undecodable) as raised:
        decode(b"esto no es una imagen", LIMIT)
    assert raised.value.measured == "UnidentifiedImageError"
