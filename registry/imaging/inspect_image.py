"""Inspects an image file without decoding its pixels: size, location, rights, and whether training could read it.

Invariants: nothing is raised; pixels are decoded of small pictures, and of a file that looks cut off or damaged (and of
a GIF or TIFF, whose bytes say nothing of it), never of one with more than ``MAX_PIXELS``: a large JPEG or WebP that is
damaged within is found out only by cleaning; sizes are those of the upright picture, in which boxes are given.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from registry.core.picture_bytes import READ, broken_chunk, cut_off, why_no_picture
from registry.imaging.decode import MAX_BYTES, MAX_PIXELS, Undecodable, decode, decode_opened, header, upright_size
from registry.imaging.location import has_location
from registry.imaging.rights import read_rights

if TYPE_CHECKING:
    from PIL.Image import Image

_SMALL = 1_000_000  # pixels that cost less than the rest of an import
_UNTOLD = ("GIF", "TIFF")
_HEADER = 256 << 10  # bytes in which nearly every picture says its size
_JPEG = b"\xff\xd8\xff"
_SEGMENTS = re.compile(rb"\xff[\xe1-\xef\xfe]")  # of applications but JFIF's own, and comments
_LOOKED = (*READ, "AVIF")  # what is opened to look for sizes and places


@dataclass(frozen=True)
class Picture:
    """``width`` and ``height`` in pixels of the upright picture, 0 where they are not known; ``trouble``: why no
    training can decode it, a few words, or None; ``rights``: what it says of its own use."""

    width: int = 0
    height: int = 0
    has_location: bool = False
    trouble: str | None = None
    rights: Mapping[str, str] = field(default_factory=dict)


def inspect_image(data: bytes) -> Picture:
    """What a whole file says of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit warns; ours decides
        opened = _opened(data)
        if opened is None:
            trouble = why_no_picture(data) or _damage(data)
            return Picture(has_location=has_location(data, None), trouble=trouble, rights=read_rights(data, None))
        described = _has_exif(data, opened)
        width, height = upright_size(opened) if described else opened.size
        shown = opened if described else None
        located, rights = has_location(data, shown), read_rights(data, shown)
        return Picture(width, height, located, _trouble(data, opened), rights)  # last: it may read the pixels


def rights_of(data: bytes) -> dict[str, str]:
    """What a whole file says of its own use (``rights``)."""
    if data.startswith(_JPEG) and not _SEGMENTS.search(data):
        return read_rights(data, None)  # without such a segment there is nothing that Pillow could unpack
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = _opened(data)
        return read_rights(data, opened if opened is not None and _has_exif(data, opened) else None)


def size_of(read: Callable[[int], bytes]) -> tuple[int, int]:
    """Width and height of the upright picture that ``read`` gives the first bytes of; zeros where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for limit in (_HEADER, MAX_BYTES):
            data = read(limit)
            opened = _opened(data)
            if opened is not None:
                return upright_size(opened) if _has_exif(data, opened) else opened.size
            if len(data) < limit:
                break
    return 0, 0


def _opened(data: bytes) -> Image | None:
    try:
        return header(data, _LOOKED)
    except Exception:  # Pillow's readers raise whatever they like on hostile bytes
        return None


def _has_exif(data: bytes, opened: Image) -> bool:
    """Whether to ask Pillow for it: of a PNG without any it would decode all pixels to look behind them."""
    if opened.width * opened.height > MAX_PIXELS:
        return False
    return opened.format != "PNG" or b"eXIf" in data or b"Raw profile type" in data or b"com.adobe.xmp" in data


def _trouble(data: bytes, opened: Image) -> str | None:
    none = why_no_picture(data)
    if none is not None:
        return none
    if opened.width * opened.height > MAX_PIXELS:
        return _too_many(f"{opened.width} x {opened.height} pixels")
    doubtful = cut_off(data) or broken_chunk(data) or opened.format in _UNTOLD
    return _damage(data, opened) if doubtful or opened.width * opened.height <= _SMALL else None


def _damage(data: bytes, opened: Image | None = None) -> str | None:
    """What decoding says, None where it works. ``opened``: what Pillow made of it; if its pixels can be read, so they
    can from the beginning."""
    if opened is not None and opened.format in READ:
        with suppress(Exception):  # what goes wrong is told in the words of reading it anew
            decode_opened(opened)
            return None
    try:
        decode(data, MAX_PIXELS)
    except Undecodable as error:
        return _too_many(error.measured) if error.reason == "too_large" else error.measured
    return None


def _too_many(pixels: str) -> str:
    return f"{pixels} are more than any recipe reads"
