"""How programs other than training read a picture's bytes: Pillow by itself (mlcroissant), and OpenCV (ultralytics).

Invariant: the bytes were decoded by ``decode`` before, within its limits; these ask what others make of the same bytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from registry.core.picture_bytes import PROFILE, TEXTS, without
from registry.imaging.decode import exif_orientation, has_transparency, orientation

if TYPE_CHECKING:
    from PIL.Image import Image

_ALIKE = ("JPEG", "PNG", "WEBP", "BMP")  # OpenCV reads them as training does, but for what is below


def reads_alike(data: bytes, image: Image) -> bool:
    """Whether ultralytics sees in the bytes what training does: it knows the format, turns it (a JPEG alone, by its
    EXIF alone), and neither cuts transparency off nor takes another frame, nor the colours of a picture for print."""
    return (
        image.format in _ALIKE
        and orientation(image) == (exif_orientation(image) if image.format == "JPEG" else 1)
        and not has_transparency(image)
        and image.mode != "CMYK"
        and getattr(image, "n_frames", 1) == 1
        and _verifies(data)
    )


def _verifies(data: bytes) -> bool:
    """Whether the bytes pass Pillow's own check, by which ultralytics leaves pictures out: a PNG has its end, and no
    text or profile larger than Pillow reads."""
    from PIL import Image as Pillow

    try:
        Pillow.open(io.BytesIO(data), formats=_ALIKE).verify()
    except Exception:  # Pillow's readers raise whatever they like
        return False
    return True


def opens(data: bytes) -> bool:
    """Whether Pillow reads the bytes as they stand, long texts and profiles included."""
    from PIL import Image as Pillow

    if len(without(data, TEXTS | PROFILE)) == len(data):
        return True  # opened so already
    try:
        Pillow.open(io.BytesIO(data), formats=("PNG",)).load()
    except Exception:  # Pillow's readers raise whatever they like
        return False
    return True
