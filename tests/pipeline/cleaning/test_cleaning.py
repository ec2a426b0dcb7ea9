"""Cleaning: each kind of noise is dropped for its reason; order, machine and neighbours don't matter."""

from __future__ import annotations

import io
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from pipeline.cleaning.clean import select
from pipeline.cleaning.duplicates import dhash, near_pairs, phash
from pipeline.cleaning.label_boxes import choose_boxes
from pipeline.method import YOLOv8
from pipeline.resize import Letterbox, resize
from registry.core.ports.method import Prepared
from registry.demo.planted_noise import bomb
from registry.imaging.decode import Undecodable, decode
from tests.pipeline.conftest import Faces
from tests.pipeline.pictures import preprocess, quiet


def prepare(faces: Faces, **over: Any) -> tuple[Prepared, ...]:
    method = YOLOv8()
    _, values = method.recipe("quick", {})
    values["preprocess"].update(over)
    return preprocess(faces.items, faces.data.__getitem__, values)


PLANTED = {
    "empty.png": "undecodable",
    "truncated.jpg": "undecodable",
    "text.jpg": "undecodable",
    "bomb.png": "too_large",
    "tiny.png": "too_small",
    "dark.png": "exposure",
    "bright.png": "exposure",
    "flat.png": "exposure",
    "blurred_1.png": "blur",
    "blurred_2.png": "blur",
    "noisy_1.png": "noise",
    "noisy_2.png": "noise",
}


def test_every_planted_picture_goes_for_its_reason_and_nothing_else_does(faces: Faces) -> None:
    rows = {faces.names[row.sha256]: row for row in prepare(faces)}
    assert {name: rows[name].reason for name in PLANTED} == PLANTED
    copies = Counter(rows[name].reason for name in ("face_0000.png", "copy_pixels.png", "copy_smaller.png"))
    assert copies == {None: 1, "duplicate": 1, "near_duplicate": 1}
    kept = [row for row in rows.values() if row.reason is None]
    assert len(kept) >= 158
    assert all(row.measured for row in rows.values() if row.reason is not None)


def test_any_order_gives_the_same_rows(faces: Faces) -> None:
    first = prepare(faces)
    items = list(faces.items)
    random.Random(1).shuffle(items)
    assert prepare(Faces(tuple(items), faces.data, faces.names)) == first
    assert [row.sha256 for row in first] == sorted(row.sha256 for row in first)


def test_a_person_and_a_copy_share_a_group_named_by_its_smallest(faces: Faces) -> None:
    rows = prepare(faces)
    persons: dict[str | None, set[bytes]] = {}
    subject = {item.sha256: item.subject for item in faces.items}
    for row in rows:
        if subject[row.sha256]:
            persons.setdefault(subject[row.sha256], set()).add(row.group)
    assert all(len(groups) == 1 for groups in persons.values())
    members: dict[bytes, list[bytes]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row.sha256)
    assert all(min(found) == name for name, found in members.items())


