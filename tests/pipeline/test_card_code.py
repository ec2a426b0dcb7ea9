"""The card's own code prepares a picture as training does, whatever it is dressed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import card_use
from registry.imaging.decode import decode
from tests.pipeline.cleaning.test_decode import LIMIT, colours, swapped_profile
from tests.pipeline.pictures import encode

DRESSES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plain": ("RGB", "PNG", {}),
    "other colours": ("RGB", "PNG", {"icc_profile": swapped_profile()}),
    "other colours, turned": ("RGB", "JPEG", {"icc_profile": swapped_profile(), "exif": 6}),
    "other colours, see-through, turned": ("RGBA", "PNG", {"icc_profile": swapped_profile(), "exif": 8}),
    "grey with a profile of colours": ("L", "JPEG", {"icc_profile": swapped_profile()}),
    "broken profile": ("RGB", "WEBP", {"icc_profile": b"x" * 200, "lossless": True}),
    "see-through grey": ("LA", "PNG", {}),
    "palette": ("P", "PNG", {"transparency": 3}),
    "print": ("CMYK", "JPEG", {}),
    "sixteen bits": ("I;16", "PNG", {}),
    "sixteen bits in TIFF": ("I;16", "TIFF", {"exif": 3}),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_the_cards_code_makes_of_a_picture_what_training_does(dress: str, tmp_path: Path) -> None:
    mode, kind, options = DRESSES[dress]
    deep = Image.fromarray((np.arange(800, dtype=np.uint16) * 80).reshape(20, 40))
    image = deep if mode == "I;16" else colours(mode)
    if "A" in mode:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if "exif" in options:
        exif = Image.Exif()
        exif[0x0112] = options["exif"]
        options = {**options, "exif": exif}
    path = tmp_path / "picture"
    path.write_bytes(encode(image, kind, **options))
    said: dict[str, Any] = {}
    exec(card_use.picture(64, "0.100000"), said)
    wanted = np.asarray(decode(path.read_bytes(), LIMIT))
    assert np.array_equal(np.asarray(said["upright"](path)), wanted)
