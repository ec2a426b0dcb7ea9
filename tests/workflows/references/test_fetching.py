"""Images by reference: fetched, verified, registered once; refused with the reason; tried again, and given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images, referenced
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.schema import derived, operational
from registry.cli.main import main
from registry.content.labels import make_row
from registry.content.sources import gateway as gateways
from registry.content.sources.hosts import Patience
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer
from registry.core.errors import EmotionetError, NotFound, UsageError
from registry.core.ipld.cid import CID, DAG_PB
from registry.settings import read_settings
from registry.workflows.images.forget_subject import forget_subject
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.labeled_rows import new_row
from registry.workflows.images.show_image import show_image
from registry.workflows.references import fetch_image, fetch_job
from registry.workflows.references.ask_again import ask_again
from registry.workflows.references.refer import refer
from registry.workflows.withdrawals.withdraw import withdraw
from tests.api.conftest import picture
from tests.content.test_hostile import doubling
from tests.support.processes.gateway import Gateway, serving

QUICK = Patience(connect=1.0, read=0.5, block=1.5, hedge=0.15)


class Far:
    """What lies elsewhere, a gateway that gives it, and a home that knows this gateway alone."""

    def __init__(self, home: Home, gateway: Gateway, blocks: MemoryStore) -> None:
        self.home, self.gateway, self.blocks = home, gateway, blocks

    def add(self, data: bytes, profile: str = importer.DEFAULT_PROFILE) -> CID:
        return importer.add_bytes(self.blocks, data, profile).cid

    def refer(self, *rows: tuple[CID, str, str], **cells: str) -> None:
        """Rows of (cid, label, contributor)."""
        made = []
        for number, (cid, label, contributor) in enumerate(rows, 1):
            row = make_row(number, {"cid": str(cid), "label": label, **cells})
            made.append(new_row(row, cid.digest, 0, cid, contributor))
        with self.home.catalog.write() as db:
            refer(self.home, db, self.home.key.did, made)

    def work(self) -> None:
        """All jobs that are due, whatever time they wait for."""
        with self.home.catalog.write() as db:
            db.execute(sa.update(operational.jobs).values(not_before=None))
        worker = self.home.worker()
        worker.work(idle=lambda: not self.home.queue.pending(self.home.key.did) or self._waits())

    def _waits(self) -> bool:
        with self.home.catalog.read() as db:
            late = sa.select(sa.func.count()).select_from(operational.jobs)
            left = db.scalar(late.where(operational.jobs.c.state == "queued", operational.jobs.c.not_before.is_(None)))
            running = db.scalar(late.where(operational.jobs.c.state == "running"))
        return not left and not running

    def code(self, cid: CID) -> str | None:
        with self.home.catalog.read() as db:
            found = referenced.get(db, str(cid))
        return found["code"] if found else None

    def state(self, cid: CID) -> tuple[str, int] | None:
        with self.home.catalog.read() as db:
            found = referenced.get(db, str(cid))
        return (found["state"], found["attempts"]) if found else None

    def labels(self, cid: CID) -> list[tuple[str, str]]:
        with self.home.catalog.read() as db:
            sha256 = images.resolve_image(db, str(cid))
            return [(row["contributor"], row["label"]) for row in image_history(db, sha256 or b"")]


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    monkeypatch.setattr(gateways, "Patience", lambda: QUICK)
    monkeypatch.setattr(gateways, "PAUSES", (0.01, 0.01))
    blocks = MemoryStore()
    with serving(Gateway(blocks)) as gateway:
        home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_GATEWAYS": gateway.url}))
        yield Far(home, gateway, blocks)
        home.source.close()  # type: ignore[union-attr]
        home.close()


def test_what_was_referred_to_is_fetched_and_registered_once(far: Far) -> None:
    small, large = far.add(picture(1)), far.add(picture(2, 3_000_000))
    old = far.add(picture(3), "unixfs-v0-2015")
    far.refer((small, "feliz", "anna"), (large, "triste", "anna"), (old, "feliz", "bert"))
    far.refer((small, "feliz", "anna"))
    waiting = show_image(far.home, str(large))
    assert (waiting["status"], waiting["sha256"], waiting["labels"]) == ("referenced", None, {"triste": 1})
    assert waiting["reference"]["state"] == "waiting"
    assert show_image(far.home, str(small))["sha256"] == small.digest.hex()
    far.work()
    for cid, size in ((small, 300), (large, 3_000_000), (old, 300)):
        shown = show_image(far.home, str(cid))
        assert (shown["status"], shown["size"], shown["reference"]) == ("stored", size, None)
        assert far.home.store.has(cid)
        assert len(far.labels(cid)) == 1
    assert far.state(small) is None
    asked = far.gateway.asked.total()
    far.work()
    assert far.gateway.asked.total() == asked


def test_rows_that_came_one_after_the_other_are_a_row_and_its_correction(far: Far) -> None:
    cid = far.add(picture(1))
    far.refer((cid, "feliz", "anna"))
    far.refer((cid, "triste", "anna"), (cid, "enojado", "bert"))
    far.refer((cid, "feliz", "anna"))
    far.work()
    assert sorted(far.labels(cid)) == sorted(
        [("anna", "feliz"), ("bert", "enojado"), ("anna", "triste"), ("anna", "feliz")]
    )
    assert show_image(far.home, str(cid))["labels"] == {"enojado": 1, "feliz": 1}


def refused(far: Far, what: str, monkeypatch: pytest.MonkeyPatch) -> CID:
    """A CID that can never be an image."""
    if what == "is_directory":
        return importer.add_directory(far.blocks, {"a.jpg": (far.add(picture(1)), 300)}).cid
    if what == "too_large":
        monkeypatch.setattr(fetch_image, "MAX_BYTES", 1_000_000)
        return far.add(picture(1, 1_100_000))
    if what == "malformed":
        return doubling(far.blocks, 60)
    return far.add(b"<html>no picture</html>")


@pytest.mark.parametrize("what", ["is_directory", "too_large", "malformed", "not_an_image"])
def test_what_no_waiting_mends_is_given_up_at_once(far: Far, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cid, good = refused(far, what, monkeypatch), far.add(picture(9))
    far.refer((cid, "feliz", "anna"), (good, "feliz", "anna"))
    far.work()
    assert far.state(cid) == ("given_up", 1)
    assert far.code(cid) in ({"malformed", "too_large"} if what == "malformed" else {what})
    shown = show_image(far.home, str(cid))
    assert (shown["status"], shown["reference"]["reason"]) == ("referenced", fetch_image.REASONS[far.code(cid) or ""])
    assert not far.home.store.has(cid)
    assert show_image(far.home, str(good))["status"] == "stored"


@pytest.mark.parametrize(
    ("how", "code"),
    [("wrong", "wrong_bytes"), ("more", "wrong_bytes"), ("absent", "not_found"), ("cut", "unavailable"),
     ("broken", "unavailable"), ("busy", "unavailable"), ("hang", "unavailable"), ("endless", "too_large"),
     ("inwards", "unavailable"), ("nonsense", "unavailable")],
)  # fmt: skip
def test_a_gateway_that_misbehaves_is_asked_again_later_and_then_given_up(far: Far, how: str, code: str) -> None:
    cid = far.add(picture(1))
    far.gateway.how = how
    far.refer((cid, "feliz", "anna"))
    far.work()
    if code != "too_large":
        assert (far.state(cid), far.code(cid)) == (("waiting", 1), code)
        with far.home.catalog.read() as db:
            due = db.scalar(sa.select(operational.jobs.c.not_before).where(operational.jobs.c.state == "queued"))
        assert due is not None
    far.gateway.how = "honest"
    if code == "too_large":
        far.refer((cid, "feliz", "anna"))  # somebody says it again: it is tried anew
    far.work()
    assert (far.state(cid), show_image(far.home, str(cid))["status"]) == (None, "stored")


def test_after_the_last_attempt_it_is_given_up_until_somebody_asks(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_job, "PAUSES", (0.0, 0.0))
    cid = far.add(picture(1))
    far.gateway.how = "absent"
    far.refer((cid, "feliz", "anna"))
    for _ in range(4):
        far.work()
    assert (far.state(cid), far.code(cid)) == (("given_up", 3), "not_found")
    assert far.home.queue.pending(far.home.key.did) == 0
    far.gateway.how = "honest"
    assert ask_again(far.home, []) == {"asked": 1, "named": 1}
    assert ask_again(far.home, [str(cid)])["asked"] == 0  # it waits already
    far.work()
    assert show_image(far.home, str(cid))["status"] == "stored"
    with pytest.raises(NotFound):
        ask_again(far.home, ["nonsense"])


def test_a_second_gateway_helps_where_the_first_lies(far: Far) -> None:
    cid = far.add(picture(1))
    far.gateway.how = "wrong"
    with serving(Gateway(far.blocks)) as honest:
        far.home.__dict__["source"] = gateways.GatewayClient([far.gateway.url, honest.url], QUICK)
        far.refer((cid, "feliz", "anna"))
        far.work()
    assert show_image(far.home, str(cid))["status"] == "stored"


def test_a_withdrawn_image_is_not_fetched(far: Far) -> None:
    early, late = far.add(picture(1)), far.add(picture(2, 2_000_000))
    far.refer((early, "feliz", "anna"), (late, "feliz", "anna"))
    done = withdraw(far.home, str(early), "mine")
    assert (done["what"], done["target"]) == ("image", early.digest.hex())
    withdraw(far.home, str(late), "mine")
    assert far.state(early) is None
    far.refer((late, "feliz", "anna"))
    far.work()
    assert far.gateway.asked.total() == 0
    assert (far.state(late), far.code(late)) == (("given_up", 1), "withdrawn")
    assert not far.home.store.has(early)


def test_a_row_that_is_refused_once_its_image_came_says_why(far: Far) -> None:
    cid = far.add(picture(1))
    far.refer((cid, "feliz", "anna"), **{"source.age": "self"})
    far.work()
    assert far.code(cid) == "source_of_nothing"
    assert "source_of_nothing" in show_image(far.home, str(cid))["reference"]["reason"]


def test_what_is_private_here_is_asked_of_gateways_alone(far: Far, tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "secret.jpg").write_bytes(picture(5))
    (folder / "kept.jpg").write_bytes(picture(6))
    (folder / "labels.csv").write_text("file,label\nkept.jpg,feliz\n")
    root = CID.parse(import_source(far.home, str(folder))["root"])
    absent = CID.v1(DAG_PB, b"\x01" * 32)
    far.refer((root, "feliz", "anna"), (absent, "feliz", "anna"))
    far.work()
    assert {far.code(root), far.code(absent)} == {"not_found"}


def test_a_name_is_forgotten_where_it_waits(far: Far) -> None:
    cid = far.add(picture(1))
    far.refer((cid, "feliz", "anna"), subject="Eva Luna")
    assert forget_subject(far.home, "Eva Luna")["pseudonym"] is None
    far.work()
    assert show_image(far.home, str(cid))["subject"] is None
    with pytest.raises(NotFound):
        forget_subject(far.home, "Eva Luna")


def test_an_image_whose_bytes_were_lost_is_fetched_again(
    far: Far, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = far.add(picture(1))
    far.refer((cid, "feliz", "anna"))
    far.work()
    with far.home.catalog.write() as db:
        db.execute(sa.update(derived.images).values(stored=False))
    monkeypatch.setenv("EMOTIONET_HOME", str(far.home.settings.home))
    monkeypatch.setenv("EMOTIONET_GATEWAYS", far.gateway.url)
    assert main(["images", "show", str(cid)]) == 0
    assert "status: referenced" in capsys.readouterr().out
    assert main(["images", "fetch", "--quiet"]) == 0
    assert capsys.readouterr().out.strip() == "1"
    assert main(["images", "waiting", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "waiting"
    far.work()
    assert (show_image(far.home, str(cid))["status"], len(far.labels(cid))) == ("stored", 1)
    far.refer((far.add(b"<html>"), "feliz", "anna"))
    far.work()
    assert main(["images", "waiting", "--state", "given_up"]) == 0
    out = capsys.readouterr().out
    assert "not_an_image" in out


def test_without_a_gateway_nobody_is_asked(tmp_path: Path) -> None:
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    with pytest.raises(UsageError) as caught:
        ask_again(home, [])
    assert caught.value.code == "no_source"
    home.close()


def test_a_job_that_dies_leaves_its_images_to_another(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    cid = far.add(picture(1))
    far.refer((cid, "feliz", "anna"))

    def dies(*_: Any) -> None:
        raise EmotionetError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(fetch_job, "_settle", dies)
        far.work()
    assert (far.state(cid), far.code(cid)) == (("waiting", 1), "not_taken")
    far.work()
    assert show_image(far.home, str(cid))["status"] == "stored"
