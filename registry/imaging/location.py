"""Whether a picture says where it was taken: in its EXIF or in its XMP, of every format that phones and programs write.

Originals are published bit for bit, so an import must warn about them. Pillow reads EXIF where it knows the format;
beside that the bytes are looked through for EXIF blocks (HEIC, the second picture of an MPO, what a program put at an
unusual place) and for XMP packets. Nothing is raised: broken metadata count as none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BLOCKS = 64  # EXIF blocks of one file that are looked at
_BLOCK = 1 << 16  # bytes of one: in a JPEG it has no more
_GPS_IFD, _LATITUDE, _LONGITUDE = 0x8825, 2, 4
_XMP = re.compile(rb"\bGPS(?:Latitude|Longitude)\s*(?:=\s*[\"']\s*[^\"'\s]|>\s*[^<\s])")
_NAMESPACE = b"ns.adobe.com/exif/1.0"
_RAW_PROFILE = re.compile(rb"\n[^\n]{1,80}\n *\d+\n([0-9a-fA-F\s]+)")  # ImageMagick's "Raw profile type …" of a PNG
_TIFF = re.compile(rb"II\*\x00|MM\x00\*")


def has_location(data: bytes, opened: Image | None) -> bool:
    """Whether a file says a latitude or a longitude. ``opened``: what Pillow made of it, if anything."""
    if opened is not None and (_in_exif(opened) or _in_info(opened)):
        return True
    return _in_xmp(data) or any(_in_block(data, at) for at in _blocks(data))


def _in_exif(opened: Image) -> bool:
    try:
        return _located(opened.getexif())
    except Exception:  # Pillow raises all kinds of errors on broken EXIF
        return False


def _located(exif: object) -> bool:
    place = exif.get_ifd(_GPS_IFD)  # type: ignore[attr-defined]
    return bool(place.get(_LATITUDE) or place.get(_LONGITUDE))


def _in_info(opened: Image) -> bool:
    """XMP that a format keeps compressed or in pieces, as Pillow put it together; ImageMagick's hex."""
    return any(
        _in_xmp(packet) or (spelled and any(_in_block(packet, at) for at in _blocks(packet)))
        for packet, spelled in _texts(opened)
    )


def _texts(opened: Image) -> Iterator[tuple[bytes, bool]]:
    """What Pillow put together beside the pixels, and whether it was spelled in hex."""
    for value in opened.info.values():
        packet = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if isinstance(packet, bytes):
            spelled = _RAW_PROFILE.match(packet)
            yield (packet, False) if spelled is None else (_from_hex(spelled[1]), True)


def packets(data: bytes, opened: Image | None, namespaces: Iterable[bytes]) -> Iterator[bytes]:
    """Bytes in which one of these namespaces of XMP is written, in one byte a letter."""
    for found in (data, *(text for text, _ in (_texts(opened) if opened is not None else ()))):
        for namespace in namespaces:
            if (plain := _plain(found, namespace)) is not None:
                yield plain
                break


def _plain(data: bytes, namespace: bytes) -> bytes | None:
    """``data`` where a namespace stands in it; from UTF-16 to one byte a letter; None where it stands nowhere."""
    if namespace in data:
        return data
    wide = _wide(namespace)
    return data.replace(b"\0", b"") if wide in data or wide[1:] + b"\0" in data else None


@cache
def _wide(namespace: bytes) -> bytes:
    return namespace.decode().encode("utf-16-le")


def _from_hex(digits: bytes) -> bytes:
    pure = b"".join(digits.split())
    return bytes.fromhex(pure[: len(pure) // 2 * 2].decode("ascii"))


def _in_xmp(data: bytes) -> bool:
    plain = _plain(data, _NAMESPACE)
    return plain is not None and _XMP.search(plain) is not None


def _blocks(data: bytes) -> Iterator[int]:
    """Where EXIF blocks may begin."""
    for count, found in enumerate(_TIFF.finditer(data)):
        if count == MAX_BLOCKS:
            return
        yield found.start()


def _in_block(data: bytes, at: int) -> bool:
    from PIL import Image

    try:
        exif = Image.Exif()
        exif.load(b"Exif\0\0" + data[at : at + _BLOCK])
        return _located(exif)
    except Exception:  # no EXIF, or broken
        return False
