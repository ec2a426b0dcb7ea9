"""A file or folder appears whole or not at all, touches no other one, and is told of nothing but its own failures."""

from __future__ import annotations

import os
import resource
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from registry.cli.row_output import write_rows
from registry.core.errors import InvalidInput, Unavailable
from registry.files import single_writer_file, whole_file, whole_tree
from registry.workflows.releases.predicted_picture import draw_all


def test_two_writers_of_one_path_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(path) as one:
        one.write(b"1" * 100_000)
        with whole_file(path) as two:
            two.write(b"2" * 50_000)
        assert path.read_bytes() == b"2" * 50_000
        one.write(b"1" * 100_000)
    assert path.read_bytes() == b"1" * 200_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_another_name_stays(tmp_path: Path) -> None:
    (tmp_path / "out.part").write_text("mine", encoding="utf-8")
    with whole_file(tmp_path / "out") as stream:
        stream.write(b"done")
    assert (tmp_path / "out.part").read_text(encoding="utf-8") == "mine"


def test_a_failure_of_the_work_leaves_nothing_and_is_told_as_it_is(tmp_path: Path) -> None:
    def work() -> None:
        with whole_file(tmp_path / "out") as stream:
            stream.write(b"half")
            (tmp_path / "store").read_bytes()

    with pytest.raises(FileNotFoundError, match="store"):
        work()
    assert not list(tmp_path.iterdir())


def test_a_new_file_has_the_mode_of_any_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    new, any_new, old = tmp_path / "new", tmp_path / "any", tmp_path / "old"
    any_new.touch()
    old.touch()
    old.chmod(0o640)
    for path in (new, old):
        with whole_file(path) as stream:
            stream.write(b"done")
    assert new.stat().st_mode == any_new.stat().st_mode
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_bytes(b"as it was")
    for name in ("file", "nothing yet"):
        link = tmp_path / f"to {name}"
        link.symlink_to(Path("far") / name)
        with whole_file(link) as stream:
            stream.write(b"done")
        assert link.is_symlink()
        assert (tmp_path / "far" / name).read_bytes() == b"done"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(Unavailable, match="loop can't be written"), whole_file(loop):
        pass


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_pipe_is_written_to(tmp_path: Path, form: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_rows([{"a": 1}], form, pipe)
    reader.join(timeout=30)
    write_rows([{"a": 1}], form, tmp_path / "file")
    assert got == [(tmp_path / "file").read_bytes()]
    assert pipe.is_fifo()


def test_a_device_is_written_to() -> None:
    with whole_file(Path("/dev/null")) as stream:
        stream.write(b"gone")
        assert stream.size == 4
    assert Path("/dev/null").is_char_device()
    said = "/dev/full can't be written: No space left on device"
    with pytest.raises(Unavailable, match=said) as caught, whole_file(Path("/dev/full")) as stream:
        stream.write(b"no room")
    assert caught.value.code == "disk_full"
    assert str(caught.value.hint).startswith("make room")


def test_a_write_that_fails_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"as it was")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(Unavailable, match="out can't be written: File too large"), whole_file(path) as stream:
            stream.write(b"1" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [path]


def test_pictures_of_predictions_are_written_all_or_none(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (20, 20)).save(tmp_path / name)
    documents: list[dict[str, Any]] = [
        {"image": str(tmp_path / name), "detections": [], "error": None} for name in ("a.png", "b.png")
    ]
    assert len(draw_all(documents, tmp_path / "both")) == 2
    (tmp_path / "b.png").unlink()
    with pytest.raises(InvalidInput, match=r"b\.png can no longer be read"):
        draw_all(documents, tmp_path / "one")
    assert not list((tmp_path / "one").iterdir())


def test_a_file_of_the_programs_own_replaces_what_was_there_and_what_a_killed_writer_left(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for data in (b"first", b"second"):
        (tmp_path / "state.tmp").write_bytes(b"left by one who was killed")
        with single_writer_file(path, mode=0o600) as stream:
            assert stat.S_IMODE((tmp_path / "state.tmp").stat().st_mode) == 0o600
            stream.write(data)
        assert path.read_bytes() == data
        assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_the_work_leaves_the_programs_own_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"as it was")

    def work() -> None:
        with single_writer_file(path) as stream:
            stream.write(b"half")
            (tmp_path / "store").read_bytes()

    with pytest.raises(FileNotFoundError, match="store"):
        work()
    assert path.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [path]
    with (
        pytest.raises(Unavailable, match="nowhere/state can't be written"),
        single_writer_file(tmp_path / "nowhere" / "state"),
    ):
        pass


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"

    def work() -> None:
        with whole_tree(path) as place:
            place.mkdir()
            (place / "half").touch()
            raise InvalidInput("not this")

    with pytest.raises(InvalidInput, match="not this"):
        work()
    assert not list(path.parent.iterdir())
    with pytest.raises(Unavailable, match="folder can't be written"), whole_tree(path) as place:
        (place / "without its folder").touch()
    with whole_tree(path) as place:
        place.mkdir()
        (place / "one").write_bytes(b"1")
        assert not path.exists()
    assert [one.name for one in path.iterdir()] == ["one"]
    assert list(path.parent.iterdir()) == [path]
