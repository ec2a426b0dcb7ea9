"""A correction changes what it names, keeps the rest, and says in its row what it replaces; whichever way it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.labeled_images import images
from registry.catalog.schema import derived
from registry.cli.main import main
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.api.conftest import Client, Headers, picture, register, send
from tests.support.rows import current_row

FIRST: dict[str, Any] = {
    "label": "feliz",
    "contributor": "anna",
    "subject": "Somebody",
    "licence": "CC-BY-4.0",
    "consent": "given",
    "boxes": [[1, 2, 30, 40]],
    "attributes": {"tone": "dark", "light": "dim"},
}
NAMES = ("label", "boxes", "attributes", "subject", "licence", "consent")
Way = Callable[[Client, Headers, str], None]


def by_row(client: Client, headers: Headers, cid: str) -> None:
    register(client, headers, [{"cid": cid, "label": "triste", "contributor": "anna"}])


def by_line(client: Client, headers: Headers, cid: str) -> None:
    line = json.dumps({"cid": cid, "label": "triste", "contributor": "anna"})
    client.post("/api/v1/images?rows=all", content=line, headers={**headers, "Content-Type": "application/x-ndjson"})


def by_table(client: Client, headers: Headers, cid: str) -> None:
    table = f"cid,label,contributor\n{cid},triste,anna\n"
    client.post("/api/v1/images?rows=all", content=table, headers={**headers, "Content-Type": "text/csv"})


def by_blank_cells(client: Client, headers: Headers, cid: str) -> None:
    table = f"cid,label,contributor,subject,licence,consent,box,attr.tone\n{cid},triste,anna,,,,,\n"
    client.post("/api/v1/images?rows=all", content=table, headers={**headers, "Content-Type": "text/csv"})


def by_label(client: Client, headers: Headers, cid: str) -> None:
    client.post(f"/api/v1/images/{cid}/labels", json={"label": "triste", "contributor": "anna"}, headers=headers)


def by_command(client: Client, headers: Headers, cid: str) -> None:
    assert main(["images", "relabel", cid, "triste", "--contributor", "anna"]) == 0


def newest(home: Home, cid: str) -> dict[str, Any]:
    with home.catalog.read() as db:
        sha256 = images.resolve_image(db, cid)
        assert sha256 is not None
        row = current_row(db, sha256, home.key.did, "anna")
    assert row is not None
    return row


@pytest.mark.parametrize("way", [by_row, by_line, by_table, by_blank_cells, by_label, by_command])
def test_another_label_keeps_the_rest(client: Client, writer: Headers, home: Home, way: Way) -> None:
    (cid,) = map(str, send(client, writer, [picture(0)]))
    register(client, writer, [{"cid": cid, **FIRST}])
    before = newest(home, cid)
    way(client, writer, cid)
    after = newest(home, cid)
    assert after["label"] == "triste"
    assert {name: after[name] for name in NAMES[1:]} == {name: before[name] for name in NAMES[1:]}
    assert after["replaces"] == bytes(before["contribution"])
    contribution = records.parse_as(records.Contribution, home.store.get(after["contribution"]))
    (stated,) = tables.rows_as_dicts(contribution.rows, home.store.get)
    assert {name: stated[name] for name in NAMES} == {name: after[name] for name in NAMES}
    assert CID.decode(stated["replaces"]) == before["contribution"]
    way(client, writer, cid)
    assert newest(home, cid) == after  # again it is unchanged


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"licence": "CC0-1.0"}, {"licence": "CC0-1.0"}),
        ({"consent": "withheld"}, {"consent": "withheld"}),
        ({"boxes": [[5, 6, 7, 8]]}, {"boxes": [[500, 600, 700, 800]]}),
        ({"attributes": {"light": "bright"}}, {"attributes": {"tone": "dark", "light": "bright"}}),
        ({"attributes": {"age": "30"}}, {"attributes": {"tone": "dark", "light": "dim", "age": "30"}}),
    ],
    ids=str,
)
def test_a_row_changes_what_it_names(
    client: Client, writer: Headers, home: Home, given: dict[str, Any], changed: dict[str, Any]
) -> None:
    (cid,) = map(str, send(client, writer, [picture(0)]))
    register(client, writer, [{"cid": cid, **FIRST}])
    before = newest(home, cid)
    done = register(client, writer, [{"cid": cid, "label": "feliz", "contributor": "anna", **given}])
    assert done["results"][0]["status"] == "corrected"
    after = newest(home, cid)
    assert {name: after[name] for name in NAMES} == {**{name: before[name] for name in NAMES}, **changed}


def test_one_person_stays_one_in_a_later_snapshot(client: Client, writer: Headers, home: Home) -> None:
    one, two = map(str, send(client, writer, [picture(0), picture(1)]))
    register(client, writer, [{"cid": one, **FIRST}, {"cid": two, **FIRST}])
    by_label(client, writer, one)
    snapshot = take_snapshot(home)["snapshot"]
    record = records.parse_as(records.Snapshot, home.store.get(CID.parse(snapshot)))
    items = list(tables.rows_as_dicts(record.items, home.store.get))
    assert sorted(item["label"] for item in items) == ["feliz", "triste"]
    assert len({item["subject"] for item in items}) == 1
    assert None not in {item["subject"] for item in items}


def test_a_label_makes_no_bytes_held(client: Client, writer: Headers, home: Home) -> None:
    """An image that a contribution names and nobody sent stays referenced when it gets another label."""
    (cid,) = map(str, send(client, writer, [picture(0)]))
    register(client, writer, [{"cid": cid, **FIRST}])
    with home.catalog.write() as db:
        db.execute(derived.images.update().values(stored=False))
    by_label(client, writer, cid)
    assert client.get(f"/api/v1/images/{cid}").json()["status"] == "referenced"
