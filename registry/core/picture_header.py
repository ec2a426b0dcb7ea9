"""Whether what begins as a picture says how large it is, so that it may be decoded at all.

Invariants: pure, and cheap: only headers are read, never pixels. It never accuses a picture that some reader opens:
a format whose size has no fixed place here (TIFF) is not judged. Places by PNG (ISO/IEC 15948, 11.2.2), GIF89a (18),
BMP (BITMAPINFOHEADER), WebP (RFC 9649, 2.5 to 2.7) and JPEG (ITU-T T.81, B.2.2).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from registry.core.picture_bytes import picture_kind

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, by marker; the others are tables
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_FILL = 0xFF


def header_trouble(data: bytes) -> str | None:
    """In a few words what the header of a whole file lacks; None where it has a size, or is not judged."""
    kind = picture_kind(data)
    reads = _READERS.get(kind or "")
    if reads is None:
        return None
    try:
        width, height = reads(data)
    except (struct.error, IndexError):
        return f"its header says no size: what follows is no {kind}"
    return None if width and height else f"its header says {width} x {height} pixels"


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    if data[12:16] not in (b"IHDR", b"CgBI"):
        raise IndexError
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width or 1, height or 1  # readers take the first frame's own where the screen has none


def _bmp(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int]:
    if data[12:16] not in (b"VP8 ", b"VP8L", b"VP8X") or len(data) < 25:
        raise IndexError
    return 1, 1  # which is at least 1 in two of the three, by its coding


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        marker = data[at + 1]
        if data[at] != _FILL:
            raise IndexError
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height or 1  # which a later segment (DNL) may say
        if marker == _FILL:
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + max(2, length)


_READERS: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WEBP": _webp,
    "JPEG": _jpeg,
}
