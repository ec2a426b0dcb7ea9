"""From a stranger's bytes to upright RGB pixels, or to the reason why not.

Invariants: the header is read before any pixel: an image above the limit is never decoded; only the
formats below are tried; EXIF orientation is applied; colours are turned into sRGB where an embedded profile says
that they mean something else (in LittleCMS's fixed-point arithmetic, the same with the same build of Pillow; a
profile that can't be read counts for nothing); transparency is laid on grey 114; 16 bits a level are cut to 8, their
profile left out; of an animation the first frame counts.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
FILL = 114  # the grey that YOLO pads with
_ORIENTATION = 0x0112
MAX_PROFILE = 4 << 20  # bytes: a printer's have one or two million, a camera's a few thousand


class Undecodable(Exception):
    """``reason`` is undecodable or too_large; ``measured`` says what was found."""

    def __init__(self, reason: str, measured: str) -> None:
        super().__init__(f"{reason}: {measured}")
        self.reason, self.measured = reason, measured


def decode(data: bytes, max_pixels: int) -> Image:
    """Upright RGB. ``Undecodable`` with its reason otherwise."""
    from PIL import Image, UnidentifiedImageError

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
            return _rgb(_upright(image))
        except Undecodable:
            raise
        except Image.DecompressionBombError as error:  # far above any limit: Pillow stopped at the header itself
            found = re.search(r"\((\d+) pixels\)", str(error))
            raise Undecodable("too_large", f"{found[1]} pixels" if found else "too many pixels") from error
        except (UnidentifiedImageError, ImportError) as error:
            # Where ultralytics is loaded it makes Pillow look for one more plugin; what is measured stays the same.
            raise Undecodable("undecodable", "UnidentifiedImageError") from error
        except Exception as error:  # Pillow's readers raise whatever they like on hostile bytes
            raise Undecodable("undecodable", type(error).__name__) from error


def _upright(image: Image) -> Image:
    """Turned as its EXIF says; an EXIF that can't be read says nothing (the pixels are good all the same)."""
    from PIL import Image as Pillow

    turn = Pillow.Transpose
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:
        return image
    how = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }.get(orientation if isinstance(orientation, int) else 1)
    if how is None:
        return image
    turned = image.transpose(how)
    turned.info = {name: value for name, value in image.info.items() if name in ("transparency", "icc_profile")}
    return turned


def _rgb(image: Image) -> Image:
    from PIL import Image as Pillow

    if image.mode.startswith("I"):  # 16 bits a level, whatever integer type they are held in
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        grey = image.mode in ("LA", "La")
        colours = _srgb(layer.getchannel("R") if grey else layer.convert("RGB"), image.info.get("icc_profile"))
        colours.putalpha(layer.getchannel("A"))
        ground = Pillow.new("RGBA", layer.size, (FILL, FILL, FILL, 255))
        return Pillow.alpha_composite(ground, colours).convert("RGB")
    plain = image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")
    return _srgb(plain, image.info.get("icc_profile"))


def _srgb(image: Image, profile: bytes | None) -> Image:
    """RGB of an L, RGB or CMYK image, its colours as the profile means them, if it means others than sRGB does."""
    from PIL import ImageCms

    if not profile or len(profile) > MAX_PROFILE:
        return image.convert("RGB")
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(meant):
            return image.convert("RGB")
        turned = ImageCms.profileToProfile(image, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # no profile, or one of another kind of colours
        return image.convert("RGB")
    assert turned is not None  # only an image that is changed in place gives None
    return turned
