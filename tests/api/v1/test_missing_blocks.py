"""POST /blocks/missing: what a repeated upload need not send; nothing that is private shows, and silence ends."""

from __future__ import annotations

import base64
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from registry.api import bodies
from registry.assembly import Home
from registry.content.unixfs import importer
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import CAR_TYPE, Client, Headers, make_car, make_token, picture, problem, register, send

ASK = "/api/v1/blocks/missing"


def missing(client: Client, token: Headers, cids: list[CID]) -> list[str]:
    answer = client.post(ASK, json={"cids": [str(cid) for cid in cids]}, headers=token)
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()["missing"]
    return found


def test_a_sender_learns_what_is_new_and_a_stranger_only_what_is_public(
    client: Client, home: Home, writer: Headers, tmp_path: Path
) -> None:
    other = make_token(home, "images:write")
    files = [picture(1), picture(2, 3 << 20)]  # the second of several blocks
    new, _ = make_car([picture(3)])
    cids, _ = make_car(files)
    names = [str(cid) for cid in [*cids, *new]]
    assert missing(client, writer, [*cids, *new]) == names
    send(client, writer, files)
    assert missing(client, writer, [*cids, *new, *cids]) == [str(new[0])]
    assert missing(client, other, [*cids, *new]) == names  # sent, not registered: nobody else's business
    register(client, writer, [{"cid": names[0], "label": "feliz"}])
    assert missing(client, other, [*cids, *new]) == names[1:]
    register(client, writer, [{"cid": names[1], "label": "feliz"}])
    lost = next(cid for cid, _ in walk_closure(home.store.get, [cids[1]]) if cid != cids[1])
    assert missing(client, other, [*cids, *new]) == names[2:]
    _break(home, lost)
    assert missing(client, other, [*cids, *new]) == names[1:]  # known, and no longer whole

    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "secret.jpg").write_bytes(picture(7))
    (folder / "kept.jpg").write_bytes(picture(8))
    (folder / "labels.csv").write_text("file,label\nkept.jpg,feliz\n")
    root = CID.parse(import_source(home, str(folder))["root"])
    secret = importer.add_bytes(home.store, picture(7)).cid
    kept = importer.add_bytes(home.store, picture(8)).cid
    assert home.store.has(root)
    assert missing(client, other, [root, secret, kept]) == [str(root), str(secret)]
    answer = client.post(ASK, json={"root": str(root)}, headers=other).json()
    unknown = client.post(ASK, json={"root": str(new[0])}, headers=other).json()
    assert (
        {**answer, "root": ""} == {**unknown, "root": ""} == {"root": "", "blocks": 1, "missing": 1, "bitmap": "AQ=="}
    )


def _break(home: Home, lost: CID) -> None:
    """As if the disk had lost it."""
    held, absent = home.store.has, home.store.missing  # type: ignore[attr-defined]

    def has(cid: CID) -> bool:
        return cid != lost and held(cid)

    def missing(cids: Sequence[CID]) -> list[CID]:
        gone = set(absent(cids))
        return [cid for cid in cids if cid == lost or cid in gone]

    home.store.has, home.store.missing = has, missing  # type: ignore[method-assign, attr-defined]


def test_below_a_root_the_answer_is_a_bitmap(client: Client, home: Home, writer: Headers) -> None:
    files = [picture(1), picture(2), picture(3)]
    send(client, writer, files)
    rows = [{"cid": str(cid), "label": "feliz"} for cid in make_car(files)[0]]
    register(client, writer, rows)
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    order = [cid for cid, _ in walk_closure(home.store.get, [CID.parse(snapshot)])]
    lost = CID.parse(str(rows[1]["cid"]))
    _break(home, lost)
    answer = client.post(ASK, json={"root": snapshot}, headers=writer).json()
    assert (answer["blocks"], answer["missing"]) == (len(order), 1)
    bits = base64.b64decode(answer["bitmap"])
    assert [at for at in range(len(order)) if bits[at >> 3] >> (at & 7) & 1] == [order.index(lost)]
    only = base64.b64encode(bytes([1])).decode()  # the root alone is asked for
    assert client.post(ASK, json={"root": snapshot, "bitmap": only}, headers=writer).json()["missing"] == 0


def test_withdrawn_images_are_told_apart_so_that_nobody_sends_them_again(client: Client, writer: Headers) -> None:
    (cid,) = send(client, writer, [picture(1)])
    register(client, writer, [{"cid": str(cid), "label": "feliz"}])
    assert client.post(f"/api/v1/images/{cid}/withdrawal", json={"reason": "mine"}, headers=writer).status_code == 201
    answer = client.post(ASK, json={"cids": [str(cid)]}, headers=writer).json()
    assert answer == {"missing": [], "withdrawn": [str(cid)]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "asked_twice"),
        ({"cids": [], "root": "bafkqaaa"}, "asked_twice"),
        ({"cids": ["nonsense"]}, "invalid_cid"),
        ({"root": "x"}, "invalid_cid"),
    ],
)
def test_a_malformed_question_is_refused(client: Client, writer: Headers, body: Any, code: str) -> None:
    problem(client.post(ASK, json=body, headers=writer), 422, code)


def test_only_a_token_that_may_send_may_ask(client: Client, home: Home) -> None:
    assert client.post(ASK, json={"cids": []}).status_code == 401
    assert client.post(ASK, json={"cids": []}, headers=make_token(home, "runs:write")).status_code == 403


def test_a_client_that_falls_silent_gives_its_slot_back(
    server: str, home: Home, writer: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE", 0.3)
    address = urlsplit(server)
    head = (
        f"POST /api/v1/blocks HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {CAR_TYPE}\r\n"
        f"Authorization: {writer['Authorization']}\r\nContent-Length: 100000\r\n\r\nx"
    )
    silent = [socket.create_connection((address.hostname or "", address.port or 0)) for _ in range(4)]
    for one in silent:
        one.sendall(head.encode())
    for one in silent:
        one.settimeout(20)
        answer = b""
        while piece := one.recv(4096):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"body_stalled" in answer
        one.close()
    with httpx.Client(base_url=server) as client:
        send(client, writer, [picture(1)])  # all four slots are free again


def test_a_client_that_trickles_is_ended(client: Client, writer: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE", 0.0)
    monkeypatch.setattr(bodies, "PACE", 1 << 40)
    answer = client.post("/api/v1/blocks", content=b"abc", headers={**writer, "Content-Type": CAR_TYPE})
    problem(answer, 408, "body_stalled")
