"""From a stranger's bytes to upright RGB pixels, or to the reason why not.

Invariants: the header is read before any pixel: an image above the limit is never decoded; only the
formats below are tried; EXIF orientation is applied; transparency is laid on grey 114; colour profiles are
not applied (the same bytes give the same pixels on every machine); of an animation the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
FILL = 114  # the grey that YOLO pads with


class Undecodable(Exception):
    """``reason`` is undecodable or too_large; ``measured`` says what was found."""

    def __init__(self, reason: str, measured: str) -> None:
        super().__init__(f"{reason}: {measured}")
        self.reason, self.measured = reason, measured


def decode(data: bytes, max_pixels: int) -> Image:
    """Upright RGB. ``Undecodable`` with its reason otherwise."""
    from PIL import Image, ImageOps

    if not data:
        raise Undecodable("undecodable", "0 bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit warns; ours below decides
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > max_pixels:
                raise Undecodable("too_large", f"{width}x{height}")
            image.load()
            upright = ImageOps.exif_transpose(image)
            return _rgb(upright)
        except Undecodable:
            raise
        except Image.DecompressionBombError as error:
            raise Undecodable("too_large", "more pixels than any limit") from error
        except Exception as error:  # Pillow's readers raise whatever they like on hostile bytes
            raise Undecodable("undecodable", type(error).__name__) from error


def _rgb(image: Image) -> Image:
    from PIL import Image as Pillow

    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Pillow.new("RGBA", layer.size, (FILL, FILL, FILL, 255))
        return Pillow.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
