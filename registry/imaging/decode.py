"""From a stranger's bytes to upright RGB pixels, or to the reason why not.

Invariants: pictures are opened here alone (``other_readers`` asks what other programs make of one that was); the
header is read before any pixel: an image above the limit is never decoded; only the formats below are tried; the
orientation of EXIF (or XMP) is applied; colours are turned into sRGB where an embedded profile says that they mean
something else (in LittleCMS's fixed-point arithmetic, the same with the same build of Pillow; a profile that can't be
read counts for nothing); transparency is laid on grey 114; 16 bits a level are cut to 8, their profile left out; of an
animation or of several pictures the first counts. Texts in a PNG, or a profile, lose no picture, however long they are.
What can't be decoded has a reason in plain words, never the name of an exception.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from registry.core.picture_bytes import PNG, PROFILE, READ, TEXTS, cut_off, why_no_picture, without

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 64 << 20  # of one file that is read as a picture
MAX_PIXELS = 100_000_000  # of one picture; a recipe may allow fewer
FILL = 114  # the grey that YOLO pads with
_ORIENTATION = 0x0112
MAX_PROFILE = 4 << 20  # bytes: a printer's have one or two million, a camera's a few thousand
SAME = 3  # levels of 255: a profile that moves none further has sRGB's curves and primaries, rounded


class Undecodable(Exception):
    """``reason`` is undecodable or too_large; ``measured`` says what was found."""

    def __init__(self, reason: str, measured: str) -> None:
        super().__init__(f"{reason}: {measured}")
        self.reason, self.measured = reason, measured


def decode(data: bytes, max_pixels: int, at_least: int | None = None) -> Image:
    """Upright RGB. ``Undecodable`` with its reason otherwise.

    ``at_least``: a JPEG may come out smaller, with sides that are not below it (for looking at, and much quicker).
    """
    with _words(data):
        return rgb(_upright(_loaded(data, max_pixels, at_least)))


def decode_opened(image: Image) -> Image:
    """The same of a picture that was opened and is within all limits; raises whatever Pillow does."""
    return rgb(_upright(_load(image, MAX_PIXELS, None)))


def opened(data: bytes, max_pixels: int) -> Image:
    """The picture as it is stored, its pixels read; ``format`` says what it is. ``Undecodable`` otherwise."""
    with _words(data):
        return _loaded(data, max_pixels)


@contextmanager
def _words(data: bytes) -> Iterator[None]:
    """Whatever Pillow raises about a picture, as ``Undecodable``; what is this machine's fault goes on."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit warns; ours decides
        try:
            yield
        except (Undecodable, MemoryError):
            raise
        except Image.DecompressionBombError as error:  # far above any limit: Pillow stopped at the header itself
            found = re.search(r"\((\d+) pixels\)", str(error))
            raise Undecodable("too_large", f"{found[1]} pixels" if found else "too many pixels") from error
        except Exception as error:  # Pillow's readers raise whatever they like on hostile bytes
            raise Undecodable("undecodable", _why(data, error)) from error


def _why(data: bytes, error: Exception) -> str:
    none = why_no_picture(data)
    if none is not None:
        return none
    return "cut off" if cut_off(data) or "truncated" in str(error).lower() else "damaged"


def _loaded(data: bytes, max_pixels: int, at_least: int | None = None) -> Image:
    return _read(data, lambda image: _load(image, max_pixels, at_least))


def header(data: bytes, formats: tuple[str, ...] = READ) -> Image:
    """The picture as it says that it is, no pixel read. Raises whatever Pillow does."""
    return _read(data, lambda image: image, formats)


def _read(data: bytes, then: Callable[[Image], Image], formats: tuple[str, ...] = READ) -> Image:
    """What ``then`` makes of a picture; of a PNG without the texts, then the profile, that are larger than Pillow
    reads."""
    from PIL import Image

    for beside in (frozenset[bytes](), TEXTS, TEXTS | PROFILE):
        try:
            return then(Image.open(io.BytesIO(without(data, beside)), formats=formats))
        except ValueError:
            if not data.startswith(PNG) or beside > TEXTS:
                raise
    raise AssertionError("the last round returns or raises")


def _load(image: Image, max_pixels: int, at_least: int | None) -> Image:
    width, height = image.size
    if width * height > max_pixels:
        raise Undecodable("too_large", f"{width}x{height}")
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    image.load()
    return image


def orientation(image: Image) -> int:
    """How its EXIF, or else its XMP, says that it was turned, 1 to 8; what can't be read says nothing (the pixels are
    good all the same)."""
    try:
        return _turned(image.getexif())
    except Exception:
        return 1


def exif_orientation(image: Image) -> int:
    """The same by its EXIF alone, as others than Pillow read it."""
    from PIL import Image as Pillow

    exif = Pillow.Exif()
    try:
        exif.load(image.info.get("exif") or b"")
        return _turned(exif)
    except Exception:
        return 1


def _turned(exif: Mapping[int, object]) -> int:
    found = exif.get(_ORIENTATION)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright_size(image: Image) -> tuple[int, int]:
    """Width and height once it is turned as its EXIF says."""
    width, height = image.size
    return (height, width) if orientation(image) >= 5 else (width, height)


def _upright(image: Image) -> Image:
    """Turned as its EXIF says."""
    from PIL import Image as Pillow

    turn = Pillow.Transpose
    how = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }.get(orientation(image))
    if how is None:
        return image
    turned = image.transpose(how)
    turned.info = {name: value for name, value in image.info.items() if name in ("transparency", "icc_profile")}
    return turned


def has_transparency(image: Image) -> bool:
    """Whether some of it may be transparent."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def rgb(image: Image) -> Image:
    """Eight bits a level, opaque, in sRGB."""
    from PIL import Image as Pillow

    if image.mode.startswith("I"):  # 16 bits a level, whatever integer type they are held in
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if has_transparency(image):
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
    if not profile or len(profile) > MAX_PROFILE:
        return image.convert("RGB")
    if _is_srgb(profile, image.mode):
        return image.convert("RGB")
    return _meant(image, profile) or image.convert("RGB")


def _meant(image: Image, profile: bytes) -> Image | None:
    """In sRGB; None if the profile is invalid or of another colour model."""
    from PIL import ImageCms

    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes, mode: str) -> bool:
    """Whether the profile's curves and primaries are sRGB's, by what becomes of a lattice of colours: names lie."""
    from PIL import Image as Pillow

    if mode not in ("L", "RGB"):
        return False
    steps = range(0, 256, 15)
    levels = [level for r in steps for g in steps for b in steps for level in ((r, g, b) if mode == "RGB" else (r,))]
    lattice = Pillow.frombytes(mode, (len(steps) ** 2, len(steps)), bytes(levels))
    found = _meant(lattice, profile)
    if found is None:
        return False
    pairs = zip(found.tobytes(), lattice.convert("RGB").tobytes(), strict=True)
    return all(abs(one - other) <= SAME for one, other in pairs)
