"""What the gateway answers to requests that mean nothing or can't be met."""

from __future__ import annotations

import pytest

from registry.assembly import Home
from registry.core.ipld.cid import CID, DAG_PB, IDENTITY, RAW, cid_of
from tests.api.conftest import Client, Headers, picture, problem, register, send
from tests.api.gateway.gateway_dags import (
    CAR_TYPE,
    DATA,
    RAW_TYPE,
    directory,
    get,
    put,
    put_cbor,
    read_car,
)
from tests.api.gateway.gateway_dags import publish as publish_in
from tests.support.blocks import lose


@pytest.mark.parametrize(
    "query",
    [
        "format=car&dag-scope=some",
        "format=car&dag-scope=",
        "format=car&entity-bytes=",
        "format=car&entity-bytes=a:b",
        "format=car&entity-bytes=5:4",
        "format=car&car-version=2",
        "format=car&car-order=bfs",
        "format=car&car-dups=maybe",
        "format=" + "x" * 100,
        "format=raw&filename=" + "x" * 300,
    ],
)
def test_parameters_that_mean_nothing(client: Client, root: CID, query: str) -> None:
    answer = get(client, f"/ipfs/{root}?{query}")
    problem(answer, 400, answer.json()["code"])


@pytest.mark.parametrize("cid", ["nonsense", "b" * 60, "QmInvalid", "bafkreigh2akiscaildc", "z" * 200])
def test_what_is_no_cid_is_refused(client: Client, cid: str) -> None:
    for path in (cid, f"{cid}/a/b"):
        problem(get(client, f"/ipfs/{path}?format=car"), 400, "invalid_cid")


def test_who_asks_for_nothing_is_told_so(client: Client, root: CID) -> None:
    problem(get(client, f"/ipfs/{root}", Accept=""), 400, "bad_request")
    problem(get(client, f"/ipfs/{root}", Accept="*/*"), 406, "not_acceptable")


def test_no_script_is_given_to_service_workers(client: Client, root: CID) -> None:
    for path in (root, f"{root}/plain.txt"):
        problem(get(client, f"/ipfs/{path}?format=raw", Service_Worker="script"), 400, "bad_request")


def test_only_what_is_here_if_that_is_asked_for(client: Client, home: Home, root: CID) -> None:
    unknown, lost = cid_of(b"unknown", DAG_PB), put(home.store, b"lost")
    publish_in(home, lost)
    lose(home.store, lost)
    for form in ("raw", "car"):
        for cid in (unknown, lost):
            problem(get(client, f"/ipfs/{cid}?format={form}"), 404, "not_found")
            assert client.head(f"/ipfs/{cid}?format={form}").status_code == 404
            answer = get(client, f"/ipfs/{cid}?format={form}", Cache_Control="max-age=0, only-if-cached")
            problem(answer, 412, "not_cached")
        assert get(client, f"/ipfs/{root}?format={form}", Cache_Control="only-if-cached").status_code == 200


def test_the_empty_identity_cid_is_answered_as_clients_probe_for_it(client: Client) -> None:
    """bafkqaaa is the empty identity CID, by which clients find out that this is a trustless gateway."""
    answer = get(client, "/ipfs/bafkqaaa?format=raw", Accept=RAW_TYPE)
    assert (answer.status_code, answer.content) == (200, b"")
    answer = get(client, "/ipfs/bafkqaaa?format=car", Accept=CAR_TYPE)
    assert read_car(answer.content)[:2] == ((CID.v1(RAW, b"", IDENTITY),), [])
    for form in ("raw", "car"):
        assert client.head(f"/ipfs/bafkqaaa?format={form}").status_code == 200


def test_a_missing_part_is_an_error_before_the_first_byte(client: Client, home: Home, root: CID) -> None:
    part = cid_of(DATA[:100], RAW)
    lose(home.store, part)
    for query in ("", "&dag-scope=entity", "&entity-bytes=0:*", "&car-dups=y"):
        found = problem(get(client, f"/ipfs/{root}/tree?format=car{query}"), 404, "not_found")
        assert str(part) in found["detail"]
    assert get(client, f"/ipfs/{root}/tree?format=car&dag-scope=block").status_code == 200
    assert get(client, f"/ipfs/{root}/plain.txt?format=car").status_code == 200


def test_a_withdrawn_part_is_gone_by_every_way(client: Client, writer: Headers, home: Home) -> None:
    image, other = send(client, writer, [picture(1), picture(2)])
    register(client, writer, [{"cid": str(cid), "label": "feliz"} for cid in (image, other)])
    root = directory(home.store, {"image": image, "other": other})
    document = put_cbor(home.store, {"image": image, "root": root})
    publish_in(home, root, document)
    client.post(f"/api/v1/images/{image}/withdrawal", json={"reason": "asked to"}, headers=writer)
    for path in (f"{root}/image", f"{document}/image", f"{document}/root/image"):
        for form in ("raw", "car"):
            problem(get(client, f"/ipfs/{path}?format={form}"), 410, "withdrawn")
            assert client.head(f"/ipfs/{path}?format={form}").status_code == 410
    for duplicates in ("y", "n"):
        order = read_car(get(client, f"/ipfs/{document}?format=car&car-dups={duplicates}").content)[1]
        assert image not in order
        assert other in order
