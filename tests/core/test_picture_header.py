"""What begins as a picture and says no size is told; what any reader opens is not accused."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from registry.core.picture_bytes import READ
from registry.core.picture_header import header_trouble

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "P", "1"),
    "WEBP": ("RGB", "RGBA", "L"),
    "GIF": ("RGB", "L", "P", "1"),
    "BMP": ("RGB", "L", "P", "1"),
    "TIFF": ("RGB", "L", "P", "1", "CMYK"),
}


@pytest.mark.parametrize("kind", READ)
def test_a_picture_is_not_accused(kind: str) -> None:
    for mode in MODES[kind]:
        for size in ((1, 1), (300, 200)):
            for options in ({}, {"lossless": True}) if kind == "WEBP" else ({},):
                made = io.BytesIO()
                Image.new(mode, size).save(made, kind, **options)
                assert header_trouble(made.getvalue()) is None, (mode, size, options)


def test_a_jpeg_with_much_before_its_size_is_not_accused() -> None:
    made = io.BytesIO()
    Image.new("RGB", (8, 8)).save(made, "JPEG", progressive=True, exif=b"Exif\0\0" + bytes(60_000), comment=b"x" * 999)
    data = made.getvalue()
    assert header_trouble(data) is None
    assert header_trouble(data[:2] + b"\xff\xff\xff" + data[2:]) is None  # fill bytes, T.81 B.1.1.2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\nnot really", "says no size"),
        (b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + bytes(8), "0 x 0 pixels"),
        (b"\xff\xd8\xff\xe0 not really", "says no size"),
        (b"\xff\xd8\xff", "says no size"),
        (b"GIF89a", "says no size"),
        (b"RIFF\0\0\0\0WEBPnot really, and on it goes", "says no size"),
    ],
)
def test_a_header_without_a_size_is_told(data: bytes, reason: str) -> None:
    assert reason in (header_trouble(data) or "")


def test_what_begins_otherwise_is_not_judged() -> None:
    assert header_trouble(b"") is None
    assert header_trouble(b"II*\0" + bytes(4)) is None
