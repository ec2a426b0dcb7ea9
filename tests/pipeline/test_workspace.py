"""The array that all folds share is whole and right, or made again, or refused."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.method import YOLOv8
from pipeline.resize import pixels_digest
from registry.core.errors import InvalidInput, Unavailable, Untrusted
from registry.core.ports.method import Prepared
from tests.pipeline.pictures import World, encode, quiet, scene, values_of


@pytest.fixture
def world() -> World:
    made = World()
    for seed in range(5):
        made.add(encode(scene(seed)))
    made.add(b"")
    return made


def materialize(world: World, rows: list[Prepared], array: Path, told: list[object] | None = None) -> dict[bytes, int]:
    def progress(*state: object) -> None:
        if told is not None:
            told.append(state)

    return YOLOv8().materialize(rows, world.read, values_of(), array, progress)


def test_rows_are_the_kept_pixels_by_sha256(world: World, tmp_path: Path) -> None:
    rows = list(world.prepare().values())
    told: list[Any] = []
    index = materialize(world, rows, tmp_path / "a.npy", told)
    pixels = np.load(tmp_path / "a.npy")
    assert (pixels.shape, pixels.dtype) == ((5, 96, 96, 3), np.uint8)
    assert list(index) == sorted(index)
    assert {row.sha256: row.pixels for row in rows if row.pixels} == {
        name: pixels_digest(pixels[number]) for name, number in index.items()
    }
    assert told[-1] == ("pixels", 5, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_what_is_there_and_whole_is_taken(world: World, tmp_path: Path) -> None:
    rows = list(world.prepare().values())
    index = materialize(world, rows, tmp_path / "a.npy")
    before = (tmp_path / "a.npy").stat().st_mtime_ns
    told: list[Any] = []
    assert materialize(World(), rows[::-1], tmp_path / "a.npy", told) == index  # nothing is read
    assert (told, (tmp_path / "a.npy").stat().st_mtime_ns) == ([], before)


@pytest.mark.parametrize("harm", ["cut", "empty", "flipped", "another", "pickle"])
def test_what_is_there_and_not_whole_is_made_again(world: World, tmp_path: Path, harm: str) -> None:
    rows, path = list(world.prepare().values()), tmp_path / "a.npy"
    materialize(world, rows, path)
    good = path.read_bytes()
    if harm == "another":
        np.save(path, np.zeros((5, 64, 64, 3), np.uint8))
    elif harm == "pickle":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes({"cut": good[:-1], "empty": b"", "flipped": good[:-5] + b"\x00\xff\x00\xff\x00"}[harm])
    materialize(world, rows, path)
    assert path.read_bytes() == good


def test_an_image_that_became_another_is_refused_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    rows = list(world.prepare().values())
    for data in (encode(scene(9)), b"no picture"):
        with pytest.raises(Untrusted, match=r"pixels|undecodable") as caught:
            YOLOv8().materialize(
                rows, dict.fromkeys(world.data, data).__getitem__, values_of(), tmp_path / "a.npy", quiet
            )
        assert caught.value.code == "pixels_differ"
        assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_told_before_anything_is_written(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    rows = list(world.prepare().values())
    (tmp_path / "a.npy.tmp").write_bytes(b"left by one who was killed")
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(Unavailable, match="No space left") as caught:
        materialize(world, rows, tmp_path / "a.npy")
    assert caught.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_nothing_kept_and_no_place_to_write(world: World, tmp_path: Path) -> None:
    rows = list(world.prepare().values())
    with pytest.raises(InvalidInput, match="kept no image"):
        materialize(world, [row for row in rows if row.reason], tmp_path / "a.npy")
    with pytest.raises(Unavailable, match="can't be written"):
        materialize(world, rows, tmp_path / "nowhere" / "a.npy")
