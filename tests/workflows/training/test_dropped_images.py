"""What cleaning dropped, as rows and as a sheet to look at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from registry.assembly import Home
from registry.core.errors import Conflict, InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.imaging.thumbnail import thumbnail
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs.dropped_images import A_REASON, draw_sheet, dropped_images, write_sheet
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")

SECRETS = (b"a secret comment", b"a secret description", b"a secret profile")


def photograph(colour: str = "red", size: tuple[int, int] = (300, 200)) -> bytes:
    """A JPEG that says more than its pixels, stored on its side."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = SECRETS[1].decode(), 6
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG", exif=exif, comment=SECRETS[0], icc_profile=SECRETS[2] * 9)
    return stream.getvalue()


def test_a_thumbnail_is_upright_and_carries_nothing_but_pixels() -> None:
    small = thumbnail(photograph(), 60)
    assert small is not None
    assert small.size == (40, 60)
    for kind in ("JPEG", "PNG", "WEBP"):
        stream = io.BytesIO()
        small.save(stream, kind)
        assert not [secret for secret in SECRETS if secret in stream.getvalue()]


@pytest.mark.parametrize("data", [b"", b"text", photograph()[:200], b"II*\0" + bytes(50)])
def test_what_can_not_be_shown_is_none(data: bytes) -> None:
    assert thumbnail(data, 60) is None


def row(number: int, reason: str, measured: str) -> dict[str, Any]:
    return {"sha256": f"{number:064x}", "reason": reason, "measured": measured}


def test_a_sheet_shows_every_reason_and_a_copy_beside_what_was_kept() -> None:
    rows = [
        row(1, "blur", "laplacian variance 2"),
        row(2, "duplicate", f"of {9:064x}"),
        row(3, "undecodable", "0 bytes"),
    ]
    pictures = {
        f"{1:064x}": photograph("blue"),
        f"{2:064x}": photograph("red"),
        f"{9:064x}": photograph("lime"),
        f"{3:064x}": b"",
    }
    nothing: dict[str, bytes] = {}
    sheet = draw_sheet(rows, pictures.get)
    seen = {colour for _, colour in sheet.getcolors(1 << 24) or []}
    for wanted in ((0, 0, 254), (254, 0, 0), (0, 255, 1)):
        assert any(np.abs(np.subtract(wanted, one)).max() <= 3 for one in seen), wanted
    assert draw_sheet(rows[:1], nothing.get).size == draw_sheet(rows[:1], pictures.get).size
    crowd = [row(number, "blur", "x") for number in range(A_REASON + 500)]
    assert draw_sheet(crowd, nothing.get).size == draw_sheet(crowd[:A_REASON], nothing.get).size


def test_rows_of_a_run_say_why_each_image_was_dropped(opened: Home, labeled: Folder, tmp_path: Path) -> None:
    folder = labeled(12, rows="empty.jpg,feliz,anna,Person 99\n")
    (folder / "images" / "empty.jpg").write_bytes(b"")
    import_source(opened, str(folder))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted("simulated", "simulated"))
    with pytest.raises(Conflict, match="not cleaned"):
        dropped_images(opened, run)
    opened.worker().work(run)
    (found,) = dropped_images(opened, run)
    assert (found["reason"], found["measured"], found["names"]) == ("undecodable", "0 bytes", ["empty.jpg"])
    assert opened.store.has(CID.parse(found["cid"]))
    write_sheet(opened, run, [found], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
    with pytest.raises(InvalidInput, match="there already"):
        write_sheet(opened, run, [found], tmp_path / "sheet.png")
    with pytest.raises(NotFound, match="dropped no image"):
        write_sheet(opened, run, [], tmp_path / "other.png")
    with pytest.raises(NotFound):
        dropped_images(opened, "nothing")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_picture_of_sixteen_bits_is_shown_as_it_is(kind: str) -> None:
    levels = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, kind)
    shown = thumbnail(stream.getvalue(), 64)
    assert shown is not None
    assert np.abs(np.asarray(shown, np.int16)[..., 0] - (levels >> 8)).max() <= 1
