"""What a stranger's bytes become: upright, on grey, eight bits a level."""

from __future__ import annotations

import importlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from registry.imaging.decode import Undecodable, decode
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
    assert raised.value.measured == "no picture"


def box(kind: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + kind + bytes(200)


JPEG, GOOD_PNG, WEBP = (encode(corners(), kind) for kind in ("JPEG", "PNG", "WEBP"))
NO_PICTURES = {
    "empty": (b"", "empty"),
    "text": (b"esto no es una imagen", "no picture"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "no picture: a Git LFS pointer"),
    "html": (b"\n <!DOCTYPE html><html><svg>", "no picture: an HTML page"),
    "pdf": (b"%PDF-1.7\n", "no picture: a PDF"),
    "json": (b'{"error": "not found"}', "no picture: JSON"),
    "zip": (b"PK\x03\x04" + bytes(40), "no picture: a ZIP archive"),
    "video": (box(b"mp42"), "no picture: a video"),
    "heic": (box(b"heic"), "HEIC: convert it to JPEG"),
    "avif": (box(b"avif"), "AVIF: convert it to JPEG or PNG"),
    "svg": (b"<?xml version='1.0'?><!-- a --><svg />", "SVG: convert it to PNG"),
    "comments": (b"<!---->" * 200, "no picture"),
    "jpeg xl": (b"\xff\x0a" + bytes(40), "JPEG XL: convert it to JPEG"),
    "cut jpeg": (JPEG[:-100], "cut off"),
    "cut jpeg header": (JPEG[:100], "cut off"),
    "cut png": (GOOD_PNG[:-60], "cut off"),
    "cut webp": (WEBP[:-20], "cut off"),
    "damaged png": (GOOD_PNG.replace(b"IDAT", b"IDOT"), "damaged"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_cannot_be_decoded_is_told_in_plain_words(name: str) -> None:
    data, said = NO_PICTURES[name]
    with pytest.raises(Undecodable) as raised:
        decode(data, LIMIT)
    assert (raised.value.reason, raised.value.measured) == ("undecodable", said)


def with_chunk(kind: bytes, content: bytes, last: bool = False) -> bytes:
    """A good PNG with one chunk more, before its pixels or after them."""
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    at = GOOD_PNG.index(b"IEND" if last else b"IDAT") - 4
    return GOOD_PNG[:at] + chunk + GOOD_PNG[at:]


LARGE = zlib.compress(bytes(3 << 20))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"Comment\0\0" + LARGE),
        (b"iTXt", b"Comment\0\1\0\0\0" + LARGE),
        (b"tEXt", b"Comment\0" + b"x" * (2 << 20)),
        (b"iCCP", b"mine\0\0" + zlib.compress(bytes(5 << 20))),
    ],
)
def test_a_good_png_is_not_lost_to_what_stands_beside_its_pixels(kind: bytes, content: bytes, last: bool) -> None:
    assert decode(with_chunk(kind, content, last), LIMIT).tobytes() == decode(GOOD_PNG, LIMIT).tobytes()


def test_of_several_pictures_in_one_file_the_first_counts() -> None:
    frames = [Image.new("RGB", (16, 16), (level,) * 3) for level in (10, 200)]
    data = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert np.asarray(decode(data, LIMIT)).max() < 30


def profile_with(name: str, gamma: float | None) -> bytes:
    """The profile of sRGB under a name, with another curve where one is given."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(count):
        kind, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if gamma is not None and kind == b"rTRC":  # the three share one
            struct.pack_into(">4sIHHi", profile, offset, b"para", 0, 0, 0, round(gamma * 65536))
    return bytes(profile).replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))


@pytest.mark.parametrize("name", ["sRGB", "mine"])
@pytest.mark.parametrize(("gamma", "changed"), [(None, False), (1.0, True), (1.8, True), (2.2, True)])
def test_a_profile_is_srgb_by_its_curves_not_by_its_name(name: str, gamma: float | None, changed: bool) -> None:
    image = Image.linear_gradient("L").convert("RGB")
    found = decode(encode(image, "PNG", icc_profile=profile_with(name, gamma)), LIMIT)
    assert (found.tobytes() != image.tobytes()) == changed


def test_a_profile_is_srgb_by_its_primaries_not_by_its_name() -> None:
    profile = swapped_profile().replace("mine".encode("utf-16-be"), "sRGB".encode("utf-16-be"))
    found = np.asarray(decode(encode(colours(), "PNG", icc_profile=profile), LIMIT), np.int16)
    assert np.abs(found[10, 30] - (20, 60, 200)).max() <= 4
