"""Small real pictures, and bytes that only look like some."""

from __future__ import annotations

import io

from PIL import Image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


def jpeg(number: int = 0, size: tuple[int, int] = (60, 40), orientation: int = 1) -> bytes:
    """A JPEG, its left half darker than its right; always the same for the same values."""
    picture = Image.new("RGB", size, (200, 30 + number % 200, 120))
    picture.paste((20, 20 + number % 200, 40), (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=90, comment=b"a secret of whoever took it")
    return out.getvalue()
