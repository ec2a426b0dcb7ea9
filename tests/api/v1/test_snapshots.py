"""Snapshots over HTTP: taken, paged, compared, and proofs that need nobody's word."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import Any

import pytest

from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.table import tables
from tests.api.conftest import LABELS, Client, Headers, fill, picture, problem, register, send


def take(client: Client, headers: Headers, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/snapshots", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    done: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/snapshots/{done['snapshot']}"
    return done


def test_a_snapshot_is_taken_and_read_back(client: Client, writer: Headers) -> None:
    fill(client, writer, 8)
    done = take(client, writer)
    assert done["count"] == 8
    assert done["labels"] == dict.fromkeys(LABELS, 2)
    assert client.get(f"/api/v1/snapshots/{done['snapshot']}").json() == done
    assert take(client, writer) == done
    (listed,) = client.get("/api/v1/snapshots").json()["items"]
    assert listed["cid"] == done["snapshot"]
    assert client.get(f"/api/v1/snapshots/{listed['entry']}").json() == done


def test_a_query_and_classes_of_ones_own(client: Client, writer: Headers) -> None:
    fill(client, writer, 8)
    done = take(client, writer, classes="good, feliz\nbad, triste\n", query={"contributor": "anna"})
    assert done["labels"] == {"good": 2, "bad": 2}
    assert done["excluded"] == {"unknown_label": 4}
    refused = client.post("/api/v1/snapshots", json={"query": {"contributor": "ben"}}, headers=writer)
    problem(refused, 422, "empty")
    for classes in ("/etc/passwd", "nothing", "a,a\nb,a\n"):
        problem(client.post("/api/v1/snapshots", json={"classes": classes}, headers=writer), 422, "bad_classes")


def test_items_are_paged(client: Client, writer: Headers) -> None:
    cids = fill(client, writer, 8)
    snapshot = take(client, writer)["snapshot"]
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = client.get(f"/api/v1/snapshots/{snapshot}/items", params=query).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [one["sha256"] for one in found] == sorted(hashlib.sha256(picture(n)).hexdigest() for n in range(8))
    assert {one["image"] for one in found} == {str(cid) for cid in cids}
    assert set(found[0]) >= {"sha256", "image", "size", "label", "contributors", "boxes", "licence"}


def test_boxes_are_in_pixels(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(0)])
    register(client, writer, [{"cid": str(cid), "label": "feliz", "boxes": [[1.5, 2, 30, 40.25]]}])
    snapshot = take(client, writer)["snapshot"]
    (item,) = client.get(f"/api/v1/snapshots/{snapshot}/items").json()["items"]
    assert item["boxes"] == [[1.5, 2, 30, 40.25]]


def test_two_are_compared(client: Client, writer: Headers) -> None:
    cids = fill(client, writer, 8)
    before = take(client, writer)["snapshot"]
    client.post(f"/api/v1/images/{cids[0]}/labels", json={"label": "feliz", "contributor": "anna"}, headers=writer)
    (new,) = send(client, writer, [picture(99)])
    register(client, writer, [{"cid": str(new), "label": "triste"}])
    after = take(client, writer)["snapshot"]
    rows = client.get(f"/api/v1/snapshots/{before}/diff/{after}").json()["items"]
    assert {(row["change"], row["before"], row["after"]) for row in rows} == {
        ("changed", "triste", "feliz"),
        ("added", None, "triste"),
    }
    one = client.get(f"/api/v1/snapshots/{before}/diff/{after}?limit=1").json()
    two = client.get(f"/api/v1/snapshots/{before}/diff/{after}?limit=1&cursor={one['next']}").json()
    assert one["items"] + two["items"] == rows
    assert two["next"] is None
    assert client.get(f"/api/v1/snapshots/{before}/diff/{before}").json() == {"items": [], "next": None}


def test_a_proof_holds_without_us(client: Client, writer: Headers) -> None:
    cids = fill(client, writer, 8)
    snapshot = take(client, writer)["snapshot"]
    outside = hashlib.sha256(b"never registered").hexdigest()
    for image, inside in ((str(cids[3]), True), (hashlib.sha256(picture(3)).hexdigest(), True), (outside, False)):
        proof = client.get(f"/api/v1/snapshots/{snapshot}/proof/{image}").json()
        assert proof["included"] is inside
        assert (proof["row"] is not None) is inside
        blocks = {CID.parse(block["cid"]): b64decode(block["data"]) for block in proof["blocks"]}
        key = (bytes.fromhex(proof["sha256"]),)
        row = tables.verify_proof(CID.parse(proof["items"]), key, blocks)
        assert (row is not None) is inside
        if inside:
            assert proof["row"]["label"] == LABELS[3]
    problem(client.get(f"/api/v1/snapshots/{snapshot}/proof/nonsense"), 400, "usage")


@pytest.mark.parametrize("tail", ["", "/items", "/diff/{cid}", "/proof/" + "0" * 64])
def test_what_is_no_snapshot_is_refused(client: Client, writer: Headers, tail: str) -> None:
    (image, *_) = fill(client, writer, 4)
    unknown = cid_of(b"\xa0", 0x71)
    problem(client.get(f"/api/v1/snapshots/{unknown}{tail.format(cid=unknown)}"), 404, "not_found")
    problem(client.get(f"/api/v1/snapshots/Nonsense{tail.format(cid=unknown)}"), 400, "invalid_cid")
    answer = client.get(f"/api/v1/snapshots/{image}{tail.format(cid=unknown)}")
    assert answer.status_code in {404, 422}
    contribution = client.get(f"/api/v1/images/{image}").json()["history"][0]["contribution"]
    problem(client.get(f"/api/v1/snapshots/{contribution}{tail.format(cid=unknown)}"), 422, "wrong_record_type")


def test_what_it_supersedes_is_named(client: Client, writer: Headers) -> None:
    fill(client, writer, 4)
    before = take(client, writer)["snapshot"]
    after = take(client, writer, supersedes=before)["snapshot"]
    assert after != before
    listed = client.get("/api/v1/snapshots").json()["items"]
    assert {one["cid"]: one["supersedes"] for one in listed} == {before: None, after: before}
    refused = client.post("/api/v1/snapshots", json={"supersedes": "Nonsense"}, headers=writer)
    problem(refused, 400, "invalid_cid")
    assert cid_of(b"", RAW)
