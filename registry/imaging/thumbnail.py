"""Small pictures of images that may be anything: for people to look at, never for a figure.

Invariants: decoded as training decodes them, none above its limit; nothing of the original but its
pixels is passed on: no EXIF, no comment, no profile.
"""

from __future__ import annotations

from PIL import Image

from registry.imaging.decode import MAX_PIXELS, Undecodable, decode


def thumbnail(data: bytes, side: int) -> Image.Image | None:
    """Upright RGB of at most ``side`` by ``side`` pixels; None for what can't, or must not, be decoded."""
    try:
        small = decode(data, MAX_PIXELS, at_least=side * 2)
    except Undecodable:
        return None
    small.thumbnail((side, side))
    bare = Image.new("RGB", small.size)
    bare.paste(small)
    return bare
