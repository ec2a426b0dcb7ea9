"""What a stranger's bytes become: upright, on grey, eight bits a level."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from pipeline.decode import decode
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


def test_a_colour_profile_changes_no_pixel() -> None:
    assert decode(encode(corners(), icc_profile=b"x" * 200), LIMIT).tobytes() == corners().tobytes()


def test_the_limit_itself_is_allowed() -> None:
    assert decode(encode(corners()), 64 * 32).size == (64, 32)
