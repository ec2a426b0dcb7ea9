"""Which images say where they were taken. Originals are published bit for bit, so whoever brings them must be told.

Of a JPEG only the beginning is read, where its EXIF stands; other formats may keep it at their end. An image of more
pixels than MAX_PIXELS is never looked into (a PNG whose EXIF comes last is decoded on the way).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable

from PIL import ExifTags, Image

from registry.content import reader
from registry.core.cid import CID
from registry.core.errors import EmotionetError
from registry.core.store import BlockReader

HEAD = 256 << 10  # bytes: in a JPEG EXIF stands before the pixels, in at most 64 KiB
MOST = 64 << 20  # bytes of any other file
MAX_PIXELS = 50_000_000
_JPEG = b"\xff\xd8\xff"
_LATITUDE, _LONGITUDE = ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude


def has_place(data: bytes) -> bool:
    """Whether an image (of a JPEG: its beginning) says a latitude or a longitude in its EXIF. Nothing is raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit warns; ours decides
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "TIFF", "MPO")) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    return False
                place = opened.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # Pillow raises all kinds of errors on broken files; those are the cleaning's business
        return False
    return bool(place.get(_LATITUDE) or place.get(_LONGITUDE))


def with_place(store: BlockReader, named: Iterable[tuple[str, CID]]) -> list[str]:
    """Names of the images that say where they were taken, in order; what can't be read is passed over."""
    found = []
    for name, cid in named:
        try:
            data = b"".join(reader.read_file(store, cid, 0, HEAD))
            if not data.startswith(_JPEG) and len(data) == HEAD:
                data = b"".join(reader.read_file(store, cid, 0, MOST))
        except EmotionetError:
            continue
        if has_place(data):
            found.append(name)
    return found
