"""Which file a row means: exact bytes first, then what only looks different, never a guess between two."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from registry.content.labels.file_names import Names
from registry.content.labels.labeled_folder import Options, import_folder
from registry.content.stores.memory import NullSink
from registry.core.errors import InvalidInput

NFC, NFD = "a\u00f1o.jpg", "an\u0303o.jpg"


@pytest.mark.parametrize(
    ("files", "asked", "path", "note"),
    [
        ([NFC], NFC, NFC, None),
        ([NFD], NFD, NFD, None),
        ([NFC, NFD], NFD, NFD, None),
        ([NFD], NFC, NFD, "Unicode"),
        ([NFC], NFD, NFC, "Unicode"),
        (["A\u00d1O.JPG"], NFD, "A\u00d1O.JPG", "upper and lower case"),
        (["0.JPG"], "0.jpg", "0.JPG", "upper and lower case"),
        (["0.JPG", "0.jpg"], "0.jpg", "0.jpg", None),
        (["0.JPG", "images/0.jpg"], "0.jpg", "images/0.jpg", None),
        (["images/0.jpg"], "0.jpg", "images/0.jpg", None),
        (["0.jpg", "images/0.jpg"], "0.jpg", "0.jpg", None),
        (["sub/0.jpg"], "sub\\0.jpg", "sub/0.jpg", "\\ as /"),
        (["sub\\0.jpg", "sub/0.jpg"], "sub\\0.jpg", "sub\\0.jpg", None),
        (["sub/0.jpg"], "./sub//0.jpg", "sub/0.jpg", None),
        ([" 0.jpg", "0.jpg"], " 0.jpg", " 0.jpg", None),
        (["0.jpg"], " 0.jpg ", "0.jpg", None),
    ],
)
def test_a_name_is_found(files: list[str], asked: str, path: str, note: str | None) -> None:
    found = Names(files).find(asked)
    assert found is not None
    assert found.path == path
    assert (found.note is None) if note is None else (note in (found.note or ""))


@pytest.mark.parametrize(
    ("files", "asked", "said"),
    [
        (["A.JPG", "a.JPG"], "a.jpg", "'A.JPG' and 'a.JPG'"),
        ([NFC.upper(), NFD.upper()], NFC, r"'A\xd1O.JPG' and 'AN\u0303O.JPG'"),
    ],
)
def test_two_that_fit_alike_are_told_apart(files: list[str], asked: str, said: str) -> None:
    with pytest.raises(InvalidInput, match="could be several files") as caught:
        Names(files).find(asked)
    assert (caught.value.code, said in str(caught.value)) == ("ambiguous_name", True)


@pytest.mark.parametrize(
    ("files", "asked", "near"),
    [
        (["0a1b.png"], "0a1b", "0a1b.png"),
        (["pics/0.jpeg"], "0.JPG", "pics/0.jpeg"),
        (["sub/0.jpg"], "C:\\faces\\0.jpg", "sub/0.jpg"),
        (["a/0.jpg", "b/0.jpg"], "0.jpg", None),
        (["1.jpg"], "0.jpg", None),
        ([".jpg"], "", None),
    ],
)
def test_what_a_missing_name_may_mean_is_only_suggested(files: list[str], asked: str, near: str | None) -> None:
    assert Names(files).near(asked) == near


def test_what_is_not_there_is_not_found() -> None:
    assert Names(["sub/0.jpg"]).find("0.jpg") is None
    assert Names(["sub/0.jpg"]).find("0.jpg", anywhere=True).path == "sub/0.jpg"  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="several"):
        Names(["one/0.jpg", "two/0.jpg"]).find("0.jpg", anywhere=True)


def test_a_name_that_is_no_utf8_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(b"good")
    (tmp_path / os.fsdecode(b"b\xffd.jpg")).write_bytes(b"bad")
    (tmp_path / "labels.csv").write_text("file,label\ngood.jpg,feliz\n")
    found = import_folder(tmp_path, NullSink(), "unixfs-v1-2025")
    assert len(found.rows) == 1
    assert [note for note in found.notes if r"b\xffd.jpg" in note]


def test_links_out_of_the_folder_are_followed_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "12ab").write_bytes(b"a picture")
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "a.jpg").symlink_to(tmp_path / "cache" / "12ab")
    (folder / "round").symlink_to(folder)
    (folder / "labels.csv").write_text("file,label\na.jpg,feliz\n")
    without = import_folder(folder, NullSink(), "unixfs-v1-2025")
    assert [bad.code for bad in without.rejected] == ["link_outside"]
    found = import_folder(folder, NullSink(), "unixfs-v1-2025", options=Options(follow_links=True))
    assert [(row.row.file, row.size) for row in found.rows] == [("a.jpg", 9)]


def test_each_kind_of_link_is_told_once_and_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "0.jpg").write_bytes(b"a picture")
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "images").symlink_to(tmp_path / "cache")
    (folder / "gone.jpg").symlink_to("/nonexistent/cache/9")
    (folder / "other.jpg").symlink_to(tmp_path / "cache" / "0.jpg")
    (folder / "labels.csv").write_text("file,label\n0.jpg,feliz\ngone.jpg,feliz\n")
    found = import_folder(folder, NullSink(), "unixfs-v1-2025")
    assert [(bad.name, bad.code) for bad in found.rejected] == [("0.jpg", "link_outside"), ("gone.jpg", "broken_link")]
    assert found.notes == ("1 link leads out of the folder (--follow-links follows them): other.jpg",)


def test_labels_behind_a_link_name_the_way_there(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\n")
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "labels.csv").symlink_to(tmp_path / "labels.csv")
    problem = import_folder(tmp_path / "faces", NullSink(), "unixfs-v1-2025").problem
    assert problem is not None
    assert ("1 link leads out of it: labels.csv" in problem.reason, problem.hint) == (True, "try --follow-links.")


def test_a_folder_that_can_not_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "labels.csv").write_text("file,label\na.jpg,feliz\n")
    listed = os.scandir

    def refuse(what: str) -> object:
        def scandir(path: str) -> object:
            if str(path).endswith(what):
                raise PermissionError(13, "Permission denied", path)
            return listed(path)

        return scandir

    monkeypatch.setattr(os, "scandir", refuse("closed"))
    found = import_folder(tmp_path, NullSink(), "unixfs-v1-2025")
    assert len(found.rows) == 1
    assert [note.partition(": ")[2] for note in found.notes] == ["closed", "gone.jpg"]
    monkeypatch.setattr(os, "scandir", refuse(tmp_path.name))
    with pytest.raises(InvalidInput, match="can't be listed: Permission denied") as caught:
        import_folder(tmp_path, NullSink(), "unixfs-v1-2025")
    assert (caught.value.code, bool(caught.value.hint)) == ("not_listed", True)
