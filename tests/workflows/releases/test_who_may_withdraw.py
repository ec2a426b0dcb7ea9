"""Who takes an image of somebody's release back, and where that is told: everywhere as an audit has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.index import indexing
from registry.cli.main import main
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.image_uses import releases_with
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.forgery import OtherKey, opened_home, publish, simulated_home

CONTRIBUTOR, STRANGER, ANOTHER = OtherKey(), OtherKey(8), OtherKey(9)
TIME = "2026-11-30T00:00:00Z"


def says(home: Home, key: OtherKey, target: bytes) -> None:
    entry = key.says(home, records.Withdrawal(target=target, reason="theirs", remedy="notice", effective=TIME))
    with home.catalog.write() as db:
        indexing.index_entry(db, entry, home.store.get)


def what(documents: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["what"], one["issuer"]) for one in documents}


def told(
    home: Home, release: str, snapshot: str, capsys: pytest.CaptureFixture[str]
) -> dict[str, set[tuple[str, str]]]:
    """What each place says was taken back, and by whom."""
    capsys.readouterr()
    assert main(["release", "show", release, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert main(["release", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        one, of_snapshot = (
            client.get(f"/api/v1/{path}").json()["withdrawn"]
            for path in (f"releases/{release}", f"snapshots/{snapshot}")
        )
        (item,) = client.get("/api/v1/releases").json()["items"]
    found = {"show": shown, "list": listed, "API's list": item}
    named = {place: what(document["withdrawn"]) for place, document in found.items()}
    return {
        **named,
        "API": what(one),
        "snapshot": what(of_snapshot),
        "audit": what(audit_target(home, release).withdrawn),
    }


def test_only_who_has_a_say_takes_back_and_every_place_tells_what_the_audit_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This home has the same pictures from its own import: that gives it no say over a release that names no such
    contribution; its withdrawal hides the bytes here."""
    more = tmp_path / "theirs" / "more"
    with simulated_home(tmp_path / "theirs") as theirs:
        more.mkdir()
        (more / "theirs.jpg").write_bytes(b"theirs")
        row = f"theirs.jpg,feliz,{CONTRIBUTOR.did},91"
        (more / "labels.csv").write_text(f"file,label,contributor,subject\n{row}\n")
        import_source(theirs, str(more))
        made = publish(theirs)
        key, snapshot, release = theirs.key, str(made.view.preprocessing.snapshot), str(records.cid(made.view.release))
        rows = list(tables.rows_as_dicts(made.view.snapshot.items, theirs.store.get))
        export_held(theirs, made.entry, tmp_path / "release.car")
    contributed = next(row["sha256"] for row in rows if row["contributors"] == [CONTRIBUTOR.did])
    ours, strange, issued = [row["sha256"] for row in rows if row["sha256"] != contributed][:3]
    with opened_home(tmp_path / "here") as here:
        monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "here" / "home"))
        import_source(here, str(tmp_path / "theirs" / "faces"))
        import_source(here, str(tmp_path / "release.car"))
        withdraw(here, ours.hex(), "ya no quiero")
        says(here, STRANGER, strange)
        says(here, ANOTHER, bytes(CID.parse(release)))
        assert all(found == set() for found in told(here, release, snapshot, capsys).values())
        assert [one["withdrawn"] for one in releases_with(here, issued)] == [False]
        assert main(["release", "show", release]) == 0
        assert "Withdrawn" not in capsys.readouterr().out
        with TestClient(create_app(here), raise_server_exceptions=False) as client:
            for path in ("/", "/releases", f"/releases/{release}", f"/snapshots/{snapshot}"):
                page = client.get(path, headers={"Accept": "text/html"}).text
                assert not [said for said in ("was withdrawn", "ya no quiero", "theirs<") if said in page], path
            assert client.get(f"/images/{ours.hex()}/thumbnail").status_code == 410
        says(here, CONTRIBUTOR, contributed)
        withdraw(here, issued.hex(), "a wrong face", signer=key)
        expected = {(f"image {contributed.hex()}", CONTRIBUTOR.did), (f"image {issued.hex()}", key.did)}
        assert told(here, release, snapshot, capsys) == dict.fromkeys(
            ("show", "list", "API's list", "API", "snapshot", "audit"), expected
        )
        withdraw(here, release, "all of it", signer=key)
        assert [one["withdrawn"] for one in releases_with(here, issued)] == [True]
