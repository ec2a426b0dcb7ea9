"""Bad images that the demo adds to its drawn faces: one of every kind that cleaning and registering detect."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def camera_noise(image: Image, r: random.Random, strength: int = 6) -> Image:
    """A little noise, as any camera has."""
    import numpy as np
    from PIL import Image as Pillow

    noise = np.frombuffer(r.randbytes(image.size[0] * image.size[1]), np.uint8).reshape(image.size[1], image.size[0], 1)
    values = np.asarray(image, np.int16) + (noise.astype(np.int16) - 128) * strength // 128
    return Pillow.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def png(image: Image, level: int = 6) -> bytes:
    """Encoded."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=level)
    return stream.getvalue()


def jpeg(image: Image, orientation: int | None = None) -> bytes:
    """Encoded, with an EXIF orientation if one is given."""
    from PIL import Image as Pillow

    stream = io.BytesIO()
    if orientation is None:
        image.save(stream, "JPEG", quality=92)
    else:
        exif = Pillow.Exif()
        exif[0x0112] = orientation
        image.save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A PNG of a few bytes whose header promises ``side`` by ``side`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def bad_pictures(face: Callable[[int, str], Image], r: random.Random) -> dict[str, tuple[bytes, str]]:
    """Planted noise by file name, with the label of its row."""
    from PIL import Image, ImageFilter

    def faint(image: Image.Image, factor: float, add: int) -> Image.Image:
        return image.point(lambda level: max(0, min(255, int(level * factor) + add)))

    return {
        "empty.png": (b"", "feliz"),
        "truncated.jpg": (jpeg(face(0, "feliz"))[:2000], "feliz"),
        "text.jpg": (b"this is no picture\n", "triste"),
        "bomb.png": (bomb(), "enojado"),
        "tiny.png": (png(face(1, "triste").resize((20, 20))), "triste"),
        "dark.png": (png(faint(face(2, "feliz"), 0.03, 0)), "feliz"),
        "bright.png": (png(faint(face(3, "triste"), 0.03, 248)), "triste"),
        "flat.png": (png(Image.new("RGB", (180, 180), (120, 120, 120))), "enojado"),
        "blurred_1.png": (png(face(4, "feliz").filter(ImageFilter.GaussianBlur(24))), "feliz"),
        "blurred_2.png": (png(face(5, "sorprendido").filter(ImageFilter.GaussianBlur(30))), "sorprendido"),
        "noisy_1.png": (png(camera_noise(face(6, "enojado"), r, 160)), "enojado"),
        "noisy_2.png": (png(camera_noise(face(7, "triste"), r, 200)), "triste"),
    }


def copies(folder: Path, image: Image, original: str) -> dict[str, bytes]:
    """The same bytes again, the same pixels in other bytes, and nearly the same picture smaller."""
    smaller = image.resize((image.size[0] * 9 // 10, image.size[1] * 9 // 10))
    return {
        "copy_bytes.png": (folder / original).read_bytes(),
        "copy_pixels.png": png(image, level=1),
        "copy_smaller.png": png(smaller),
    }


BAD_ROWS = (
    "not_there.png,feliz,drawer-1,,,,drawing,\n"
    "../outside.png,feliz,drawer-1,,,,drawing,\n"
    ",feliz,drawer-1,,,,drawing,\n"
    "face_0005.png,,drawer-2,,,,drawing,\n"
    "face_0006.png,triste,drawer-3,,,,drawing,\n"
    "face_0006.png,feliz,drawer-3,,,,drawing,\n"
)
