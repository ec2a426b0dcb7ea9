"""Snapshots of images that were named one by one, and of those of another snapshot; the same on both databases."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.catalog.schema.arriving import referenced_images
from registry.cli.main import main
from registry.core import records
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.snapshots.query import IMAGES, SNAPSHOT
from registry.core.table import tables
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.keys.change_keys import begin
from registry.workflows.snapshots.named_images import RejectedNames
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdraw import withdraw
from tests.api.conftest import LABELS, picture
from tests.catalog.databases import KINDS, fresh_url

COUNT = 12


def folder_of(where: Path) -> Path:
    where.mkdir()
    lines = ["file,label,contributor,licence"]
    for number in range(COUNT):
        (where / f"{number:02d}.jpg").write_bytes(picture(number))
        lines.append(f"{number:02d}.jpg,{LABELS[number % 4]},{('Éva', 'zoe', 'Ana')[number % 3]},CC0-1.0")
    (where / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return where


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    with fresh_url(request.param, tmp_path, request) as url:
        settings = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}
        opened = open_home(read_settings(settings))
        import_source(opened, str(folder_of(tmp_path / "faces")))
        yield opened
        opened.close()


def images(home: Home, snapshot: str) -> list[bytes]:
    record = read_as(home, records.Snapshot, CID.parse(snapshot))
    return [row[0] for row in tables.iterate(record.items, home.store.get)]


def test_a_list_names_images_and_every_wrong_line_is_told(home: Home) -> None:
    everything = take_snapshot(home)
    all_images = images(home, everything["snapshot"])
    assert len(all_images) == COUNT
    gone = all_images[5]
    withdraw(home, gone.hex(), reason="asked to")
    cid = str(CID.v1(0x55, all_images[0]))
    lines = ["# chosen by hand", cid, all_images[1].hex(), "", cid, "no such thing", "ab" * 32, gone.hex()]
    before = {str(one) for one in home.store.cids()}
    with pytest.raises(RejectedNames) as caught:
        take_snapshot(home, images=lines)
    told = [(one.row, one.code) for one in caught.value.rejected]
    assert told == [(5, "repeated"), (6, "malformed"), (7, "unknown"), (8, "withdrawn")]
    coming, given_up = (str(CID.v1(0x55, bytes([number]) * 32)) for number in (1, 2))
    kept = {"attempts": 0, "created": "2026-11-30T00:00:00Z", "updated": "2026-11-30T00:00:00Z"}
    with home.catalog.write() as db:
        for cid_, state in ((coming, "waiting"), (given_up, "given_up")):
            db.execute(referenced_images.insert().values(cid=cid_, state=state, **kept))
    with pytest.raises(RejectedNames) as waits:
        take_snapshot(home, images=[coming, given_up])
    assert ["waits for its bytes" in one.reason for one in waits.value.rejected] == [True, False]
    home.store.flush()
    assert {str(one) for one in home.store.cids()} == before
    for nothing, partial in (([], False), (["# none", ""], False), (["no such thing"], True)):
        with pytest.raises(InvalidInput, match="the list names no image that can be taken"):
            take_snapshot(home, images=nothing, partial=partial)
    done = take_snapshot(home, images=lines, partial=True)
    assert [one["row"] for one in done["rejected"]] == [5, 6, 7, 8]
    assert images(home, done["snapshot"]) == sorted(all_images[:2])
    record = read_as(home, records.Snapshot, CID.parse(done["snapshot"]))
    assert [row[0] for row in tables.iterate(record.query[IMAGES], home.store.get)] == sorted(all_images[:2])


def test_a_snapshot_of_a_snapshot_says_so_and_can_be_narrowed(home: Home) -> None:
    first = take_snapshot(home, query={"contributor": "zoe"})["snapshot"]
    again = take_snapshot(home, snapshot=CID.parse(first))
    assert images(home, again["snapshot"]) == images(home, first)
    assert again["query"][SNAPSHOT] == first
    narrow = take_snapshot(home, snapshot=CID.parse(first), query={"label": "feliz"})
    assert 0 < narrow["count"] < again["count"]
    assert set(images(home, narrow["snapshot"])) < set(images(home, first))
    with pytest.raises(NotFound):
        take_snapshot(home, snapshot=CID.v1(0x71, bytes(32)))
    with pytest.raises(UsageError):
        take_snapshot(home, snapshot=CID.parse(first), images=["ab" * 32])
    for one in (again, narrow):
        report = audit_target(home, one["snapshot"], level=4, offline=True)
        (check,) = (check for check in report.checks if check.id == "4.items")
        assert check.result == "holds", check
        assert f"chosen among the images of the snapshot {first}" in check.reason


def test_both_databases_give_the_same_selection_the_same_cid(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Names that sort otherwise in many a database's own order: É, z, A."""
    found = []
    faces = folder_of(tmp_path / "faces")
    for kind in ("sqlite", "postgresql"):
        (tmp_path / kind).mkdir()
        with fresh_url(kind, tmp_path / kind, request) as url:
            keys = tmp_path / "keys"
            environment = {"EMOTIONET_HOME": str(tmp_path / kind / "home"), "EMOTIONET_DATABASE_URL": url}
            if keys.exists():
                shutil.copytree(keys, tmp_path / kind / "home" / "keys")
            home = open_home(read_settings(environment))
            begin(home, home.key)
            import_source(home, str(faces))
            if not keys.exists():
                shutil.copytree(home.settings.home / "keys", keys)
            whole = take_snapshot(home)["snapshot"]
            chosen = images(home, whole)[:5]
            found.append(
                [
                    whole,
                    take_snapshot(home, query={"contributor": ["Éva", "Ana"], "licence": "CC0-1.0"})["snapshot"],
                    take_snapshot(home, images=[one.hex() for one in chosen])["snapshot"],
                    take_snapshot(home, snapshot=CID.parse(whole), query={"label": "triste"})["snapshot"],
                ]
            )
            home.close()
    assert found[0] == found[1]


def test_the_command_tells_each_line_and_how_a_snapshot_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    assert main(["import", str(folder_of(tmp_path / "faces"))]) == 0
    capsys.readouterr()
    assert main(["snapshot", "create", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    named = tmp_path / "chosen.txt"
    sha256 = hashlib.sha256(picture(0)).hexdigest()
    named.write_text(f"{sha256}\nnonsense\n")
    assert main(["snapshot", "create", "--images", str(named)]) == 1
    said = capsys.readouterr()
    assert "line 2 (nonsense) is neither a CID nor a sha256" in said.err
    assert said.out == ""
    assert main(["snapshot", "create", "--images", str(named), "--partial", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 1
    assert main(["snapshot", "create", "--from", whole["snapshot"], "--label", "feliz"]) == 0
    out = capsys.readouterr().out
    assert f"chosen by: the images of the snapshot {whole['snapshot']}, label=feliz; rule majority-v1" in out
    assert main(["snapshot", "create", "--images", str(tmp_path / "absent")]) == 3
