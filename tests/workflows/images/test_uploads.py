"""Uploads: names that stay inside, bounds, one token's alone, bytes that need not come twice, and an end."""

from __future__ import annotations

import hashlib
import io
import os
import time
from typing import Any

import pytest

from registry.assembly import Home
from registry.core.errors import Conflict, NotFound
from registry.workflows.images.uploading import uploads
from registry.workflows.images.uploading.preview_upload import preview_upload
from registry.workflows.images.uploading.upload import Upload
from registry.workflows.images.uploading.uploads import Uploads
from tests.support.pictures import jpeg

TABLE = b"file,label\na.jpg,feliz\nb.jpg,triste\nmissing.jpg,feliz\n"


def send(made: Uploads, upload: Upload, name: str, data: bytes = b"x") -> str | None:
    return next((error.code for _, error in made.add(upload, [(name, io.BytesIO(data))])), None)


@pytest.fixture
def made(opened: Home) -> Uploads:
    return Uploads(opened)


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "/etc/passwd", "a/../../b", "..\\..\\b", "C:\\x.jpg", "", ".", "a\0b", "/".join("a" * 30), "x" * 300],
)
def test_no_name_leads_out_of_its_upload(made: Uploads, name: str) -> None:
    upload = made.begin("t1")
    before = sorted(upload.folder.parent.parent.rglob("*"))
    assert send(made, upload, name) is not None
    assert sorted(upload.folder.parent.parent.rglob("*")) == before


def test_a_name_as_long_as_a_disk_takes_is_taken_and_of_a_longer_one_the_limit_is_said(made: Uploads) -> None:
    upload = made.begin("t1")
    assert send(made, upload, "n" * 251 + ".png") is None
    (refused,) = made.add(upload, [("n" * 252 + ".png", io.BytesIO(b"x"))])
    assert "255 bytes" in str(refused[1])
    assert len(str(refused[1])) < 250


def test_a_name_that_is_a_file_and_a_folder_is_refused(made: Uploads) -> None:
    upload = made.begin("t1")
    assert send(made, upload, "a/b.jpg") is None
    assert send(made, upload, "a") == "bad_name"
    assert send(made, upload, "a/b.jpg/c") == "bad_name"
    assert send(made, upload, "a/.DS_Store") is None
    assert [path.name for path in upload.files.rglob("*") if path.is_file()] == ["b.jpg"]


def test_sizes_are_bounded_while_they_come_in(made: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = made.begin("t1")
    monkeypatch.setattr(uploads, "MAX_FILE", 100)
    assert send(made, upload, "a", b"x" * 101) == "too_large"
    assert send(made, upload, "a", b"x" * 100) is None
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 150)
    assert send(made, upload, "b", b"y" * 60) == "too_large"
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    assert send(made, upload, "b", b"y") is None
    assert send(made, upload, "c", b"z") == "too_many_files"
    assert upload.measure() == (2, 101)
    assert not list(upload.folder.glob("*.part"))


def test_only_the_token_that_began_it_sees_an_upload(made: Uploads) -> None:
    upload = made.begin("t1")
    assert made.get(upload.id, "t1") == upload
    for identity, token in ((upload.id, "t2"), ("../" + upload.id, "t1"), ("x" * 22, "t1")):
        with pytest.raises(NotFound):
            made.get(identity, token)
    assert [one.id for one in made.of("t1")] == [upload.id]
    assert made.of("t2") == []


def test_bytes_that_came_before_or_are_given_need_not_be_sent(made: Uploads) -> None:
    upload = made.begin("t1")
    send(made, upload, "faces/a.jpg", b"one")
    one, two, three = (hashlib.sha256(data).hexdigest() for data in (b"one", b"two", b"three"))
    asked = [("again.jpg", one), ("b.jpg", two), ("c.jpg", three), ("d.jpg", "no digest"), ("../e.jpg", one)]
    lacking = made.missing(upload, asked, lambda digest: b"two" if digest == two else None)
    assert lacking == ["c.jpg", "d.jpg", "../e.jpg"]
    found = {str(path.relative_to(upload.files)): path.read_bytes() for path in upload.files.rglob("*.jpg")}
    assert found == {"faces/a.jpg": b"one", "again.jpg": b"one", "b.jpg": b"two"}
    assert upload.measure() == (3, 6)


def test_bytes_that_are_given_wrongly_get_no_name(made: Uploads) -> None:
    upload = made.begin("t1")
    assert made.missing(upload, [("a.jpg", "0" * 64)], lambda digest: b"something else") == ["a.jpg"]
    assert upload.measure() == (0, 0)


def test_uploads_are_few_and_end(made: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "OF_A_TOKEN", 2)
    first, second = made.begin("t1"), made.begin("t1")
    with pytest.raises(Conflict) as raised:
        made.begin("t1")
    assert raised.value.code == "too_many_uploads"
    made.begin("t2")
    made.discard(second)
    old = time.time() - (uploads.KEPT_HOURS + 1) * 3600
    os.utime(first.folder / "upload.json", (old, old))
    made.begin("t1")
    assert not first.folder.exists()
    assert not second.folder.exists()


def test_what_importing_gave_stays_and_the_files_go(made: Uploads) -> None:
    upload = made.begin("t1")
    send(made, upload, "a.jpg")
    made.finish(upload, {"registered": 1})
    assert made.get(upload.id, "t1").done == {"registered": 1}
    assert sorted(path.name for path in upload.folder.iterdir()) == ["upload.json"]


def preview(home: Home, upload: Upload, **mapping: str) -> dict[str, Any]:
    return preview_upload(home, upload.source(), mapping, lambda *_: None)


def test_a_preview_shows_columns_rows_and_errors_by_their_lines_and_stores_nothing(opened: Home, made: Uploads) -> None:
    upload = made.begin("t1")
    given = {"top/labels.csv": TABLE, "top/images/a.jpg": jpeg(1), "top/b.jpg": jpeg(2), "top/c.jpg": jpeg(3)}
    assert made.add(upload, [(name, io.BytesIO(data)) for name, data in given.items()]) == []
    found = preview(opened, upload)
    document = found["document"]
    assert found["wrong"] is None
    assert found["header"] == ("file", "label")
    assert [(row["row"], row["name"], row["label"]) for row in document["sample"]] == [
        (2, "a.jpg", "feliz"),
        (3, "b.jpg", "triste"),
    ]
    assert [(one["row"], one["code"]) for one in document["rejected"]] == [(4, "missing_file")]
    assert document["unnamed"] == ["c.jpg"]
    with opened.catalog.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM images").scalar() == 0
    assert list(opened.store.cids()) == []


def test_a_table_with_other_columns_can_be_told_what_they_mean(opened: Home, made: Uploads) -> None:
    upload = made.begin("t1")
    made.add(upload, [("labels.csv", io.BytesIO(b"bild,gefuehl\na.jpg,feliz\n")), ("a.jpg", io.BytesIO(jpeg(1)))])
    found = preview(opened, upload)
    assert found["document"] is None
    assert "bild" in found["wrong"]["reason"]
    assert str(upload.folder) not in found["wrong"]["reason"]
    assert found["header"] == ("bild", "gefuehl")
    told = preview(opened, upload, file="bild", label="gefuehl")
    assert told["document"]["registered"] == 1
