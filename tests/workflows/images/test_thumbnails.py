"""Thumbnails: upright, bare, made once, never of what was withdrawn or is private, in a folder that stays small."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from registry.assembly import Home
from registry.core.errors import NotFound, Unavailable
from registry.workflows.images import kept_thumbnails, thumbnails
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.thumbnails import NoPicture, Thumbnails, Withdrawn
from registry.workflows.upkeep.maintenance import collect_garbage
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.pictures import HTML, SVG, jpeg

Brought = Callable[..., str]


@pytest.fixture
def brought(opened: Home, tmp_path: Path) -> Brought:
    """Imports one file with a label; its sha256."""

    def bring(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        folder = tmp_path / digest[:8]
        folder.mkdir()
        (folder / "a.jpg").write_bytes(data)
        (folder / "labels.csv").write_text("file,label\na.jpg,feliz\n")
        assert import_source(opened, str(folder))["registered"] == 1
        return digest

    return bring


def test_a_thumbnail_is_upright_webp_without_anything_but_its_pixels(opened: Home, brought: Brought) -> None:
    digest = brought(jpeg(size=(600, 300), orientation=6))
    found, data = Thumbnails(opened).get(digest, 160)
    picture = Image.open(io.BytesIO(data))
    assert (found, picture.format, picture.size) == (digest, "WEBP", (80, 160))
    assert b"secret" not in data
    assert not picture.getexif()
    top, bottom = picture.convert("RGB").getpixel((40, 20)), picture.convert("RGB").getpixel((40, 140))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert sum(top) < sum(bottom)  # what was left is above


def test_it_is_made_once_for_all_objects_of_a_home(
    opened: Home, brought: Brought, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = brought(jpeg())
    first = Thumbnails(opened).get(digest, 320)
    monkeypatch.setattr(thumbnails, "thumbnail", lambda *_: pytest.fail("decoded again"))
    assert Thumbnails(opened).get(digest, 320) == first


@pytest.mark.parametrize("data", [SVG, HTML, b"\xff\xd8\xff\xe0 not a picture", b""])
def test_what_is_no_picture_gives_none_and_is_not_tried_again(
    opened: Home, brought: Brought, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = brought(data)
    for _ in range(2):
        with pytest.raises(NoPicture) as raised:
            Thumbnails(opened).get(digest, 160)
        assert raised.value.code == "undecodable"
        monkeypatch.setattr(thumbnails, "thumbnail", lambda *_: pytest.fail("decoded again"))


def test_none_is_given_once_the_image_was_withdrawn_even_if_it_was_made_before(opened: Home, brought: Brought) -> None:
    digest, made = brought(jpeg()), Thumbnails(opened)
    made.get(digest, 160)
    withdraw(opened, digest, "mine")
    with pytest.raises(Withdrawn):
        made.get(digest, 160)
    with pytest.raises(Withdrawn):
        made.original(digest)
    assert list((opened.settings.home / "thumbnails").rglob("*.webp"))
    collect_garbage(opened)
    assert not list((opened.settings.home / "thumbnails").rglob("*.webp"))


def test_none_is_given_of_what_no_contribution_speaks_of(opened: Home, brought: Brought, tmp_path: Path) -> None:
    brought(jpeg(1))
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(2))
    import_source(opened, str(folder))  # held, and without a label
    with pytest.raises(NotFound):
        Thumbnails(opened).get(hashlib.sha256(jpeg(2)).hexdigest(), 160)


def test_bytes_that_a_row_wrongly_calls_the_image_make_no_picture_of_it(opened: Home, brought: Brought) -> None:
    from registry.catalog.queries.labeled_images.images import put_images
    from registry.content.unixfs.importer import add_bytes

    other = add_bytes(opened.store, jpeg(7), "unixfs-v0-2015").cid
    digest = brought(jpeg(8))
    with opened.catalog.write() as db:
        put_images(db, [(bytes.fromhex(digest), len(jpeg(8)), (other,))], stored=False)
    size = Thumbnails(opened).original(digest)
    assert hashlib.sha256(size).hexdigest() == digest


def test_the_oldest_go_when_the_folder_grows_beyond_its_bound(
    opened: Home, brought: Brought, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_thumbnails, "MAX_FILES", 3)
    made, digests = Thumbnails(opened), [brought(jpeg(number)) for number in range(6)]
    for digest in digests:
        made.get(digest, 160)
        left = [path.stem for path in (opened.settings.home / "thumbnails").rglob("*.webp")]
        assert len(left) <= 3
        assert digest in left
    assert digests[0] not in left


def test_the_size_of_the_original_is_that_of_the_upright_picture(opened: Home, brought: Brought) -> None:
    made = Thumbnails(opened)
    assert made.size(brought(jpeg(size=(60, 20), orientation=6))) == (20, 60)
    assert made.size(brought(SVG)) is None


def test_one_that_would_wait_too_long_to_be_decoded_is_told_to_come_again(
    opened: Home, brought: Brought, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "_DECODING", threading.BoundedSemaphore(1))
    monkeypatch.setattr(thumbnails, "PATIENCE", 0.01)
    digest = brought(jpeg())
    with thumbnails._DECODING, pytest.raises(Unavailable):
        Thumbnails(opened).get(digest, 160)
    assert Thumbnails(opened).get(digest, 160)
