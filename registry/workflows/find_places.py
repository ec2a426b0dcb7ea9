"""Which images say where they were taken. Originals are published bit for bit, so whoever brings them must be told.

Only the beginning of a file is read, and nothing of it is decoded into pixels.
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

HEAD = 256 << 10  # bytes: EXIF stands before the pixels, in at most 64 KiB
_LATITUDE, _LONGITUDE = ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude


def has_place(head: bytes) -> bool:
    """Whether the beginning of an image carries a latitude or a longitude in its EXIF. Nothing is ever raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bombs: no pixel is decoded here
            with Image.open(io.BytesIO(head), formats=("JPEG", "PNG", "WEBP", "TIFF", "MPO")) as opened:
                place = opened.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # Pillow raises all kinds of errors on broken files; those are the cleaning's business
        return False
    return bool(place.get(_LATITUDE) or place.get(_LONGITUDE))


def with_place(store: BlockReader, named: Iterable[tuple[str, CID]]) -> list[str]:
    """Names of the images that say where they were taken, in order; what can't be read is passed over."""
    found = []
    for name, cid in named:
        try:
            head = b"".join(reader.read_file(store, cid, 0, HEAD))
        except EmotionetError:
            continue
        if has_place(head):
            found.append(name)
    return found
