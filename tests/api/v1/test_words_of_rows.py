"""Over HTTP: sources, rights and contributors' signatures come in and are shown; boxes of several labels do not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from registry.assembly import Home
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import LabeledRow
from tests.api.conftest import Client, Headers, make_token, picture, problem, register, send
from tests.api.v1.test_snapshots import take
from tests.support.anchors.wallet import DID, signature

Rows = list[dict[str, Any]]
WORDS: dict[str, Any] = {
    "attributes": {"edad": "30"},
    "sources": {"edad": "perceived"},
    "rights": {"c2pa.training-mining": "notAllowed"},
    "consent": "given",
}


def as_json(client: Client, headers: Headers, rows: Rows) -> Any:
    return client.post("/api/v1/images?rows=all", json=rows, headers=headers).json()


def as_lines(client: Client, headers: Headers, rows: Rows) -> Any:
    body = "\n".join(map(json.dumps, rows))
    headers = {**headers, "Content-Type": "application/x-ndjson"}
    return client.post("/api/v1/images?rows=all", content=body, headers=headers).json()


def as_csv(client: Client, headers: Headers, rows: Rows) -> Any:
    names = ("cid", "label", "contributor", "consent", "box", "attr.edad", "source.edad", "rights.c2pa.training-mining")
    lines = [",".join(names)]
    for row in rows:
        maps = [next(iter(row.get(name, {"": ""}).values())) for name in ("attributes", "sources", "rights")]
        box = " ".join(map(str, *row.get("boxes", [[]])))
        lines.append(",".join([*(row.get(name, "") for name in names[:4]), box, *maps]))
    return client.post(
        "/api/v1/images?rows=all", content="\n".join(lines), headers={**headers, "Content-Type": "text/csv"}
    ).json()


Way = Callable[[Client, Headers, Rows], Any]
WAYS = pytest.mark.parametrize("way", [as_json, as_lines, as_csv])


@WAYS
def test_words_come_in_and_are_shown(client: Client, writer: Headers, way: Way) -> None:
    (cid,) = send(client, writer, [picture(0)])
    row = {"cid": str(cid), "label": "feliz", "contributor": "ana", **WORDS}
    assert [one["status"] for one in way(client, writer, [row])["results"]] == ["registered"]
    (told,) = client.get(f"/api/v1/images/{cid}").json()["history"]
    assert {name: told[name] for name in WORDS} == WORDS
    assert told["signature"] is None
    query = {"consent": "given", "rights": WORDS["rights"]}
    snapshot = take(client, writer, query=query, override_rights="a test")["snapshot"]
    (item,) = client.get(f"/api/v1/snapshots/{snapshot}/items").json()["items"]
    assert (item["sources"], item["rights"]) == ({"edad": "perceived"}, {"c2pa.training-mining": ["notAllowed"]})
    asked = {"query": {"rights": {"c2pa.training-mining": "allowed"}}}
    problem(client.post("/api/v1/snapshots", json=asked, headers=writer), 422, "empty")


@WAYS
def test_boxes_of_several_labels_are_refused(client: Client, writer: Headers, way: Way) -> None:
    (cid,) = send(client, writer, [picture(0)])
    rows = [
        {"cid": str(cid), "label": label, "contributor": "ana", "boxes": [[10, 10, 40 + number, 40]]}
        for number, label in enumerate(("feliz", "triste"))
    ]
    assert [one["code"] for one in way(client, writer, rows)["results"]] == ["several_labels"] * 2
    assert client.get("/api/v1/images").json()["items"] == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"sources": {"edad": "self"}}, "source_of_nothing"),
        ({"attributes": {"edad": "3"}, "sources": {"edad": "guessed"}}, "unknown_source"),
        ({"rights": {"robots": "no"}}, "unknown_signal"),
        ({"rights": {"tdm-reservation": " "}}, "bad_text"),
        ({"signature": "0x12"}, "bad_row"),
        ({"signature": "0x" + "00" * 65}, "bad_row_signature"),
        ({"rights": "none"}, "bad_row"),
    ],
)
def test_what_says_nothing_we_know_is_refused(client: Client, writer: Headers, more: Any, code: str) -> None:
    (cid,) = send(client, writer, [picture(0)])
    (answer,) = register(client, writer, [{"cid": str(cid), "label": "feliz", **more}])["results"]
    assert (answer["status"], answer["code"]) == ("rejected", code)


def test_a_signed_row_is_verified(client: Client, writer: Headers) -> None:
    data = picture(0)
    (cid,) = send(client, writer, [data])
    row = {"cid": str(cid), "label": "feliz", "contributor": DID, "attributes": {"edad": "30"}}
    proof = signature(
        LabeledRow(
            sha256=CID.parse(str(cid)).digest,
            cid=bytes(cid),
            size=len(data),
            contributor=DID,
            label="feliz",
            attributes={"edad": "30"},
        )
    )
    (wrong,) = register(client, writer, [{**row, "label": "triste", "signature": proof}])["results"]
    assert (wrong["status"], wrong["code"]) == ("rejected", "bad_row_signature")
    assert register(client, writer, [{**row, "signature": proof}])["registered"] == 1
    (told,) = client.get(f"/api/v1/images/{cid}").json()["history"]
    assert told["signature"][:128] == proof[2:130]
    asked = {"label": "triste", "contributor": DID}
    problem(client.post(f"/api/v1/images/{cid}/labels", json=asked, headers=writer), 422, "signature_missing")


def test_another_label_is_taken_with_its_contributors_signature(client: Client, home: Home) -> None:
    data, headers = picture(0), make_token(home, "images:write")
    (cid,) = send(client, headers, [data])
    register(client, headers, [{"cid": str(cid), "label": "feliz"}])
    address = f"/api/v1/images/{cid}/labels"
    row = LabeledRow(
        sha256=hashlib.sha256(data).digest(), cid=bytes(cid), size=len(data), label="triste", contributor=DID
    )
    sent = {"label": "triste", "contributor": DID}
    problem(client.post(address, json=sent, headers=headers), 403, "contributor_not_yours")
    wrong = {**sent, "label": "enojado", "signature": signature(row)}
    problem(client.post(address, json=wrong, headers=headers), 422, "bad_row_signature")
    done = client.post(address, json={**sent, "signature": signature(row)}, headers=headers)
    assert (done.status_code, done.json()["registered"]) == (200, 1), done.text
    again = replace(row, label="enojado", replaces=bytes(CID.parse(done.json()["contribution"])))
    corrected = client.post(address, json={**wrong, "signature": signature(again)}, headers=headers)
    assert corrected.json()["corrected"] == 1, corrected.text
    told = [one for one in client.get(f"/api/v1/images/{cid}").json()["history"] if one["contributor"] == DID]
    assert [(one["label"], bool(one["signature"])) for one in told] == [("triste", True), ("enojado", True)]
