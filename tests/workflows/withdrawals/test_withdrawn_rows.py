"""What a contributor said is taken back, of one image or of all; an image of which nothing is left goes with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.cli.from_file import opened_with
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, RAW
from registry.core.table import tables
from registry.provenance.checks.report import Report
from registry.provenance.people_agree import people_agreement
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.withdrawals.rows_taken_back import RowsTakenBack
from registry.workflows.withdrawals.withdraw import withdraw_rows
from tests.api.conftest import make_token
from tests.workflows.conftest import Folder

WHY = "asked to"


def sha(number: int) -> str:
    return hashlib.sha256(f"picture {number} of faces".encode()).hexdigest()


@pytest.fixture
def faces(opened: Home, labeled: Folder) -> Path:
    """24 images that anna labelled; ben labelled the first two otherwise, twice as cleo did the first."""
    more = "face_000.jpg,feliz,ben,\nface_000.jpg,feliz,cleo,\nface_001.jpg,feliz,ben,\n"
    folder = labeled(rows=more)
    import_source(opened, str(folder))
    return folder


def labels(home: Home, snapshot: str) -> dict[str, str | None]:
    record = records.parse_as(records.Snapshot, home.store.get(CID.parse(snapshot)))
    return {row["sha256"].hex(): row["label"] for row in tables.rows_as_dicts(record.items, home.store.get)}


def audited(home: Home, record: str, folder: Path) -> Report:
    export_held(home, CID.parse(record), folder / "it.car")
    return audit_car(folder / "it.car")


@pytest.mark.usefixtures("faces")
def test_a_row_is_taken_back_and_the_others_decide(opened: Home, tmp_path: Path) -> None:
    before = take_snapshot(opened)
    done = withdraw_rows(opened, "anna", WHY, image=sha(0))
    assert (done["what"], done["target"]) == ("row", sha(0))
    assert [one["cid"] for one in done["affected"]] == [before["snapshot"]]
    after = take_snapshot(opened, supersedes=CID.parse(before["snapshot"]))
    assert labels(opened, before["snapshot"])[sha(0)] == "feliz"  # two against one
    withdraw_rows(opened, "cleo", WHY)
    withdraw_rows(opened, "ben", WHY)
    last = take_snapshot(opened)
    assert labels(opened, after["snapshot"])[sha(0)] == "feliz"
    assert sha(0) not in labels(opened, last["snapshot"])  # nothing is left of what was said of it
    assert last["excluded"]["withdrawn"] == 1
    assert labels(opened, last["snapshot"])[sha(1)] == "sorprendido"  # ben's other label does not count any more
    for one in (before, after, last):
        report = audited(opened, one["entry"] if "entry" in one else one["snapshot"], tmp_path)
        assert next(check for check in report.checks if check.id == "4.items").result == "holds", one


@pytest.mark.usefixtures("faces", "children_here")
def test_a_contributor_goes_with_all_that_only_it_gave(opened: Home, tmp_path: Path) -> None:
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated", claims=["macro_f1 >= 0.1"]))
    opened.worker().work(run)
    entry = publish_release(opened, run)["entry"]
    done = withdraw_rows(opened, "anna", WHY, remedy="remove_bytes")
    assert (done["what"], done["removed"]["images"]) == ("contributor", 22)
    assert {one["type"] for one in done["affected"]} == {"snapshot", "release"}
    assert opened.store.has(CID.v1(RAW, bytes.fromhex(sha(0))))
    gone = CID.v1(RAW, bytes.fromhex(sha(5)))
    assert not opened.store.has(gone)
    with TestClient(create_app(opened)) as client:
        assert client.get(f"/ipfs/{gone}?format=raw").status_code == 410
        assert client.get(f"/api/v1/images/{sha(5)}").json()["status"] == "withdrawn"
        assert client.get(f"/api/v1/images/{sha(0)}").json()["status"] == "stored"
        writer = make_token(opened)
        rows = [{"cid": str(gone), "label": "feliz"}]
        (row,) = client.post("/api/v1/images?rows=all", json=rows, headers=writer).json()["results"]
        assert (row["status"], row["code"]) == ("rejected", "withdrawn")
        half = {"target": sha(0), "issuer": opened.key.did, "reason": WHY}
        assert client.post("/api/v1/withdrawals", json=half, headers=writer).status_code == 400
        assert client.get(f"/api/v1/images/{sha(0)}").json()["status"] == "stored"
    report = audited(opened, entry, tmp_path)
    assert report.holds, [check for check in report.checks if check.result != "holds"]
    assert len(report.withdrawn) == 22
    with opened.catalog.read() as db:
        before = withdrawn_images(db)
    assert rebuild_catalog(opened)["problems"] == []
    with opened.catalog.read() as db:
        assert withdrawn_images(db) == before


@pytest.mark.usefixtures("faces")
def test_only_who_said_it_may_take_it_back(opened: Home) -> None:
    stranger = "did:pkh:eip155:1:0x" + "a" * 40
    with pytest.raises(InvalidInput, match="only anna or"):
        withdraw_rows(opened, "anna", WHY, issuer=stranger)
    with pytest.raises(NotFound, match="said nothing"):
        withdraw_rows(opened, "nobody", WHY)
    dry = withdraw_rows(opened, "ben", WHY, dry_run=True)
    assert dry["withdrawal"] is None
    with opened.catalog.read() as db:
        assert withdrawn_images(db) == set()


@pytest.mark.usefixtures("faces")
def test_who_reads_a_file_leaves_out_the_rows_that_were_taken_back(opened: Home, tmp_path: Path) -> None:
    done = take_snapshot(opened)
    withdraw_rows(opened, "ben", WHY)
    withdraw_rows(opened, "anna", WHY, image=sha(0))
    export_held(opened, CID.parse(done.get("entry") or done["snapshot"]), tmp_path / "it.car")
    with opened_with([str(tmp_path / "it.car")], any_record=True) as (read, (cid,)):
        gone, image = RowsTakenBack(read), bytes.fromhex(sha(0))
        taken = {who: (image, opened.key.did, who) in gone for who in ("anna", "ben", "cleo")}
        assert taken == {"anna": True, "ben": True, "cleo": False}
        assert (bytes.fromhex(sha(1)), opened.key.did, "anna") not in gone
        snapshot = records.parse_as(records.Snapshot, read.store.get(cid))
        assert people_agreement(snapshot, read.store.get) is not None
        assert people_agreement(snapshot, read.store.get, gone) is None