def test_a_picture_turned_by_exif_is_upright(faces: Faces) -> None:
    row = next(row for row in prepare(faces) if faces.names[row.sha256] == "turned_by_exif.jpg")
    plain = Image.open(io.BytesIO(faces.data[row.sha256]))
    assert (row.width, row.height) == plain.size[::-1] or row.width == row.height
    assert row.reason is None


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = Image.effect_noise((60, 50), 40).convert("RGB")
    stream = io.BytesIO()
    if mode == "I;16":
        Image.fromarray((np.arange(3000, dtype=np.uint16) * 20).reshape(50, 60)).save(stream, "PNG")
    else:
        image.convert(mode).save(stream, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG")
    found = decode(stream.getvalue(), 10_000)
    assert (found.mode, found.size) == ("RGB", (60, 50))


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"GIF89a", bytes(100), b"\xff\xd8\xff\xe0" + bytes(50)]
)
def test_hostile_bytes_are_undecodable(data: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(data, 1_000_000)
    assert caught.value.reason == "undecodable"


@given(st.binary(max_size=300))
def test_no_bytes_get_past_with_another_exception(data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(b"\x89PNG\r\n\x1a\n" + data, 1_000_000)


@pytest.mark.parametrize("side", [8_000, 30_000, 65_000])
def test_a_bomb_is_never_decoded(side: int) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(bomb(side), 50_000_000)
    assert caught.value.reason == "too_large"


def test_near_duplicates_survive_scaling_and_brightness(faces: Faces) -> None:
    picture = Image.open(io.BytesIO(faces.data[next(iter(faces.data))])).convert("L")
    smaller = picture.resize((90, 95))
    brighter = picture.point(lambda level: min(255, level + 12))
    pictures = [picture, smaller, brighter, Image.effect_noise((100, 100), 80)]
    pairs = sorted(near_pairs([dhash(one) for one in pictures], [phash(one) for one in pictures], 5, 10))
    assert pairs == [(0, 1), (0, 2), (1, 2)]


def flipped(value: int, bits: list[int]) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


@given(
    st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 63), max_size=9)), max_size=24),
    st.sampled_from([0, 1, 4, 5, 6, 15, 16, 64]),
    st.sampled_from([0, 3, 10, 64]),
)
def test_the_index_finds_the_pairs_that_comparing_all_finds(
    seeds: list[int], near: list[tuple[int, list[int]]], dhash_limit: int, phash_limit: int
) -> None:
    d = [*seeds, *(flipped(seeds[which % len(seeds)], bits) for which, bits in near)]
    p = [*seeds, *(flipped(seeds[which % len(seeds)], bits[::2]) for which, bits in near)]
    plain = [
        (i, j)
        for i in range(len(d))
        for j in range(i + 1, len(d))
        if (d[i] ^ d[j]).bit_count() <= dhash_limit and (p[i] ^ p[j]).bit_count() <= phash_limit
    ]
    assert sorted(near_pairs(d, p, dhash_limit, phash_limit)) == plain


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([32, 96, 640]), st.data())
def test_a_box_goes_in_and_comes_back(width: int, height: int, size: int, data: Any) -> None:
    place = Letterbox(width, height, size)
    x, y = data.draw(st.integers(0, width * 100 - 1)), data.draw(st.integers(0, height * 100 - 1))
    w, h = data.draw(st.integers(1, width * 100 - x)), data.draw(st.integers(1, height * 100 - y))
    cx, cy, bw, bh = place.inward((x, y, w, h))
    assert all(0 <= value <= 1 for value in (cx, cy, bw, bh))
    corners = ((cx - bw / 2) * size, (cy - bh / 2) * size, (cx + bw / 2) * size, (cy + bh / 2) * size)
    back = place.outward(*corners)
    assert all(abs(one - other) <= 2 for one, other in zip(back, (x, y, w, h), strict=True))


def test_letterboxing_pads_with_grey_and_keeps_the_middle() -> None:
    white = Image.new("RGB", (200, 100), (255, 255, 255))
    made = resize(white, 96)
    assert made.shape == (96, 96, 3)
    assert (made[:24] == 114).all()
    assert (made[72:] == 114).all()
    assert (made[24:72] == 255).all()


@pytest.mark.parametrize(
    ("boxes", "chosen", "source"),
    [
        ([], ((0, 0, 10000, 5000),), "full_frame"),
        ([(100, 200, 300, 400)], ((100, 200, 300, 400),), "supplied"),
        ([(9000, 4000, 9000, 9000)], ((9000, 4000, 1000, 1000),), "supplied"),
        ([(20000, 0, 100, 100)], ((0, 0, 10000, 5000),), "full_frame"),
    ],
)
def test_boxes_are_supplied_or_the_full_frame(boxes: Any, chosen: Any, source: str) -> None:
    assert choose_boxes(boxes, None, 100, 50) == (chosen, source)


def test_an_empty_list_is_clean() -> None:
    _, values = YOLOv8().recipe("quick", {})
    assert select([], values["preprocess"]).empty


def test_what_a_sample_shows_of_an_image_is_what_all_images_show(faces: Faces) -> None:
    """An audit looks at a sample: an image alone, or with those that its row says it is a copy of."""
    method = YOLOv8()
    _, values = method.recipe("quick", {})
    rows = {bytes(row["sha256"]): row for row in method.measure(faces.items, faces.data.__getitem__, values, quiet)}
    items = {item.sha256: item for item in faces.items}
    for row in method.preprocess(faces.items, list(rows.values()), values):
        measured = row.measured or ""
        named = [bytes.fromhex(measured[3:])] if measured.startswith("of ") else []
        together = sorted({row.sha256, *named})
        few = method.preprocess([items[one] for one in together], [rows[one] for one in together], values)
        alone = next(one for one in few if one.sha256 == row.sha256)
        assert replace(alone, group=row.group) == row
