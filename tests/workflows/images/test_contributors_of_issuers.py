"""Two contributors of one name under different issuers are two people: in lists, in queries, in snapshots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.rows import contributors_query
from registry.cli.main import main
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from tests.support.forgery import failed
from tests.support.logs import log_of

PLACES = dict[str, str]


def _folder(path: Path, rows: dict[str, tuple[str, str]]) -> Path:
    path.mkdir()
    lines = ["file,label,contributor"]
    for name, (label, contributor) in rows.items():
        (path / name).write_bytes(name.encode())
        lines.append(f"{name},{label},{contributor}")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Home, Home, CID]]:
    """Two homes of one catalog, each with an ana, who disagree about a picture; only the first has a ben, and it holds
    what the second says. Third: the root of the first one's folder."""
    catalog = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    places = [{"EMOTIONET_HOME": str(tmp_path / name), "EMOTIONET_DATABASE_URL": catalog} for name in ("one", "two")]
    for name, value in places[0].items():
        monkeypatch.setenv(name, value)
    one, two = (open_home(read_settings(place)) for place in places)
    mine = {"a": ("feliz", "ana"), "b": ("feliz", "ana")}
    root = import_source(one, str(_folder(tmp_path / "first", mine)))["root"]
    import_source(two, str(_folder(tmp_path / "second", {"a": ("triste", "ana")})))
    import_source(one, str(_folder(tmp_path / "third", {"c": ("triste", "ben")})))
    with two.catalog.read() as db:
        said = [CID.parse(entry["record"]) for entry in log_of(db, two.key.did)]
    for record in said[1:]:
        export_held(two, record, tmp_path / f"{record}.car")
        import_source(one, str(tmp_path / f"{record}.car"))
    yield one, two, CID.parse(root)
    one.close()
    two.close()


def _query(home: Home, snapshot: str) -> dict[str, Any]:
    return records.parse_as(records.Snapshot, home.store.get(CID.parse(snapshot))).query


def test_a_list_says_whose_each_contributor_is(homes: tuple[Home, Home, CID]) -> None:
    one, two, _ = homes
    with one.catalog.read() as db:
        both, _ = images.list_images(db, contributor="ana")
        mine, _ = images.list_images(db, contributor="ana", issuer=one.key.did)
        theirs, _ = images.list_images(db, contributor="ana", issuer=two.key.did)
    assert [len(found) for found in (both, mine, theirs)] == [2, 2, 1]
    (shared,) = theirs
    assert shared["contributors"] == ["ana"]
    assert {(said["issuer"], said["contributor"], said["label"]) for said in shared["speakers"]} == {
        (one.key.did, "ana", "feliz"),
        (two.key.did, "ana", "triste"),
    }


def test_the_command_tells_that_a_name_is_several_peoples(
    homes: tuple[Home, Home, CID], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, _ = homes
    assert main(["images", "list", "--contributor", "ana", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert all(issuer in err for issuer in (one.key.did, two.key.did, "--issuer"))
    assert main(["images", "list", "--contributor", "ana", "--issuer", two.key.did, "--json"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["speakers"][0]["contributor"] for line in out.splitlines()] == ["ana"]
    assert "--issuer" not in err


def test_a_snapshot_of_a_name_that_is_several_peoples_is_refused(homes: tuple[Home, Home, CID]) -> None:
    one, _, _ = homes
    with pytest.raises(InvalidInput, match="different people") as refused:
        take_snapshot(one, query={"contributor": "ana"})
    assert refused.value.code == "ambiguous_contributor"
    mine = take_snapshot(one, query={"contributor": "ana", "issuer": one.key.did})
    assert (mine["count"], mine["labels"]["feliz"]) == (2, 2)  # the other ana did not vote
    assert failed(audit_target(one, mine["snapshot"])) == []


def test_a_query_by_a_name_says_whose_it_is(homes: tuple[Home, Home, CID]) -> None:
    one, _, _ = homes
    done = take_snapshot(one, query={"contributor": "ben"})
    assert _query(one, done["snapshot"]) == {"contributor": "ben", "issuer": one.key.did}
    with pytest.raises(InvalidInput, match="no image with a label of these classes is left"):
        take_snapshot(one, query={"contributor": "nobody"})


def test_those_who_labelled_a_source_are_named_with_their_issuer(homes: tuple[Home, Home, CID]) -> None:
    one, two, root = homes
    with one.catalog.read() as db:
        query = contributors_query(db, root)
    assert query == {"speakers": sorted([[one.key.did, "ana"], [two.key.did, "ana"]])}  # ben did not
    done = take_snapshot(one, source=root)
    assert _query(one, done["snapshot"]) == query
    assert (done["count"], done["excluded"]) == (1, {"disagreement": 1})
    assert failed(audit_target(one, done["snapshot"])) == []
