"""A withdrawal is said first by everything that speaks of the release; collected garbage is gone from the disk too."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.training_runs import runs
from registry.cli.main import main
from registry.content.unixfs.importer import add_bytes
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.progress import silent
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import collect_garbage, verify_store
from registry.workflows.withdrawals.withdraw import withdraw
from tests.workflows.conftest import PLUGIN

REASON = "they asked for it"
MARKER = b"the bytes of picture number "


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A home with a release of the simulated method; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("withdrawn")
    faces = folder / "faces"
    faces.mkdir()
    rows = []
    for number in range(24):
        label = ("triste", "sorprendido", "feliz", "enojado")[number % 4]
        (faces / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + MARKER + b"%03d" % number)
        rows.append(f"{number}.jpg,{label},Person {number // 2}\n")
    (faces / "labels.csv").write_text("file,label,subject\n" + "".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.syspath_prepend(PLUGIN)
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        home = open_home(read_settings(dict(os.environ)))
        import_source(home, str(faces))
        snapshot = take_snapshot(home)["snapshot"]
        run = start_run(home, CID.parse(snapshot), Wanted(recipe="simulated", method="simulated"))
        home.worker().work(run)
        done = publish_release(home, run)
        home.close()
        yield folder, {"release": done["release"], "entry": done["entry"], "snapshot": snapshot}


@pytest.fixture
def here(published: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    shutil.copytree(published[0] / "home", tmp_path / "home")
    for name, value in {"EMOTIONET_HOME": str(tmp_path / "home"), "PYTHONPATH": str(PLUGIN)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    home = open_home(read_settings(dict(os.environ)))
    yield home
    home.close()


def image_of(home: Home, number: int) -> tuple[str, CID]:
    """The sha256 and the CID of one of the pictures."""
    added = add_bytes(home.store, b"\xff\xd8\xff\xe0" + MARKER + b"%03d" % number)
    return added.sha256.hex(), added.cid


COMMANDS = {
    "list": ["release", "list"],
    "show": ["release", "show", "{release}"],
    "report": ["release", "report", "{release}", "-o", "{out}/page.html"],
    "audit": ["audit", "{release}"],
    "predict": ["predict", "{release}", "{out}/picture.jpg"],
    "export": ["export", "{release}", "-o", "{out}/release.car"],
    "card": ["release", "card", "{release}"],
    "claim": ["release", "claim", "{release}", "macro_f1 >= 0.1"],
}


@pytest.mark.parametrize("what", ["release", "snapshot", "image"])
def test_every_command_says_it_first(
    here: Home, published: tuple[Path, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0 some picture")
    named = published[1] | {"image": image_of(here, 3)[0], "out": str(tmp_path)}
    withdraw(here, named[what], REASON)
    day = here.now()[:10]
    for name, words in COMMANDS.items():
        assert main([word.format(**named) for word in words]) == 0, name
        out, err = capsys.readouterr()
        if name == "list":  # a row has room for what was withdrawn, not for why
            assert "withdrawn" in out
            continue
        lines = [line for line in (err + out).splitlines() if "WITHDRAWN" in line]
        assert lines, name
        assert all(REASON in line and day in line for line in lines), name
    page = (tmp_path / "page.html").read_text()
    assert page.index(REASON) < page.index("<h2>")


def test_nothing_is_said_where_nothing_was_withdrawn(
    here: Home, published: tuple[Path, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0 some picture")
    spare = add_bytes(here.store, b"\xff\xd8\xff\xe0 in no snapshot")
    here.store.flush()
    with here.catalog.write() as db:
        images.put_images(db, [(spare.sha256, spare.size, (spare.cid,))], stored=True)
    withdraw(here, spare.sha256.hex(), REASON)
    for name, words in COMMANDS.items():
        assert main([word.format(**published[1], out=tmp_path) for word in words]) == 0, name
        assert "WITHDRAWN" not in "".join(printed := capsys.readouterr()), name
        assert name != "list" or "withdrawn" not in printed.out


def test_all_that_rests_on_a_withdrawn_image_says_so(
    here: Home, published: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot, release, sha256 = published[1]["snapshot"], published[1]["release"], image_of(here, 3)[0]
    with here.catalog.read() as db:
        run = runs.list_runs(db)[0][0]["run"]
    pages = [f"/snapshots/{snapshot}", f"/snapshots/{snapshot}/items", f"/snapshots/{snapshot}/items/{sha256}"]
    pages += [f"/runs/{run}", f"/lineage/{snapshot}", f"/releases/{release}"]
    documents = [f"/api/v1/snapshots/{snapshot}", f"/api/v1/runs/{run}", f"/api/v1/releases/{release}"]
    commands = [["snapshot", "show", snapshot], ["runs", "show", run], ["release", "show", release]]
    with TestClient(create_app(here), raise_server_exceptions=False) as client:

        def told(path: str, language: str) -> str:
            return client.get(path, headers={"Accept": "text/html", "Accept-Language": language}).text

        for path in pages:
            assert "withdrawn" not in told(path, "en"), path
        withdraw(here, sha256, REASON)
        for path in pages:
            assert "withdrawn" in told(path, "en"), path
            assert "retir" in told(path, "es"), path
            assert path.startswith("/lineage/") or REASON in told(path, "en"), path
        for path in documents:
            said = client.get(path).json()["withdrawn"]
            assert [(one["what"], one["reason"]) for one in said] == [(f"image {sha256}", REASON)], path
        for noun in ("snapshots", "runs", "releases"):
            (listed,) = client.get(f"/api/v1/{noun}").json()["items"]
            assert [one["what"] for one in listed["withdrawn"]] == [f"image {sha256}"], noun
        nodes = {one["cid"]: one["status"] for one in client.get(f"/api/v1/lineage/{release}").json()["nodes"]}
        assert (nodes[release], nodes[snapshot]) == ("image withdrawn", "image withdrawn")
        small = client.get(f"/images/{sha256}/thumbnail", headers={"Accept": "image/webp,*/*"})
        assert (small.status_code, small.headers["content-type"]) == (410, "image/svg+xml")  # a drawing, no broken one
        assert client.get(f"/images/{sha256}/thumbnail").json()["status"] == 410
    for words in commands:
        assert main(words) == 0
        assert REASON in "".join(capsys.readouterr()), words


def test_programs_are_told_what_when_why_and_by_whom(
    here: Home, published: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    release, sha256 = published[1]["release"], image_of(here, 3)[0]
    withdraw(here, release, REASON)
    withdraw(here, sha256, REASON)
    assert main(["release", "show", release, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["withdrawn"]
    assert [(one["what"], one["reason"], one["issuer"]) for one in shown] == [
        ("release", REASON, here.key.did),
        (f"image {sha256}", REASON, here.key.did),
    ]
    assert all(CID.parse(one["entry"]) and one["effective"][:4].isdigit() for one in shown)
    main(["release", "list", "--json"])
    assert json.loads(capsys.readouterr().out)["withdrawn"] == shown
    with TestClient(create_app(here), raise_server_exceptions=False) as client:
        assert client.get(f"/api/v1/releases/{release}").json()["withdrawn"] == shown
        assert client.get("/api/v1/releases").json()["items"][0]["withdrawn"] == shown
        assert client.get(f"/api/v1/models/{release}").status_code == 200
        assert REASON in client.get(f"/api/v1/releases/{release}/report").text


def held_on_disk(home: Home, data: bytes) -> bool:
    return any(data in path.read_bytes() for path in home.settings.home.rglob("*") if path.is_file())


def test_garbage_collection_takes_a_withdrawn_image_off_the_disk(
    here: Home, published: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    sha256, cid = image_of(here, 3)
    assert held_on_disk(here, MARKER + b"003")
    assert collect_garbage(here)["withdrawn"] == 0
    assert here.store.has(cid)
    withdraw(here, sha256, REASON)
    done = collect_garbage(here)
    assert (done["blocks"], done["withdrawn"], done["left"]) == (1, 0, 0)
    assert not here.store.has(cid)
    assert not held_on_disk(here, MARKER + b"003")
    assert held_on_disk(here, MARKER + b"004")
    assert collect_garbage(here)["blocks"] == 0
    assert all(check["ok"] for check in verify_store(here, silent))
    for words in (
        ["audit", "{release}"],
        ["export", "{release}", "-o", "{out}/r.car"],
        ["release", "report", "{release}"],
    ):
        words = [word.format(**published[1], out=tmp_path) for word in words]
        assert main([*words, *(["-o", str(tmp_path / "r.html")] if "report" in words else [])]) == 0
    assert main(["audit", str(tmp_path / "r.car"), "--offline"]) == 0
    assert main(["snapshot", "create", "--quiet"]) == 0


def test_bytes_that_were_freed_before_go_too(here: Home) -> None:
    """A small block in a large pack: freeing it alone is no reason to rewrite the pack, a withdrawal is."""
    loose = add_bytes(here.store, b"\xff\xd8\xff\xe0 loose, and freed before anybody took it back")
    here.store.flush()
    assert collect_garbage(here)["blocks"] == 1
    assert held_on_disk(here, b"loose, and freed before")
    withdraw(here, image_of(here, 3)[0], REASON)
    collect_garbage(here)
    assert not held_on_disk(here, b"loose, and freed before")
    assert loose.size


def test_what_a_stranger_takes_back_is_not_deleted(here: Home, tmp_path: Path) -> None:
    from registry.catalog.index import indexing
    from registry.core import log
    from registry.core.ipld.cid import DAG_CBOR, cid_of
    from registry.provenance.keys.keys import load_or_create

    sha256, cid = image_of(here, 3)
    key = load_or_create(tmp_path / "stranger")
    record = records.encode(
        records.Withdrawal(target=bytes.fromhex(sha256), reason="mine", remedy="notice", effective=here.now())
    )
    entry = records.encode(log.make_entry(key, 0, None, None, cid_of(record, DAG_CBOR), here.now()))
    here.store.put_many([(cid_of(data, DAG_CBOR), data) for data in (record, entry)])
    with here.catalog.write() as db:
        indexing.index_entry(db, cid_of(entry, DAG_CBOR), here.store.get)
    collect_garbage(here)
    assert here.store.has(cid)


def test_a_person_is_forgotten(here: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "forget", "Person 3", "--json"]) == 0
    out = capsys.readouterr().out
    done = json.loads(out)
    assert (done["images"], done["tables"]) == (2, 1)
    assert "Person 3" not in out
    assert main(["images", "list", "--subject", done["pseudonym"], "--quiet"]) == 0
    assert len(capsys.readouterr().out.split()) == 2
    assert main(["images", "forget", "  Person 3 "]) == 3
    assert "no subject of this name" in capsys.readouterr().err
    assert main(["images", "forget", "a\x00b"]) == 1
