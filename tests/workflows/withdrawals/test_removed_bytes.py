"""Bytes of a withdrawn image leave the registry at once and stay away; all that was said of it stays."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.withdrawn_rows import speakers_of
from registry.catalog.queries.training_runs import runs
from registry.cli.texts.withdrawal import withdrawal_text
from registry.content.stores import embedded
from registry.content.stores.index import Index
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, RAW
from registry.core.progress import silent
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.examine_home import examine
from registry.workflows.upkeep.maintenance import verify_store
from registry.workflows.withdrawals.withdraw import withdraw, withdraw_rows
from registry.workflows.withdrawals.withdrawn import withdrawals_of_release
from tests.workflows.conftest import Folder

BYTES = b"picture 3 of faces"
IMAGE = hashlib.sha256(BYTES).hexdigest()
REASON = "they asked for it"


@pytest.fixture
def released(opened: Home, labeled: Folder, children_here: None) -> tuple[CID, CID]:
    """A snapshot and the entry of its release."""
    import_source(opened, str(labeled()))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", claims=["macro_f1 >= 0.1"]))
    opened.worker().work(run)
    return snapshot, CID.parse(publish_release(opened, run)["entry"])


def on_disk(home: Path, data: bytes) -> list[Path]:
    """Files of a home that hold these bytes."""
    return [path for path in home.rglob("*") if path.is_file() and data in path.read_bytes()]


def checks(home: Home) -> list[str]:
    """What store verify and doctor find wrong."""
    return [one["name"] for one in [*verify_store(home, silent), *examine(home)] if not one["ok"]]


def test_bytes_are_gone_and_every_address_says_so(opened: Home, released: tuple[CID, CID], tmp_path: Path) -> None:
    _, entry = released
    before = export_held(opened, entry, tmp_path / "before.car")
    reports = opened.settings.home / "reports"
    reports.mkdir()
    export_held(opened, entry, reports / "whole.car")
    export_held(opened, entry, reports / "lean.car", without_images=True)
    with opened.catalog.read() as db:
        shown = reports / f"{entries.record_of(db, entry)}.html"
    for page in (shown, reports / "other.html"):
        page.write_text("a page")
    drawings = opened.settings.home / "demo-drawings"
    (drawings / "images").mkdir(parents=True)
    (drawings / "images" / "3.png").write_bytes(BYTES)
    (drawings / "labels.csv").write_text("file,label\n")
    assert on_disk(opened.settings.blocks, BYTES)
    done = withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    gone = ["demo-drawings/images/3.png", f"reports/{shown.name}", "reports/whole.car"]
    assert done["removed"] == {"images": 1, "blocks": 1, "files": gone}
    assert sorted(path.name for path in reports.iterdir()) == ["lean.car", "other.html"]
    assert (drawings / "labels.csv").exists()
    assert f"removed: the home's {gone[2]}, which held or showed it" in "\n".join(withdrawal_text(done))
    assert {one["type"]: one["remedy"] for one in done["affected"]} == {"snapshot": "remove_bytes", "release": "notice"}
    assert [(one["status"], one["remedy"]) for one in done["runs"]] == [("completed", "notice")]
    assert {(one["cid"], one["form"]) for one in done["exported"]} == {(done["affected"][0]["cid"], "car")}
    assert before["blocks"]
    assert not on_disk(opened.settings.home, BYTES)
    assert checks(opened) == []
    cid = CID.v1(RAW, bytes.fromhex(IMAGE))
    with TestClient(create_app(opened)) as client:
        for address in (f"/ipfs/{cid}?format=raw", f"/images/{IMAGE}/thumbnail?size=160"):
            assert client.get(address).status_code == 410, address
        assert client.get(f"/ipfs/{cid}?format=raw").headers["content-type"] == "application/problem+json"
        assert client.get(f"/api/v1/images/{IMAGE}").json()["status"] == "withdrawn"
    export_held(opened, entry, tmp_path / "after.car")
    report = audit_car(tmp_path / "after.car")
    assert report.holds
    assert "1 withdrawn image is missing" in next(one.reason for one in report.checks if one.id == "1.images")


def test_bytes_that_come_back_go_again(opened: Home, labeled: Folder) -> None:
    folder = str(labeled())
    import_source(opened, folder)
    withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    assert import_source(opened, folder)["rows"] == 24
    assert not opened.store.has(CID.v1(RAW, bytes.fromhex(IMAGE)))
    assert not on_disk(opened.settings.blocks, BYTES)
    assert checks(opened) == []


class Killed(BaseException):
    """What a kill leaves undone."""


@pytest.mark.parametrize("place", ["index", "compact"])
def test_a_removal_that_was_killed_goes_on(
    opened: Home, labeled: Folder, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    import_source(opened, str(labeled()))

    def killed(*_: object, **__: object) -> object:
        raise Killed

    with monkeypatch.context() as patch:
        if place == "index":
            patch.setattr(Index, "remove", killed)
        else:
            patch.setattr(embedded, "compact", killed)
        with pytest.raises(Killed):
            withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    assert on_disk(opened.settings.blocks, BYTES)
    again = open_home(read_settings(environment))
    again.worker()
    assert not on_disk(again.settings.blocks, BYTES)
    assert checks(again) == []
    again.close()


def test_a_pack_that_another_writes_loses_the_bytes_too(
    opened: Home, labeled: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_source(opened, str(labeled()))

    def locked(*_: object) -> None:
        return None

    monkeypatch.setattr("registry.content.stores.compaction.lock_pack", locked)
    withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    assert not on_disk(opened.settings.blocks, BYTES)
    assert on_disk(opened.settings.blocks, b"picture 4 of faces")
    assert checks(opened) == []


def test_a_record_has_no_bytes_to_remove(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled()))
    snapshot = take_snapshot(opened)["snapshot"]
    with pytest.raises(InvalidInput, match="no bytes of its own"):
        withdraw(opened, snapshot, REASON, remedy="remove_bytes")


def test_a_run_under_way_is_stopped_and_nothing_is_signed_of_a_dry_run(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled()))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated"))
    would = withdraw(opened, IMAGE, REASON, remedy="remove_bytes", dry_run=True)
    assert (would["withdrawal"], would["removed"]) == (None, None)
    assert [one["remedy"] for one in would["runs"]] == ["stop"]
    with opened.catalog.read() as db:
        assert runs.row(db, run)["status"] == "queued"
    done = withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    assert [(one["run"], one["remedy"]) for one in done["runs"]] == [(run, "stop")]
    with opened.catalog.read() as db:
        assert runs.row(db, run)["status"] == "cancelled"


def test_the_same_plan_is_queued_on_what_is_left(opened: Home, released: tuple[CID, CID]) -> None:
    snapshot, _ = released
    done = withdraw(opened, IMAGE, REASON, remedy="remove_bytes", retrain=True)
    (one,) = done["retrained"]
    assert (one["supersedes"], one["problem"]) == (str(snapshot), None)
    with opened.catalog.read() as db:
        old, new = runs.row(db, done["runs"][0]["run"]), runs.row(db, one["run"])
    assert new["snapshot"] == one["snapshot"]
    for name in ("values", "claims", "final", "method"):
        assert new["options"][name] == old["options"][name]
    opened.worker().work(one["run"])
    published = publish_release(opened, one["run"])
    assert published["release"]


def test_the_same_withdrawal_is_signed_once_and_said_once(opened: Home, released: tuple[CID, CID]) -> None:
    first = withdraw(opened, IMAGE, REASON)
    again = withdraw(opened, IMAGE, "for another reason")
    assert (first["already"], again["entry"], again["withdrawal"]) == (None, first["entry"], first["withdrawal"])
    assert again["already"] is not None
    assert withdrawal_text(again)[0].startswith(f"was withdrawn already, at {again['already']}; no second entry: ")
    assert withdraw(opened, IMAGE, REASON, dry_run=True)["already"] == again["already"]
    more = withdraw(opened, IMAGE, REASON, remedy="remove_bytes")
    assert (more["already"], more["entry"] != first["entry"], more["removed"]["images"]) == (None, True, 1)
    (told,) = withdrawals_of_release(opened, released[1])
    assert (told["what"], told["remedy"]) == (f"image {IMAGE}", "remove_bytes")


def test_the_same_rows_are_taken_back_once(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled()))
    with opened.catalog.read() as db:
        ((issuer, contributor),) = speakers_of(db, IMAGE)
    one, two = (withdraw_rows(opened, contributor, REASON, image=IMAGE, issuer=issuer) for _ in range(2))
    assert (one["already"], two["already"] is None, two["entry"]) == (None, False, one["entry"])
    whole = withdraw_rows(opened, contributor, REASON, issuer=issuer)
    assert (whole["already"], whole["entry"] != one["entry"]) == (None, True)
