"""Small pictures of images that may be anything: for people to look at, never for a figure.

Invariants: only known formats are tried, and none of more pixels than MAX_PIXELS; nothing of the original but its
pixels is passed on: no EXIF, no comment, no profile.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def thumbnail(data: bytes, side: int) -> Image.Image | None:
    """Upright RGB of at most ``side`` by ``side`` pixels; None for what can't, or must not, be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit warns; ours decides
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    return None
                opened.draft("RGB", (side * 2, side * 2))  # a JPEG is decoded no larger than it is shown
                small = ImageOps.exif_transpose(opened).convert("RGB")
                small.thumbnail((side, side))
    except Exception:  # an image that was dropped may be anything
        return None
    bare = Image.new("RGB", small.size)
    bare.paste(small)
    return bare
