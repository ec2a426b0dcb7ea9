"""Images over HTTP: sent, registered row by row, read, labeled again, taken back."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from registry.api.bulk.rows import read_rows
from registry.api.v1 import content
from registry.api.v1 import images as addresses
from registry.assembly import Home
from registry.content.labels import Rejection
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.dagpb import Link
from registry.core.ipld.unixfs import file_node
from registry.workflows.images import show_image
from tests.api.conftest import (
    CAR_TYPE,
    Client,
    Headers,
    Resting,
    fill,
    make_car,
    make_token,
    picture,
    problem,
    register,
    send,
)


def post_car(client: Client, headers: Headers, body: bytes, kind: str = CAR_TYPE) -> Any:
    return client.post("/api/v1/blocks", content=body, headers={**headers, "Content-Type": kind})


def test_a_car_comes_in_whole(client: Client, writer: Headers, home: Home) -> None:
    big = picture(1, 2_500_000)  # three leaves and a node
    roots, body = make_car([picture(0), big])
    answer = post_car(client, writer, body)
    assert answer.json() == {"roots": [str(root) for root in roots], "blocks": 5}
    assert set(roots) <= set(home.store.pins())
    assert post_car(client, writer, body).json() == answer.json()


def test_a_damaged_block_leaves_nothing_behind(client: Client, writer: Headers, home: Home) -> None:
    roots, body = make_car([picture(0), picture(1)])
    problem(post_car(client, writer, body[:-1] + bytes([body[-1] ^ 1])), 422, "hash_mismatch")
    problem(post_car(client, writer, body[:-1]), 422, "car_truncated")
    assert not any(home.store.has(root) for root in roots)
    assert not list(home.store.pins())


def test_a_car_without_its_blocks_or_roots(client: Client, writer: Headers) -> None:
    (root,), whole = make_car([picture(1, 2_500_000)])
    store = MemoryStore()
    blocks = [(cid, data) for cid, data in car.read(io.BytesIO(whole))[1] if cid == root]
    stream = io.BytesIO()
    car.write([root], blocks, stream)
    problem(post_car(client, writer, stream.getvalue()), 422, "car_incomplete")
    rootless = io.BytesIO()
    added = add_bytes(store, picture(2))
    car.write([], walk_closure(store.get, [added.cid]), rootless)
    problem(post_car(client, writer, rootless.getvalue()), 422, "car_without_root")


@pytest.mark.parametrize("body", [b"", b"no car at all", b"\x00" * 100, b"\xff" * 100])
def test_what_is_no_car_is_refused(client: Client, writer: Headers, body: bytes) -> None:
    answer = post_car(client, writer, body)
    assert answer.status_code == 422
    problem(answer, 422, answer.json()["code"])


def test_a_car_is_bounded_and_says_what_it_is(client: Client, writer: Headers) -> None:
    problem(post_car(client, writer, b"x", kind="application/json"), 415, "unsupported_media_type")
    headers = {**writer, "Content-Type": CAR_TYPE, "Content-Length": str((1 << 30) + 1)}
    problem(client.post("/api/v1/blocks", content=b"x", headers=headers), 413, "too_large")


def test_cars_at_once_and_their_blocks_are_bounded(
    client: Client, writer: Headers, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), body = make_car([picture(0), picture(1)])
    monkeypatch.setattr(content, "MAX_BLOCKS", 1)
    problem(post_car(client, writer, body), 422, "too_large")
    assert not home.store.has(one)
    client.app.state.uploads.total_tokens = 0
    problem(post_car(client, writer, body), 503, "busy")


def test_who_waits_too_long_for_the_others_is_told(
    client: Client, writer: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "_PATIENCE", 0.05)
    limiter = client.app.state.registering
    places, limiter.total_tokens = limiter.total_tokens, 0
    problem(client.post("/api/v1/images?rows=all", json=[], headers=writer), 503, "busy")
    limiter.total_tokens = places
    assert client.post("/api/v1/images?rows=all", json=[], headers=writer).status_code == 200


def test_rows_are_registered_and_answered_in_order(client: Client, writer: Headers) -> None:
    one, two = send(client, writer, [picture(0), picture(1)])
    rows: list[Any] = [
        {"cid": str(one), "label": "feliz", "contributor": "anna", "boxes": [[1.5, 2, 30, 40.25]]},
        {"cid": str(two), "label": "triste", "subject": "Somebody", "attributes": {"light": "dim"}, "licence": "CC0"},
        {"cid": "nonsense", "label": "feliz"},
        {"cid": str(cid_of(b"elsewhere", RAW)), "label": "feliz"},
        {"cid": str(one), "label": "  "},
        {"cid": str(one), "label": "feliz", "colour": "red"},
        {"label": "feliz"},
        17,
    ]
    done = register(client, writer, rows)
    assert [(row["row"], row["status"], row["code"]) for row in done["results"]] == [
        (1, "registered", None),
        (2, "registered", None),
        (3, "rejected", "bad_cid"),
        (4, "rejected", "not_held"),
        (5, "rejected", "empty_label"),
        (6, "rejected", "bad_row"),
        (7, "rejected", "bad_row"),
        (8, "rejected", "bad_row"),
    ]
    assert done["results"][0]["sha256"] == hashlib.sha256(picture(0)).hexdigest()
    assert "POST /api/v1/blocks" in done["results"][3]["reason"]
    assert {name: done[name] for name in ("rows", "registered", "rejected")} == {
        "rows": 8,
        "registered": 2,
        "rejected": 6,
    }
    shown = client.get(f"/api/v1/images/{one}").json()
    assert shown["label"] == "feliz"
    assert shown["size"] == 300
    assert shown["status"] == "stored"
    assert shown["history"][0]["boxes"] == [[150, 200, 3000, 4025]]
    assert "Somebody" not in client.get(f"/api/v1/images/{two}").text
    assert client.get(f"/api/v1/images/{shown['sha256']}").json() == shown


def test_again_unchanged_and_corrected(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(0)])
    row = {"cid": str(cid), "label": "feliz", "contributor": "anna"}
    assert [one["status"] for one in register(client, writer, [row, row])["results"]] == ["registered", "unchanged"]
    assert register(client, writer, [row])["results"][0]["status"] == "unchanged"
    assert register(client, writer, [{**row, "label": "triste"}])["results"][0]["status"] == "corrected"
    assert register(client, writer, [{**row, "contributor": "ben"}])["results"][0]["status"] == "registered"
    both = register(client, writer, [row, {**row, "label": "enojado"}])
    assert [one["code"] for one in both["results"]] == ["contradicting_labels"] * 2
    history = client.get(f"/api/v1/images/{cid}").json()["history"]
    assert [(one["contributor"], one["label"]) for one in history] == [
        ("anna", "feliz"),
        ("anna", "triste"),
        ("ben", "feliz"),
    ]


def test_what_was_said_of_an_image_comes_in_pages_the_newest_first(
    client: Client, writer: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cid,) = send(client, writer, [picture(0)])
    rows = [{"cid": str(cid), "label": "feliz", "contributor": f"c{number}"} for number in range(4)]
    register(client, writer, rows)
    register(client, writer, [{**rows[2], "label": "triste"}])
    everything = client.get(f"/api/v1/images/{cid}").json()
    assert everything["next"] is None
    expected = everything["history"][::-1]
    assert [(one["contributor"], one["label"]) for one in expected][:2] == [("c2", "triste"), ("c3", "feliz")]
    address = f"/api/v1/images/{cid}/labels"
    assert client.get(address).json() == {"items": expected, "next": None}
    found, following = [], ""
    for _ in range(3):
        page = client.get(f"{address}?limit=2{following}").json()
        found += page["items"]
        following = f"&cursor={page['next']}"
    assert (found, page["next"]) == (expected, None)
    monkeypatch.setattr(show_image, "HISTORY", 3)
    newest = client.get(f"/api/v1/images/{cid}").json()
    assert newest["history"][::-1] == expected[:3]
    assert client.get(f"{address}?cursor={newest['next']}").json() == {"items": expected[3:], "next": None}
    problem(client.get(f"{address}?cursor=5b5d"), 400, "usage")
    problem(client.get(f"/api/v1/images/{'0' * 64}/labels"), 404, "not_found")


def test_ndjson_and_csv_say_the_same(client: Client, writer: Headers) -> None:
    cids = send(client, writer, [picture(index) for index in range(3)])
    lines = "\n".join(json.dumps({"cid": str(cid), "label": "feliz", "contributor": "anna"}) for cid in cids)
    answer = client.post(
        "/api/v1/images?rows=all",
        content=lines + "\n\nnot json\n",
        headers={**writer, "Content-Type": "application/x-ndjson"},
    )
    assert [row["status"] for row in answer.json()["results"]] == ["registered"] * 3 + ["rejected"]
    assert answer.json()["results"][3]["row"] == 5
    table = "cid;label;contributor;box;attr.light\n" + "".join(f"{cid};feliz;anna;1 2 3 4;dim\n" for cid in cids)
    answer = client.post(
        "/api/v1/images?rows=all",
        content="\ufeff" + table + "x;feliz;anna;;\n",
        headers={**writer, "Content-Type": "text/csv"},
    )
    assert [row["status"] for row in answer.json()["results"]] == ["corrected"] * 3 + ["rejected"]
    assert answer.json()["results"][3]["code"] == "bad_cid"
    named = client.post(
        "/api/v1/images",
        content="file,label\n/etc/passwd,feliz\na.jpg,feliz\n",
        headers={**writer, "Content-Type": "text/csv"},
    ).json()
    assert [row["code"] for row in named["results"]] == ["path_outside", "cid_missing"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"", 422),
        ("application/json", b"{}", 422),
        ("application/json", b"[" * 50_000, 422),
        ("application/json", b'["\xff"', 422),
        ("application/json", b"[]", 200),
        ("application/x-ndjson", b"", 200),
        ("application/x-ndjson", b"\xff\xfe\n" + b"[" * 50_000, 200),
        ("text/csv", b"", 422),
        ("text/csv", b"\xff\xfe", 422),
        ("text/csv", b"a,b\n1,2\n", 422),
        ("image/png", b"[]", 415),
        ("application/json", b"[" + b",".join([b"1"] * 10_001) + b"]", 200),
    ],
)
def test_hostile_bodies_register_nothing(resting: Resting, kind: str, body: bytes, status: int) -> None:
    answer = resting.client.post(
        "/api/v1/images?rows=all", content=body, headers={**resting.writer, "Content-Type": kind}
    )
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.json()["registered"] == 0


def test_a_huge_body_is_refused(client: Client, writer: Headers) -> None:
    headers = {**writer, "Content-Type": "application/json", "Content-Length": str((1 << 30) + 1)}
    problem(client.post("/api/v1/images?rows=all", content=b"[]", headers=headers), 413, "too_large")


@pytest.mark.parametrize(
    "change",
    [
        {"label": "x" * 201},
        {"label": "a\x00b"},
        {"contributor": "a\x00b"},
        {"contributor": "x" * 201},
        {"subject": " "},
        {"boxes": [[0, 0, 0, 5]]},
        {"boxes": [[0, 0, -1, 5]]},
        {"boxes": [[0, 0, 1e12, 5]]},
        {"boxes": [[0, 0, 5]]},
        {"boxes": [[1, 1, 1, 1]] * 101},
        {"attributes": {str(index): "x" for index in range(33)}},
        {"attributes": {"a": "x" * 201}},
    ],
)
def test_a_row_out_of_bounds(resting: Resting, change: dict[str, Any]) -> None:
    row = {"cid": str(resting.images[0]), "label": "feliz", **change}
    done = register(resting.client, resting.writer, [row])
    assert done["results"][0]["status"] == "rejected", done


def test_only_files_of_a_sensible_size_are_images(client: Client, writer: Headers) -> None:
    store, stream = MemoryStore(), io.BytesIO()
    leaf = add_bytes(store, picture(0, 1 << 20))
    bomb = file_node(tuple(Link(leaf.cid, "", leaf.tsize) for _ in range(65)), (1 << 20,) * 65)
    huge = cid_of(bomb, 0x70)
    store.put(huge, bomb)
    folder = add_directory(store, {"a.jpg": (leaf.cid, leaf.tsize)}).cid
    record = cid_of(b"\xa0", DAG_CBOR)
    store.put(record, b"\xa0")
    roots = [huge, folder, record]
    car.write(roots, walk_closure(store.get, roots), stream)
    assert post_car(client, writer, stream.getvalue()).status_code == 200
    done = register(client, writer, [{"cid": str(cid), "label": "feliz"} for cid in roots])
    assert [row["code"] for row in done["results"]] == ["too_large", "not_a_file", "not_a_file"]


def test_a_request_with_the_same_idempotency_key_gets_the_same_answer(
    client: Client, writer: Headers, home: Home
) -> None:
    (cid,) = send(client, writer, [picture(0)])
    row = {"cid": str(cid), "label": "feliz"}
    first = register(client, writer, [row], **{"Idempotency-Key": "k1"})
    assert first["registered"] == 1
    assert register(client, writer, [row], **{"Idempotency-Key": "k1"}) == first
    assert register(client, writer, [row], **{"Idempotency-Key": "k2"})["unchanged"] == 1
    other = client.post(
        "/api/v1/images", json=[{**row, "label": "triste"}], headers={**writer, "Idempotency-Key": "k1"}
    )
    problem(other, 422, "idempotency_key_reused")
    stranger = make_token(home, "images:write")
    assert register(client, stranger, [row], **{"Idempotency-Key": "k1"})["unchanged"] == 1
    problem(
        client.post("/api/v1/images?rows=all", json=[row], headers={**writer, "Idempotency-Key": "x" * 201}),
        400,
        "invalid_request",
    )


def test_the_same_key_at_once_is_worked_once(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(0)])
    answers: list[dict[str, Any]] = []

    def go() -> None:
        answers.append(register(client, writer, [{"cid": str(cid), "label": "feliz"}], **{"Idempotency-Key": "same"}))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["registered"] for answer in answers] == [1] * 4


def test_lists_are_paged_and_filtered(client: Client, writer: Headers) -> None:
    fill(client, writer, 8)
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = client.get("/api/v1/images", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        found += [image["sha256"] for image in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert found == sorted(hashlib.sha256(picture(index)).hexdigest() for index in range(8))
    happy = client.get("/api/v1/images", params={"label": "feliz", "contributor": "anna"}).json()["items"]
    assert len(happy) == 2
    assert client.get("/api/v1/images", params={"label": "feliz", "contributor": "ben"}).json()["items"] == []
    assert len(client.get("/api/v1/images", params={"status": "stored"}).json()["items"]) == 8


def test_an_image_is_shown_by_statements_whose_text_is_known(client: Client, writer: Headers, home: Home) -> None:
    cid = fill(client, writer, 1)[0]
    first, built = client.get(f"/api/v1/images/{cid}").json(), list[str]()
    note = lambda _c, _cursor, said, *_: built.append(said)  # noqa: E731 - prepared statements do not come this way
    sa.event.listen(home.catalog.engine, "before_cursor_execute", note)
    try:
        assert client.get(f"/api/v1/images/{cid}").json() == first
    finally:
        sa.event.remove(home.catalog.engine, "before_cursor_execute", note)
    assert [said for said in built if not said.startswith("BEGIN")] == []


def test_another_label_is_a_correction(client: Client, writer: Headers) -> None:
    (cid, *_) = fill(client, writer, 4)
    path = f"/api/v1/images/{cid}/labels"
    assert client.post(path, json={"label": "feliz", "contributor": "anna"}, headers=writer).json()["corrected"] == 1
    assert client.post(path, json={"label": "feliz", "contributor": "anna"}, headers=writer).json()["unchanged"] == 1
    assert client.get(f"/api/v1/images/{cid}").json()["labels"] == {"feliz": 1}
    unknown = cid_of(b"unknown", RAW)
    problem(client.post(f"/api/v1/images/{unknown}/labels", json={"label": "x"}, headers=writer), 404, "not_found")


def test_an_image_that_was_taken_back_is_withdrawn_everywhere(client: Client, writer: Headers) -> None:
    cid, *_ = fill(client, writer, 8)
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    answer = client.post(
        f"/api/v1/images/{cid}/withdrawal", json={"reason": "asked to", "remedy": "remove_bytes"}, headers=writer
    )
    assert (answer.status_code, answer.json()["remedy"]) == (201, "remove_bytes"), answer.text
    wrong = client.post(f"/api/v1/images/{cid}/withdrawal", json={"reason": "x", "remedy": "magic"}, headers=writer)
    assert wrong.status_code in {400, 422}
    assert {"cid": snapshot, "type": "snapshot", "remedy": "remove_bytes"} in answer.json()["affected"]
    assert client.get(f"/api/v1/images/{cid}").json()["status"] == "withdrawn"
    again = client.post("/api/v1/snapshots", json={}, headers=writer).json()
    assert again["excluded"] == {"withdrawn": 1}
    for target in ("nonsense", snapshot, str(cid_of(b"unknown", RAW))):
        refused = client.post(f"/api/v1/images/{target}/withdrawal", json={"reason": "x"}, headers=writer)
        problem(refused, 404, "not_found")


@pytest.mark.parametrize("identity", ["nonsense", "bafy", "0" * 64, "..%2f..%2fetc", "%00", "Qm" + "1" * 44, "x" * 257])
def test_what_is_no_image_is_refused(resting: Resting, identity: str) -> None:
    answer = resting.client.get(f"/api/v1/images/{identity}")
    assert answer.status_code in {400, 404}, answer.text
    problem(answer, answer.status_code, answer.json()["code"])


def test_lookup_finds_what_speaks_of_an_image(client: Client, writer: Headers) -> None:
    cid, *_ = fill(client, writer, 4)
    for name in (str(cid), hashlib.sha256(picture(0)).hexdigest()):
        found = client.get(f"/api/v1/lookup/{name}").json()["items"]
        assert [one["type"] for one in found] == ["contribution"]
        assert CID.parse(found[0]["record"])
    problem(client.get("/api/v1/lookup/Nonsense"), 400, "invalid_cid")


def test_a_lookup_comes_in_pages(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(0)])
    for number in range(3):
        register(client, writer, [{"cid": str(cid), "label": "feliz", "contributor": f"c{number}"}])
    expected = client.get(f"/api/v1/lookup/{cid}").json()["items"]
    assert len(expected) == 3
    found, following = [], ""
    for _ in expected:
        page = client.get(f"/api/v1/lookup/{cid}?limit=1{following}").json()
        found += page["items"]
        following = f"&cursor={page['next']}"
    assert (found, page["next"]) == (expected, None)
    assert client.get(f"/api/v1/audits?target={cid}&limit=1").json() == {"items": [], "next": None}
    problem(client.get(f"/api/v1/lookup/{cid}?cursor=zz"), 400, "usage")


def drawn(red: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (200, 140), (red, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def test_rows_of_one_picture_are_one_statement_with_all_boxes(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [drawn(1)])
    row = {"cid": str(cid), "label": "feliz", "contributor": "anna"}
    boxes = [[10, 10, 40, 40], [190, 130, 20, 20], [10, 10, 40, 40]]
    results = register(client, writer, [{**row, "boxes": [box]} for box in boxes])["results"]
    assert [one["status"] for one in results] == ["registered", "registered", "unchanged"]
    assert [bool(one["note"]) for one in results] == [False, True, False]
    (said,) = client.get(f"/api/v1/images/{cid}").json()["history"]
    assert said["boxes"] == [[1000, 1000, 4000, 4000], [19000, 13000, 1000, 1000]]


def test_whoever_sends_a_row_of_an_image_that_was_taken_back_is_told(client: Client, writer: Headers) -> None:
    """However the withdrawal names the image, and whether its bytes are here or not."""
    cid, other, kept = send(client, writer, [drawn(5), drawn(6), drawn(7)])
    absent = cid_of(b"never sent", RAW)
    register(client, writer, [{"cid": str(one), "label": "feliz"} for one in (cid, other, kept)])
    for target in (str(cid), other.digest.hex()):
        answer = client.post(f"/api/v1/images/{target}/withdrawal", json={"reason": "mine"}, headers=writer)
        assert answer.status_code == 201
    box = {"boxes": [[0, 0, 900, 900]]}
    rows = [{"cid": str(one), "label": "triste", **box} for one in (cid, other, kept)]
    answers = register(client, writer, [*rows, {"cid": str(absent), "label": "feliz"}])["results"]
    assert [one["status"] for one in answers] == ["corrected"] * 3 + ["rejected"]
    assert ["the image is withdrawn" in (one["note"] or "") for one in answers] == [True, True, False, False]
    assert all((one["note"] or "").startswith("cut to the picture") for one in answers[:3])


@pytest.mark.parametrize("box", [[900, 900, 10, 10], [0.5, 0.5, 0.25, 0.25], [199.5, 0, 20, 20]])
def test_a_box_outside_or_below_a_pixel_is_refused(client: Client, writer: Headers, box: list[float]) -> None:
    (cid,) = send(client, writer, [drawn(2)])
    (answer,) = register(client, writer, [{"cid": str(cid), "label": "feliz", "boxes": [box]}])["results"]
    assert (answer["status"], answer["code"]) == ("rejected", "bad_box")


def test_rows_of_one_picture_that_contradict_each_other_are_refused(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [drawn(3)])
    row = {"cid": str(cid), "label": "feliz"}
    results = register(client, writer, [{**row, "subject": "a"}, {**row, "subject": "b"}])["results"]
    assert [one["code"] for one in results] == ["contradicting_rows"] * 2


@pytest.mark.parametrize(
    ("row", "cid", "said"),
    [
        (b'{"cid": "bafkabc", "label": 5}', "bafkabc", "Expected `str`"),
        (rb'{"cid": "bafkabc", "label": "a\ud800"}', "bafkabc", "label holds half of a surrogate pair"),
        (rb'{"cid": "bafkabc", "label": "a", "rights": {"x": "\ud800"}}', "bafkabc", "rights.x holds half"),
        (b'{"cid": "bafkabc", "label": "a", "label": "b"}', "bafkabc", "states label twice"),
        (b'{"cid": "bafkabc", "label": "a", "attributes": {"x": "1", "x": "1"}}', "bafkabc", "states x twice"),
        (rb'{"cid": "bafkabc", "label": "a", "l\u0061bel": "a"}', "bafkabc", "states label twice"),
        (rb'{"cid": "bafkabc", "label": "a\ud800 b"}', "bafkabc", "half of a surrogate pair"),
        (rb'{"cid": "\ud800", "label": "a"}', "", "half of a surrogate pair"),
        (b'{"cid": "bafkabc"', "", "truncated"),
        (b"[]", "", "Expected `object`"),
    ],
)
def test_a_row_that_is_none_is_told_by_its_cid(row: bytes, cid: str, said: str) -> None:
    (bad,) = read_rows(BytesIO(row), "application/x-ndjson")
    assert isinstance(bad, Rejection)
    assert (bad.code, bad.name) == ("bad_row", cid)
    assert said in bad.reason
